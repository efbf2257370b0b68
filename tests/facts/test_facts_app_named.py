from __future__ import annotations

import pytest

from pytest_asyncdb.facts.app import AppNotFoundError, NoAppError, find_app
from pytest_asyncdb.model.settings import Settings

FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
FACTORY = "from fastapi import FastAPI\ndef create_app():\n    app = FastAPI()\n    return app\n"


def found(project, files, **settings):
    made = project(files)
    return find_app(made, Settings(made.root, **settings))


TWO = {"a/main.py": FASTAPI, "b/main.py": FASTAPI, "b/__init__.py": "", "a/__init__.py": ""}


@pytest.mark.parametrize(
    ("setting", "target", "factory"),
    [
        ("app.factory:create_app", "app.factory:create_app", True),
        ("app.factory:create_app()", "app.factory:create_app", True),
        ("b.main:app", "b.main:app", False),
        ("b.main", "b.main:app", False),
        ("tests.helper:app", "tests.helper:app", False),
        ("broken:anything", "broken:anything", False),
    ],
)
def test_what_the_user_names_wins(project, setting, target, factory):
    files = {
        **TWO,
        "app/factory.py": FACTORY,
        "tests/helper.py": FASTAPI,
        "broken.py": "def (",
        "Procfile": "uvicorn a.main:app",
    }
    app = found(project, files, app=setting)
    assert (app.target, app.factory, app.found_in) == (target, factory, "asyncdb_app")


def test_the_users_working_directory_wins(project):
    made = project({"api/main.py": FASTAPI, "run/x.txt": ""})
    assert find_app(made, Settings(made.root, cwd=made.root / "run")).cwd == "run"


@pytest.mark.parametrize(
    ("setting", "parts"),
    [
        ("no.such:app", ["asyncdb_app", "'no.such:app'", "no/such.py", "`main:app`"]),
        ("main:nothing", ["asyncdb_app", "main.py defines no `nothing`", "`main:app`"]),
        ("main app", ["asyncdb_app", "`module:attribute`"]),
    ],
)
def test_says_what_is_wrong_with_what_the_user_named(project, setting, parts):
    with pytest.raises(AppNotFoundError) as caught:
        found(project, {"main.py": FASTAPI}, app=setting)
    for part in parts:
        assert part in str(caught.value)


def test_says_what_was_looked_for(project):
    with pytest.raises(AppNotFoundError) as caught:
        found(project, {"tests/main.py": FASTAPI, "lib.py": "x = 1"})
    message = str(caught.value)
    for part in (
        "[tool.fastapi]",
        "uvicorn",
        "Dockerfile",
        "create_app()",
        "2 Python files",
        "asyncdb_app",
        "--asyncdb-app",
    ):
        assert part in message


@pytest.mark.parametrize("setting", ["none", " None "])
def test_a_project_can_say_that_it_has_no_app(project, setting):
    with pytest.raises(NoAppError, match="asyncdb_app") as caught:
        found(project, {"main.py": FASTAPI}, app=setting)
    assert caught.value.declared


BESIDE = {"app.py": "from app import create_app\napp = create_app()\n", "app/__init__.py": FACTORY}


def test_a_module_beside_a_package_of_its_name_is_not_what_is_imported(project):
    app = found(project, BESIDE)
    assert (app.target, app.factory, app.module_path) == ("app:create_app", True, "app/__init__.py")


def test_a_command_means_the_package_and_not_the_module_beside_it(project):
    app = found(project, {"Procfile": "web: uvicorn app:app\n", "app.py": "", "app/__init__.py": FASTAPI})
    assert app.module_path == "app/__init__.py"


def test_an_app_that_nothing_can_import_is_told_with_the_reason(project):
    with pytest.raises(NoAppError, match=r"no server can import the app of app\.py: the package app/__init__\.py has"):
        found(project, {"app.py": FASTAPI, "app/__init__.py": ""})


def test_the_app_of_an_example_is_named_where_there_is_no_other(project):
    with pytest.raises(NoAppError, match=r"\(or a file: `--asyncdb-app=examples/web\.py`\), or run"):
        found(project, {"lib/tool.py": "", "examples/web.py": FASTAPI})


ELSEWHERE = {"src/main.py": "from src.api import x\n" + FASTAPI, "src/api.py": "x = 1"}


@pytest.mark.parametrize(
    ("files", "target", "told"),
    [
        ({"Dockerfile": "CMD uvicorn main:app\n"}, "src.main:app", "main:app"),
        ({"Dockerfile": "CMD uvicorn src.main:app\n"}, "src.main:app", ""),
        ({"run.py": "import uvicorn\nuvicorn.run('main:app')\n"}, "src.main:app", ""),
    ],
)
def test_a_command_that_names_the_app_otherwise_than_its_imports_is_remembered(project, files, target, told):
    app = found(project, {**ELSEWHERE, **files})
    assert (app.target, app.told) == (target, told)


KEEPS = "from fastapi import FastAPI\nclass Creator:\n    def __init__(self):\n        self.web = FastAPI()\n"
GIVES = "from fastapi import FastAPI\nclass Creator:\n  def build(self):\n    made = FastAPI()\n    return made\n"


@pytest.mark.parametrize(
    "text",
    [
        KEEPS + "creator = Creator()\napp = creator.web\n",
        KEEPS + "app = Creator().web\n",
        GIVES + "creator = Creator()\napp = creator.build()\n",
    ],
)
def test_an_app_that_a_class_makes(project, text):
    app = found(project, {"main.py": text})
    assert (app.target, app.factory, app.framework) == ("main:app", False, "fastapi")


@pytest.mark.parametrize("text", [KEEPS, GIVES, KEEPS + "app = Creator().other\n", KEEPS + "app = load()\n"])
def test_a_class_alone_is_no_app(project, text):
    with pytest.raises(NoAppError):
        found(project, {"main.py": text})
