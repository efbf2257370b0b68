"""What an app says is not set."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_asyncdb.facts.reads import reads
from pytest_asyncdb.facts.unset import unset
from pytest_asyncdb.facts.values import Wanted, made_up
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record import (
    BootRecord,
    EndRecord,
    EngineRecord,
    ErrorRecord,
    PhaseRecord,
    ResponseRecord,
    UrlRecord,
)

ASYNCPG = "postgresql+asyncpg"


SOURCE = """\
import os
from environs import Env
env = Env()
PORT = int(os.environ["SHOP_PORT"])
KEY = env.str("SHOP_KEY")
DEBUG = env.bool("SHOP_DEBUG", default=False)
URL, KIND = os.getenv("DATABASE_URL"), os.environ.get("KIND")
MAIL = os.environ.get("SHOP_MAIL", "on")
LIMIT = config("SHOP_LIMIT", cast=int)
"""


def test_reads_of_variables_without_default(project):
    told = {one.wanted.name: (one.wanted.schema, one.required) for one in reads(project({"conf.py": SOURCE}))}
    assert told == {
        "SHOP_PORT": ({"type": "integer"}, True),
        "SHOP_KEY": ({}, True),
        "DATABASE_URL": ({}, False),
        "KIND": ({}, False),
        "SHOP_LIMIT": ({"type": "integer"}, True),
    }


HELPERS = """\
import os
def require(env, name):
    return env.int(name)
class Reader:
    def must(self, name: str) -> str:
        value = os.environ.get(name)
        if not value:
            raise RuntimeError(name)
        return value
    def maybe(self, name, default="x"):
        return os.environ.get(name, default)
"""
CALLS = """\
from conf import Reader, require
TTL, KEY = require(env, "SHOP_TTL"), Reader().must(name="SHOP_KEY")
ELSE, AT = Reader().maybe("SHOP_ELSE"), Reader().must("SHOP_AT", "here")
"""


def test_reads_through_functions_of_the_project(project):
    found = reads(project({"conf.py": HELPERS, "shop.py": CALLS}))
    told = {one.wanted.name: (one.path, one.wanted.schema, one.required) for one in found}
    assert told == {"SHOP_TTL": ("shop.py", {"type": "integer"}, True), "SHOP_KEY": ("shop.py", {}, True)}


def record(type_, message, *, attributes=(), phase="import"):
    error = ErrorRecord(type_, message, Place("conf.py", 4), (Place("conf.py", 4),), (), attributes)
    return BootRecord(
        "main:app", None, (PhaseRecord(phase, ok=False, seconds=0.1, error=error),), EndRecord("done", "")
    )


REQUIRED = ["SHOP_KEY", "SHOP_LIMIT", "SHOP_PORT"]


@pytest.mark.parametrize(
    ("type_", "message", "names"),
    [
        ("KeyError", "'SHOP_PORT'", REQUIRED),
        ("KeyError", "\"Config 'SHOP_OWN' is missing, and has no default.\"", ["SHOP_OWN", *REQUIRED]),
        ("environs.exceptions.EnvNotSetError", 'Environment variable "SHOP_KEY" not set', REQUIRED),
        (
            "environs.exceptions.EnvValidationError",
            "Environment variables invalid: {'SHOP_A': ['Environment variable not set.']}",
            ["SHOP_A", *REQUIRED],
        ),
        ("environ.compat.ImproperlyConfigured", "Set the SHOP_KEY environment variable", REQUIRED),
        (
            "decouple.UndefinedValueError",
            "SHOP_LIMIT not found. Declare it as envvar or define a default value.",
            REQUIRED,
        ),
        ("envparse.ConfigurationError", "Environment variable 'SHOP_Z' not set.", ["SHOP_Z", *REQUIRED]),
        ("RuntimeError", "SHOP_TOKEN must be set before the app starts", ["SHOP_TOKEN", *REQUIRED]),
        (
            "sqlalchemy.exc.ArgumentError",
            "Expected string or URL object, got None",
            ["DATABASE_URL", "KIND", *REQUIRED],
        ),
        ("RuntimeError", "KIND is not set. Export KIND=a|b (or declare it in .env)", ["KIND", *REQUIRED]),
        ("RuntimeError", "DSN is not set", []),
        ("ValueError", "HTTP_METHOD is wrong", []),
        ("ImportError", "the PY_THING library is required", []),
        ("TypeError", "unsupported operand", []),
    ],
)
def test_what_each_library_says_when_a_variable_is_not_set(project, type_, message, names):
    wanted = unset(project({"conf.py": SOURCE}), record(type_, message))
    assert sorted(one.name for one in wanted) == sorted(names)


@pytest.mark.parametrize(
    ("code", "said", "names"),
    [
        (
            "URL = os.getenv('SHOP_URL')\nif not URL:\n    pass\n    raise ValueError('no esta')",
            "no esta",
            ["SHOP_URL"],
        ),
        ("class C:\n    url = os.getenv('SHOP_URL')\n\nassert C.url, 'falta'", "falta", ["SHOP_URL"]),
        ("URL = os.getenv('SHOP_URL')\nassert (\n    URL\n    and '://' in URL\n), 'falta'", "falta", ["SHOP_URL"]),
        ("\n\nif not os.environ.get('SHOP_URL'):\n    raise ValueError", "", ["SHOP_URL"]),
        ("\n\nif not (url := os.getenv('SHOP_URL')):\n    raise ValueError", "", ["SHOP_URL"]),
        ("for one in NAMES:\n  if not os.getenv(one):\n    a\n    raise E(one)", "falta SHOP_A", ["SHOP_A"]),
        ("URL = os.getenv('SHOP_URL')\nif DEBUG:\n    pass\n    raise ValueError('no')", "no SHOP_URL", []),
        ("URL = os.getenv('SHOP_URL', 'x')\nif not URL:\n    pass\n    raise ValueError('no')", "no", []),
        ("URL = os.getenv('SHOP_URL')\nif URL:\n    pass\n    call()", "no esta", []),
    ],
)
def test_what_it_raised_for_tells_where_no_known_words_do(project, code, said, names):
    wanted = unset(project({"conf.py": f"{code}\n"}), record("ValueError", said))
    assert [one.name for one in wanted] == names


def test_what_a_settings_class_says_comes_with_its_type(project):
    told = [
        {"name": "SHOP_N", "schema": {"type": "integer"}, "hint": "int", "missing": True},
        {"name": "SHOP_M", "schema": {}, "hint": "", "missing": False},
    ]
    error = record("pydantic_core.ValidationError", "2 errors", attributes=(("settings", json.dumps(told)),))
    assert unset(project({}), error) == (Wanted("SHOP_N", {"type": "integer"}, "int"), Wanted("SHOP_M", refused=True))


def test_settings_that_a_request_is_the_first_to_read(project):
    healthy = BootRecord("main:app", None, (), EndRecord("done", ""))
    error = ErrorRecord("KeyError", "'SHOP_PORT'", Place("conf.py", 4))
    answered = ResponseRecord("health", "GET", "/health", 500, error=error)
    wanted = unset(project({"conf.py": SOURCE}), replace(healthy, responses=(answered,)))
    assert "SHOP_PORT" in [one.name for one in wanted]


@pytest.mark.parametrize(
    ("engines", "names"),
    [((), ["DATABASE_URL"]), ((EngineRecord(1, "f", is_async=True, place=None, phase="import"),), [])],
)
def test_an_app_that_started_without_an_engine_is_given_a_database(project, engines, names):
    started = BootRecord(
        "main:app", None, (PhaseRecord("startup", ok=True, seconds=0.1),), EndRecord("done", ""), engines
    )
    assert [one.name for one in unset(project({"conf.py": SOURCE}), started)] == names


ON_SQLITE = {
    "requirements.txt": "aiosqlite\nasyncpg\n",
    ".env.example": "SHOP_DB=sqlite+aiosqlite:///shop.db\nTEST_DB_URL=sqlite+aiosqlite:///:memory:\nNAME=shop\n",
    "conf.py": """\
import os
URL, MODE = os.getenv("DB_URL", default="sqlite+aiosqlite:///x.db"), os.getenv("MODE", "fast")
class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="shop_")
    main_url: str = f"sqlite+aiosqlite:///{HERE}/main.db"
    other: str = Field(default="sqlite://", validation_alias="OTHER_DB")
    name: str = "shop"
class Plain:
    url: str = "sqlite://"
""",
}


def on(*schemes):
    engines = tuple(EngineRecord(n, "f", True, None, "import", UrlRecord(one)) for n, one in enumerate(schemes))  # noqa: FBT003
    return BootRecord("main:app", None, (PhaseRecord("import", ok=True, seconds=0.1),), EndRecord("done", ""), engines)


@pytest.mark.parametrize(
    ("schemes", "requirements", "found"),
    [
        (["sqlite+aiosqlite"], "asyncpg", True),
        (["sqlite", "sqlite"], "psycopg2-binary", True),
        (["sqlite+aiosqlite"], "psycopg2-binary", False),
        (["sqlite+aiosqlite"], "fastapi", False),
        (["sqlite+aiosqlite", "postgresql+asyncpg"], "asyncpg", False),
        ([], "asyncpg", False),
    ],
)
def test_an_app_on_sqlite_that_could_be_on_postgres_is_given_one(project, schemes, requirements, found):
    wanted = unset(project({**ON_SQLITE, "requirements.txt": requirements}), on(*schemes))
    told = {one.name: made_up(one, ASYNCPG).partition(":")[0] for one in wanted if one.refused}
    named = dict.fromkeys(["SHOP_DB", "SHOP_MAIN_URL", "DB_URL"], ASYNCPG)
    assert told == ({**named, "OTHER_DB": "postgresql"} if found else {})


def test_a_sqlite_url_that_no_engine_takes_is_given_up_for_one_of_postgres(project):
    failed = PhaseRecord(
        "import", ok=False, seconds=0.1, error=ErrorRecord("InvalidRequestError", "is not async", None)
    )
    (made,) = on("sqlite").engines
    record = replace(on("sqlite"), phases=(failed,))
    assert not any(one.refused for one in unset(project(ON_SQLITE), record))
    record = replace(record, engines=(replace(made, error=failed.error),))
    assert "DB_URL" in [one.name for one in unset(project(ON_SQLITE), record)]
