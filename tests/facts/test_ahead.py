"""What can be loaded before an app, and what of its code could notice that."""

from __future__ import annotations

import pytest

DEFINES = "app = object()\n"


def test_packages_are_those_of_all_modules_that_are_reached(facts):
    main = "import fastapi\nfrom shop import db\ntry:\n    import perhaps\nexcept ImportError: 0\n"
    database = "from sqlalchemy.ext.asyncio import create_async_engine\nimport fastapi\ndef f():\n    import later\n"
    known = facts(
        {
            "main.py": main + DEFINES,
            "shop/db.py": database,
            "shop/elsewhere.py": "import asyncpg",
            "unreached.py": "import celery",
        },
        app="main:app",
    )
    found = known.packages(known.app)
    assert found.imported == ("fastapi", "sqlalchemy.ext.asyncio", "asyncpg")
    assert (found.drivers, found.dialects) == ((), ()), "nothing makes an engine"


def test_the_driver_of_engines_is_one_of_the_packages(facts):
    source = (
        "from sqlalchemy.ext.asyncio import create_async_engine\nengine = create_async_engine('postgresql://h/d')\n"
    )
    known = facts({"main.py": source + DEFINES, "requirements.txt": "psycopg\n"}, app="main:app")
    found = known.packages(known.app)
    assert (found.drivers, found.dialects) == (("psycopg",), ("sqlalchemy.dialects.postgresql.psycopg",))


USES = {
    "import shelf\nshelf.books.first()": {"shelf.books", "shelf.books.first"},
    "import shelf as s\ns.books": {"shelf.books"},
    "import shelf, shelf.books\nshelf.books.first": {"shelf.books.first"},
    "from shelf import books\nbooks.first": {"shelf.books.first"},
    "from shelf import (\n    books as b,  # a comment\n    pages,\n)\nb.first": {"shelf.books.first"},
    "def f():\n    import shelf.books\nimport shelf\nshelf.books": {"shelf.books"},
    "import shelf.books.old\nshelf.books.old.x": {"shelf.books.old.x"},
    "import shelf\nself.shelf.books\nother_shelf.books": set(),
    "from shop import db\ndb.engine": set(),
}


@pytest.mark.parametrize("source", USES)
def test_uses_are_names_that_the_file_does_not_import(facts, source):
    known = facts({"main.py": f"{source}\n{DEFINES}", "shop/db.py": ""}, app="main:app")
    assert set(known.habits(known.app).uses) == USES[source]


SETS = {
    "import os\nos.environ['A'] = '1'\nos.environ.setdefault( \"B\", '2')\nos.putenv('C', '3')": ("A", "B", "C"),
    "import os\nname = 'A'\nos.environ[name] = '1'": ("*",),
    "import os\nos.environ.update(A='1')": ("*",),
    "from os import environ as e\nimport os\nprint(os.environ.get('A'), os.getenv('B'))": (),
    "from dotenv import load_dotenv\nload_dotenv()": ("IN_FILE",),
    "from dotenv import dotenv_values\ndotenv_values()": (),
    "class Settings:\n    env_file = '.env'": (),
}


@pytest.mark.parametrize("source", SETS)
def test_variables_that_the_code_sets_are_known(facts, source):
    known = facts({"main.py": f"{source}\n{DEFINES}", ".env": "IN_FILE=1\n"}, app="main:app")
    assert known.habits(known.app).sets == SETS[source]
