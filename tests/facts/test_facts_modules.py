# A case is a line, however long: the tables are read downwards.
# ruff: noqa: E501
from __future__ import annotations

import pytest

from pytest_asyncdb.facts.python import Level


def module(facts, name):
    return next(one for one in facts.modules if one.name == name)


@pytest.mark.parametrize(
    ("code", "target"),
    [
        ("from sqlmodel import create_engine as ce\ne = ce('x')", "sqlmodel.create_engine"),
        ("import sqlalchemy as sa\ne = sa.create_engine('x')", "sqlalchemy.create_engine"),
        ("import sqlalchemy.ext.asyncio\ne = sqlalchemy.ext.asyncio.create_async_engine('x')", "sqlalchemy.ext.asyncio.create_async_engine"),
        ("from sqlalchemy.ext import asyncio as s\ne = s.create_async_engine('x')", "sqlalchemy.ext.asyncio.create_async_engine"),
        ("from sqlalchemy.ext.asyncio.engine import create_async_engine\ne = create_async_engine('x')", "sqlalchemy.ext.asyncio.create_async_engine"),
        ("from sqlalchemy.engine import create_engine\ne = create_engine('x')", "sqlalchemy.create_engine"),
        ("from sqlmodel import *\ne = create_engine('x')", "sqlmodel.create_engine"),
        ("from app.own import create_engine\ne = create_engine('x')", "app.own.create_engine"),
        ("from .own import create_engine\ne = create_engine('x')", "app.own.create_engine"),
        ("from app import create_engine\ne = create_engine('x')", "app.own.create_engine"),
        ("from app.again import make\ne = make('x')", "sqlalchemy.create_engine"),
        ("from app.stars import *\ne = create_engine('x')", "app.own.create_engine"),
        ("from . import own\ne = own.create_engine('x')", "app.own.create_engine"),
        ("import app.own\ne = app.own.create_engine('x')", "app.own.create_engine"),
        ("from sqlalchemy import create_engine\ndef create_engine(u): ...\ne = create_engine('x')", "app.db.create_engine"),
        ("from sqlalchemy import create_engine\nmake = create_engine\ne = make('x')", "sqlalchemy.create_engine"),
        ("from sqlalchemy.ext.asyncio import async_sessionmaker as m\ne = m[int]()", "sqlalchemy.ext.asyncio.async_sessionmaker"),
        ("def f():\n    from sqlalchemy import create_engine\n    return create_engine('x')", "sqlalchemy.create_engine"),
        ("try:\n    from sqlalchemy import create_engine\nexcept ImportError:\n    create_engine = None\ne = create_engine('x')", "sqlalchemy.create_engine"),
    ],
)  # fmt: skip
def test_calls_have_canonical_targets(facts, code, target):
    about = facts(
        {
            "app/__init__.py": "from app.own import create_engine\n",
            "app/own.py": "def create_engine(url): ...\n",
            "app/again.py": "from sqlalchemy import create_engine as make\n",
            "app/stars.py": "from .own import *\n",
            "app/db.py": code,
        }
    )
    targets = [call.target for call in module(about, "app.db").calls]
    assert targets == [target]


def test_what_resolves_in_circles_ends(facts):
    about = facts(
        {"a.py": "from b import create_engine\nx = x.y\ncreate_engine(x)\n", "b.py": "from a import create_engine\n"}
    )
    assert about.static_engines == ()


def test_a_parameter_hides_an_import(facts):
    code = "from sqlalchemy import create_engine\ndef f(create_engine):\n    return create_engine('x')\n"
    assert module(facts({"db.py": code}), "db").calls == ()


IMPORTS = """\
from __future__ import annotations
import typing as t
from typing import TYPE_CHECKING
from sqlmodel import SQLModel, create_engine as ce
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
if TYPE_CHECKING:
    from sqlalchemy.pool import NullPool
try:
    import asyncpg
except ImportError:
    asyncpg = None
if __name__ == "__main__":
    import uvicorn
def f(e: "AsyncEngine") -> t.Any:
    from . import other
    return ce, asyncpg
__all__ = ["SQLModel"]
"""


def test_imports_have_level_and_use(facts):
    about = facts(
        {"app/__init__.py": "", "app/other.py": "from app.db import AsyncSession\nAsyncSession", "app/db.py": IMPORTS}
    )
    found = {one.alias: (one.module, one.name, one.level, one.used) for one in module(about, "app.db").imports}
    assert found["ce"] == ("sqlmodel", "create_engine", Level.MODULE, True)
    assert found["SQLModel"] == ("sqlmodel", "SQLModel", Level.MODULE, True)
    assert found["AsyncEngine"][3]
    assert found["AsyncSession"][3], "another module imports it from here"
    assert found["NullPool"] == ("sqlalchemy.pool", "NullPool", Level.TYPE_CHECKING, False)
    assert found["asyncpg"] == ("asyncpg", None, Level.GUARDED, True)
    assert found["uvicorn"] == ("uvicorn", None, Level.FUNCTION, False)
    assert found["other"] == ("app", "other", Level.FUNCTION, False)
    assert found["t"] == ("typing", None, Level.MODULE, True)


CALL = """\
from sqlalchemy.ext.asyncio import create_async_engine
ключ = "é"
class Db:
\tengine = create_async_engine(  # ü
\t\t"postgresql+asyncpg://me:s3cretValue9@h/d",
\t\techo = True, pool_size=-5,
\t\t**{"ü": 1},
\t)
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_calls_have_exact_spans_and_no_secret(facts, newline, bom):
    about = facts({"db.py": (bom + CALL).replace("\n", newline)})
    text = about.project.text("db.py")
    (call,) = module(about, "db").calls
    assert text[call.callee.start : call.callee.end] == "create_async_engine"
    assert (call.span.line, call.span.column, call.assigned_to) == (4, 11, "db.Db.engine")
    parts = [text[one.span.start : one.span.end] for one in call.arguments]
    assert parts == ['"postgresql+asyncpg://me:s3cretValue9@h/d"', "echo = True", "pool_size=-5", '**{"ü": 1}']
    assert [one.keyword for one in call.arguments] == [None, "echo", "pool_size", "**"]
    assert call.positional(0).value.literal == "postgresql+asyncpg://me:***@h/d"
    assert call.argument("pool_size").value.literal == -5
    assert "s3cretValue9" not in repr(about.modules)


def test_attributes_and_globals_are_assigned_names(facts):
    code = (
        "from sqlalchemy.ext.asyncio import create_async_engine\n"
        "class Manager:\n    def __init__(self):\n        self.engine = create_async_engine('x')\n"
        "def init():\n    global engine\n    engine = create_async_engine('y')\n"
        "def local():\n    mine = create_async_engine('z')\n"
    )
    assert [call.assigned_to for call in module(facts({"db.py": code}), "db").calls] == [
        "db.Manager.engine",
        "db.engine",
        None,
    ]


def test_what_cannot_be_parsed_is_a_fault_with_its_place(facts):
    about = facts({"app/main.py": "x = 1\nfrom fastapi import (\n", "app/null.py": b"x = 1\0"})
    fault = module(about, "app.main").fault
    assert (fault.place.path, fault.place.line) == ("app/main.py", 2)
    assert fault.message == "'(' was never closed"
    assert fault.needs == ""
    assert module(about, "app.null").fault is not None


def test_every_kind_of_syntax_is_read(facts):
    code = (
        "import sqlalchemy\nx = {**{}, 'a': 1}\nmatch x:\n    case {'a': 1, **rest} if (y := 2):\n        del x['a']\n"
        "async def f(*a, k: 'int' = 1, **kw) -> None:\n    async with a as b, c: pass\n    async for d in e: yield d\n    return\n"
        "g = [i async for i in f() if i] + [*x] + [lambda *z, q=1: (yield)]\ntry:\n    pass\nexcept* OSError as err:\n    raise\n"
        "(h, [m, *n]), o.p, r[0] = x\nwhile True: break\nfor t in x: continue\nelse: assert t, f'{t!r:>{g}}'\nx += 1\n"
        "class C(B, metaclass=M):\n    a: int\n    global zz\nw: 'list[int]'\n@d\nclass D: ...\nu = x[1:2, ..., ::3]\n"
    )
    about = facts({"a.py": code})
    assert module(about, "a").fault is None
    assert module(about, "a").imports


def test_invalid_escapes_are_no_fault_under_strict_warnings(facts):
    assert module(facts({"a.py": 'x = "\\d"\n'}), "a").fault is None


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("src/main.py", "app"),
        ("src/tests/helper.py", "test"),
        ("src/test_x.py", "test"),
        ("conftest.py", "test"),
        ("alembic/env.py", "migration"),
        ("migrations/versions/0001_x.py", "migration"),
        ("db/schema/env.py", "migration"),
        ("db/schema/versions/a.py", "migration"),
        ("scripts/seed.py", "script"),
        ("examples/a.py", "script"),
        ("setup.py", "script"),
        ("latest/app.py", "app"),
    ],
)
def test_roles(facts, path, role):
    about = facts({path: "import sqlalchemy\n", "db/schema/script.py.mako": ""})
    assert next(one.role for one in about.modules if one.path == path) == role


MAKES = "from sqlalchemy.ext.asyncio import create_async_engine\nengine = create_async_engine('postgresql://h/d')\n"


@pytest.mark.parametrize(
    ("path", "code", "role"),
    [
        ("shop/db.py", MAKES, "app"),
        ("maker/templates/full/app/db.py", MAKES, "template"),
        ("{{cookiecutter.slug}}/db.py", MAKES, "template"),
        ("shop/db.py", f"# @generated by a tool\n{MAKES}", "generated"),
        ("shop/db.py", f'"""Code generated by sqlc. DO NOT EDIT."""\n{MAKES}', "generated"),
        ("shop/db.py", f"# Generated once, edit as you like\n{MAKES}", "app"),
        ("shop/db_pb2.py", MAKES, "generated"),
    ],
)
def test_what_others_are_made_from_or_a_generator_wrote_is_read_and_is_not_the_apps(facts, path, code, role):
    about = facts({path: code})
    assert [one.role for one in about.modules] == [role]
    assert [engine.role for engine in about.engines] == [role]
    assert about.app is None


@pytest.mark.parametrize("code", ["import {{ name }}.db\n", "{% if postgres %}\nimport asyncpg\n{% endif %}\n"])
def test_what_a_template_engine_fills_in_is_no_faulty_source(facts, code):
    [one] = facts({"maker/files/main.py": code}).modules
    assert one.role == "template"
    [broken] = facts({"maker/files/main.py": "x = {\n"}).modules
    assert broken.role == "app"


def test_the_app_of_a_template_is_not_the_projects(facts):
    app = "from fastapi import FastAPI\napp = FastAPI()\n"
    files = {"templates/full/app/main.py": app, "templates/full/Dockerfile": "CMD uvicorn app.main:app\n"}
    assert facts(files).app is None
    assert facts({**files, "app/main.py": app}).app.module_path == "app/main.py"


def test_of_very_many_modules_those_that_make_something_are_parsed_first(facts):
    model = "from sqlalchemy import Column\nfrom shop.base import Base\n"
    models = {f"shop/m{number}.py": model for number in range(600)}
    files = {**models, "shop/base.py": f"{MAKES}Base = object\n" + "# long\n" * 100_000}
    parsed = {one.path for one in facts(files).modules if one.imports}
    assert parsed == {"shop/base.py"}
