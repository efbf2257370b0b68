# A case is a line, however long: the tables are read downwards.
# ruff: noqa: E501
from __future__ import annotations

import dataclasses

import pytest

from pytest_asyncdb.model.finding import Evidence
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record import BootRecord, EndRecord, EngineRecord, ErrorRecord, FactoryRecord, UrlRecord

MAIN = "from fastapi import FastAPI\nfrom app.api import router\napp = FastAPI()\napp.include_router(router)\n"
APP = {
    "app/__init__.py": "",
    "app/main.py": MAIN,
    "app/api.py": "from fastapi import APIRouter\nrouter = APIRouter()\n",
}


@pytest.mark.parametrize(
    ("files", "circles"),
    [
        ({"app/a.py": "from app.b import x\n", "app/b.py": "from app.a import y\n"}, [("app.a", "app.b")]),
        ({"app/a.py": "from . import b\n", "app/b.py": "from . import a\n"}, [("app.a", "app.b")]),
        ({"app/a.py": "import app.b\n", "app/b.py": "import app.c as c\n", "app/c.py": "from .a import (\n  x, # y\n)\n"}, [("app.a", "app.b", "app.c")]),
        ({"app/a.py": "def f():\n    from app.b import x\n", "app/b.py": "from app.a import f\n"}, []),
        ({"app/a.py": "if TYPE_CHECKING:\n    from app.b import x\n", "app/b.py": "from app.a import f\n"}, []),
        ({"app/a.py": '"""\nfrom app.b import x\n"""\n', "app/b.py": "from app.a import f\n"}, []),
        ({"app/a.py": "try:\n    from app.b import x\nexcept ImportError:\n    x = 1\n", "app/b.py": "from app.a import f\n"}, [("app.a", "app.b")]),
        ({"app/__init__.py": "from app.a import x\n", "app/a.py": "from app.b import y\n", "app/b.py": "y = 1\n"}, []),
        ({"app/__init__.py": "from app.a import x\n", "app/a.py": "from app import b\n", "app/b.py": ""}, []),
        ({"app/__init__.py": "from app.a import x\nhelper = 1\n", "app/a.py": "from app import helper\n"}, [("app", "app.a")]),
        ({"app/a.py": "from app.b import x\nfrom app.c import x\n", "app/b.py": "from app.a import x\n", "app/c.py": "from app.b import x\nfrom app.a import x\n"}, [("app.a", "app.b")]),
        ({"tests/test_a.py": "import tests.test_b\n", "tests/test_b.py": "import tests.test_a\n"}, []),
    ],
)  # fmt: skip
def test_circular_imports(facts, files, circles):
    about = facts({"main.py": "from fastapi import FastAPI\napp = FastAPI()\n", **files})
    assert [one.modules for one in about.cycles] == circles
    for one in about.cycles:
        assert [place.path.removesuffix(".py").replace("/", ".") for place in one.places] == [
            name if name != "app" else "app.__init__" for name in one.modules
        ]


@pytest.mark.parametrize(
    ("main", "included"),
    [
        ("from app.api import router\napp.include_router(router)\n", True),
        ("from app import api\napp.include_router(api.router, prefix='/x')\n", True),
        ("from app.api import router as r\nfor one in [r]:\n    app.include_router(one)\n", True),
        ("import app.api\n", False),
        ("from app.api import router\n", False),
        ("from app.again import router\napp.include_router(router)\n", True),
        ("from app import handed_on\napp.include_router(handed_on.api_router)\n", True),
        ("def create():\n    from app.api import router\n    app.include_router(router)\n", True),
        ("import importlib\nfor n in names:\n    app.include_router(importlib.import_module(n).router)\n", True),
        ("from app.load import import_module_cached as get\nfor n in names:\n    app.include_router(get(n).r)\n", True),
    ],
)
def test_routers_and_their_inclusion(facts, main, included):
    api = (
        "from fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/a')\ndef a(): ...\n"
        "@router.post('/b')\nasync def b(): ...\nrouter.add_api_route('/c', a)\n"
    )
    files = {
        "app/api.py": api,
        "app/again.py": "from app.api import router\n",
        "app/handed_on/__init__.py": "from app.api import router as api_router\n",
        "app/__init__.py": "",
        "app/empty.py": "",
    }
    about = facts({**files, "app/main.py": f"from fastapi import FastAPI\napp = FastAPI()\n{main}"})
    (router,) = about.routers
    assert (router.name, router.routes, router.included) == ("app.api.router", 3, included)
    assert router.place == Place("app/api.py", 2, 10)


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (APP, ["app", "app.api", "app.main"]),
        ({**APP, "app/unused.py": "", "app/tests/test_x.py": "", "app/__main__.py": ""}, ["app", "app.api", "app.main", "app.unused"]),
        ({**APP, "app/cli.py": "import uvicorn\nuvicorn.run('app.main:app')\n", "other/x.py": ""}, ["app", "app.api", "app.main"]),
        ({**APP, "app/not-a-name.py": "", "app/conftest.py": ""}, ["app", "app.api", "app.main"]),
        ({**APP, "app/api.py": "from core.db import x\nrouter = 1", "core/db.py": "", "core/more.py": ""}, ["app", "app.api", "app.main", "core.db", "core.more"]),
        ({"main.py": "import db\n" + MAIN.replace("from app.api", "from api"), "db.py": "", "api.py": "", "seed.py": "", "alembic/env.py": ""}, ["api", "db", "main"]),
        ({"src/main.py": "from api import x\n" + MAIN.replace("from app.api", "from api"), "src/api.py": "", "setup.py": ""}, ["api", "main"]),
    ],
)  # fmt: skip
def test_modules_to_import(facts, files, names):
    about = facts(files)
    found = about.modules_to_import(about.app)
    assert [name for name, _ in found] == names
    for _, path in found:
        assert about.project.exists(path)


def booted(**seen):
    return BootRecord("app.main:app", "fastapi", (), EndRecord("done", "shutdown"), **seen)


DB = """\
from sqlalchemy.ext.asyncio import create_async_engine, async_sessionmaker
from config import fix, url
engine = create_async_engine(
    fix(url),
    echo=False,
)
factory = async_sessionmaker(engine)
never = create_async_engine("postgresql+asyncpg://other/x")
"""
URL = UrlRecord(
    "postgresql+asyncpg",
    "me",
    has_password=True,
    host="db.example.org",
    port=5432,
    database="app",
    query=(("ssl", "require"),),
)
WRITTEN = {
    "db.py": DB,
    "config.py": "import os\nurl = os.environ['DATABASE_URL']\ndef fix(u):\n    return u.replace('postgresql:', 'postgresql+asyncpg:')\n",
    ".env": "DATABASE_URL=postgresql://me:k7Qz9wXv3@db.example.org:5432/app?ssl=require\n",
}


def record(number=1, place=None, **more):
    return EngineRecord(
        number, "sqlalchemy.ext.asyncio.create_async_engine", is_async=True, place=place, phase="import", **more
    )


@pytest.mark.parametrize("seen_at", [Place("db.py", 3), Place("db.py", 3, 10), Place("db.py", 4)])
def test_a_static_and_a_seen_engine_are_one(facts, seen_at):
    seen = record(
        place=seen_at,
        url=URL,
        driver="asyncpg",
        arguments=(("echo", "False"), ("pool_size", "5")),
        pool_class="AsyncAdaptedQueuePool",
    )
    about = facts(WRITTEN, booted(engines=(seen,)))
    assert [one.url.certain for one in about.static_engines] == [False, True]
    one, other = about.engines
    assert (one.evidence, other.evidence) == (Evidence.BOTH, Evidence.STATIC)
    assert (one.url.scheme, one.url.certain, one.url.place.path) == ("postgresql+asyncpg", True, ".env")
    assert one.url.written_parameter("ssl").value == "require"
    assert one.options == (("echo", "False"), ("pool_size", "5"))
    assert one.seen is seen
    assert one.call.assigned_to == "db.engine"


def test_a_url_that_is_written_nowhere_stands_at_its_engine(facts):
    seen = record(place=Place("db.py", 3, 10), url=dataclasses.replace(URL, host="elsewhere.example.org"))
    one, _ = facts(WRITTEN, booted(engines=(seen,))).engines
    assert (one.url.written, one.url.place) == (None, one.place)


def test_a_seen_engine_elsewhere_is_one_of_its_own(facts):
    boot = booted(engines=(record(place=Place("lib.py", 1), url=URL), record(2, None, url=URL)))
    about = facts({**APP, **WRITTEN, "lib.py": ""}, boot)
    *_, third, fourth = about.engines
    assert (third.evidence, third.place, third.url.written.span.path) == (Evidence.RUNTIME, Place("lib.py", 1), ".env")
    assert fourth.place == Place("app/main.py")


def test_a_url_that_the_project_did_not_write_points_nowhere(facts):
    url = UrlRecord("postgresql+asyncpg", "x", host="elsewhere", database="y")
    about = facts(WRITTEN, booted(engines=(record(place=Place("db.py", 3), url=url),)))
    assert (about.engines[0].url.host, about.engines[0].url.written) == ("elsewhere", None)


def test_a_failed_engine_keeps_what_the_source_says(facts):
    error = ErrorRecord("sqlalchemy.exc.InvalidRequestError", "not async")
    about = facts(WRITTEN, booted(engines=(record(place=Place("db.py", 3), error=error),)))
    assert about.engines[0].seen.error is error
    assert about.engines[0].url.written is not None
    assert about.engines[0].options == (("echo", "False"),)


def test_wrapped_and_repeated_engines_are_told_once(facts):
    code = "from sqlalchemy import create_engine\nfrom sqlalchemy.ext.asyncio import AsyncEngine\ndef make():\n    return AsyncEngine(create_engine('postgresql+asyncpg://h/d'))\n"
    inner = EngineRecord(
        1, "sqlalchemy.create_engine", is_async=False, place=Place("db.py", 4), phase="import", url=URL
    )
    outer = EngineRecord(
        2,
        "sqlalchemy.ext.asyncio.AsyncEngine",
        is_async=True,
        place=Place("db.py", 4),
        phase="import",
        url=URL,
        wraps=1,
    )
    again = EngineRecord(
        4,
        "sqlalchemy.ext.asyncio.AsyncEngine",
        is_async=True,
        place=Place("db.py", 4),
        phase="startup",
        url=URL,
        wraps=3,
    )
    about = facts({"db.py": code}, booted(engines=(inner, outer, again)))
    (one,) = about.engines
    assert (one.seen.number, one.is_async, one.evidence) == (2, True, Evidence.BOTH)


def test_session_factories_are_joined_too(facts):
    def seen(number, place):
        return FactoryRecord(
            number,
            "sqlalchemy.ext.asyncio.async_sessionmaker",
            "sqlalchemy.ext.asyncio.AsyncSession",
            session_is_async=True,
            bind_is_async=True,
            options=(),
            expire_on_commit=True,
            place=place,
            phase="import",
        )

    about = facts({**APP, **WRITTEN}, booted(factories=(seen(1, Place("db.py", 7)), seen(2, None))))
    one, other = about.session_factories
    assert (one.evidence, one.session_class) == (Evidence.BOTH, "sqlalchemy.ext.asyncio.AsyncSession")
    assert (other.evidence, other.place) == (Evidence.RUNTIME, Place("app/main.py"))


def test_static_facts_need_no_boot(project):
    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.app import find_app
    from pytest_asyncdb.model.settings import Settings

    asked = []

    def boot():
        asked.append(1)
        return None, "no server"

    made = project({**APP, **WRITTEN})
    about = Facts(made, Settings(made.root), find_app(made, Settings(made.root)), boot)
    assert all(
        (about.modules, about.urls, about.static_engines, about.static_session_factories, about.routers, about.secrets)
    )
    assert about.declared is not None
    assert not about.cycles
    assert asked == []
    assert (about.boot, about.no_boot) == (None, "no server")
    assert len(about.engines) == 2
    assert asked == [1]


def test_without_an_app_the_sources_are_read_all_the_same(facts):
    about = facts({"db.py": DB})
    assert about.app is None
    assert about.static_engines


def test_reading_the_project_imports_no_database_library(tmp_path):
    import subprocess
    import sys
    from pathlib import Path

    for name, text in {**APP, **WRITTEN, "requirements.txt": "fastapi"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    code = (
        "import sys, pathlib\nfrom pytest_asyncdb.facts import Facts\nfrom pytest_asyncdb.sources.project import Project\n"
        "from pytest_asyncdb.model.settings import Settings\nroot = pathlib.Path(sys.argv[1])\n"
        "from pytest_asyncdb.facts.app import find_app\nproject, settings = Project(root), Settings(root)\n"
        "f = Facts(project, settings, find_app(project, settings), lambda: (None, ''))\n"
        "f.modules, f.installed, f.engines, f.session_factories, f.cycles, f.routers, f.modules_to_import(f.app)\n"
        "print(*(m for m in ('sqlalchemy', 'asyncpg', 'asyncio', 'fastapi', 'app', 'db', 'pytest') if m in sys.modules))\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout == "\n"
