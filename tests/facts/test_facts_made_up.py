"""What an app says is not set, and the values that are made up for it."""

from __future__ import annotations

import base64
import json
import re
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql+asyncpg://app:app@localhost:5432/app"),
        ("SQLALCHEMY_DATABASE_URI", "postgresql+asyncpg://app:app@localhost:5432/app"),
        ("SYNC_DATABASE_URL", "postgresql://app:app@localhost:5432/app"),
        ("POSTGRES_HOST", "localhost"),
        ("POSTGRES_PORT", "5432"),
        ("POSTGRES_DB", "app"),
        ("DB_DB_NAME", "app"),
        ("DATABASE", "app"),
        ("DB_SCHEME", "postgresql+asyncpg"),
        ("PGHOST", "localhost"),
        ("REDIS_URL", "redis://localhost:6379/0"),
        ("REDIS_CACHE_PORT", "6379"),
        ("SENTRY_DSN", "https://public@localhost/1"),
        ("SMTP_PORT", "587"),
        ("JWT_ALGORITHM", "HS256"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "30"),
        ("FIRST_SUPERUSER_EMAIL", "app@example.com"),
        ("ENVIRONMENT", "development"),
        ("DB_ECHO", "false"),
        ("WHATEVER", "made-up"),
    ],
)
def test_a_name_tells_the_usual_value(name, value):
    assert made_up(Wanted(name), ASYNCPG) == value


def test_a_secret_is_a_key_of_32_bytes():
    value = made_up(Wanted("FERNET_KEY"), ASYNCPG)
    assert len(base64.urlsafe_b64decode(value)) == 32


@pytest.mark.parametrize(
    ("name", "schema", "value"),
    [
        ("X", {"type": "boolean"}, "false"),
        ("X", {"type": "integer", "exclusiveMinimum": 7}, "8"),
        ("X", {"type": "number", "maximum": -2}, "-2"),
        ("X", {"type": "number", "exclusiveMinimum": 0.5, "exclusiveMaximum": 0.9}, "0.8"),
        (
            "X",
            {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, {"type": "string"}]},
            "0.75",
        ),
        ("X", {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}]}, "[1, false]"),
        ("X", {"type": "string", "contentMediaType": "application/json"}, "{}"),
        ("X", {"type": "string", "format": "uuid7"}, "00000000-0000-7000-8000-000000000000"),
        ("POOL_SIZE", {"type": "integer"}, "5"),
        ("X", {"enum": ["red", "blue"], "type": "string"}, "red"),
        ("X", {"const": 3}, "3"),
        ("X", {"anyOf": [{"type": "null"}, {"type": "integer"}]}, "1"),
        ("X", {"$ref": "#/$defs/C", "$defs": {"C": {"enum": ["c"]}}}, "c"),
        ("CORS_ORIGINS", {"type": "array", "items": {"type": "string"}}, '["http://localhost"]'),
        ("X", {"type": "array", "items": {"type": "integer"}, "minItems": 2}, "[1, 1]"),
        ("X", {"type": "object", "additionalProperties": {"type": "integer"}}, "{}"),
        ("X", {"type": "string", "format": "email"}, "app@example.com"),
        ("X", {"type": "string", "format": "uri"}, "http://localhost"),
        ("X", {"type": "string", "minLength": 10}, "made-up000"),
        ("X", {"type": "string", "maxLength": 4}, "made"),
        ("X", {"type": "string", "pattern": "^[a-z-]+$"}, "made-up"),
        ("X", {"type": "string", "pattern": "^[0-9]{4}$"}, "0000"),
        ("X", {"type": "string", "format": "file-path"}, None),
        ("X", {"$ref": "#/$defs/nowhere"}, None),
    ],
)
def test_a_schema_tells_the_type(name, schema, value):
    assert made_up(Wanted(name, schema), ASYNCPG) == value


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{3}-\d{4}$",
        r"^\d+\.\d+\.\d+$",
        "^[0-9a-f]{64}$",
        r"^(?:redis|rediss)://[^/]+/\d$",
        r"^(?=.*[A-Z])(?=.*\d)\w{8,}$",
        r"^[^\s@]+@[^\s@]+\.\w{2,}$",
        "^sk_(live|test)_",
        r"^\S*[a-c]?.x*?$",
    ],
)
def test_a_pattern_tells_the_form(pattern):
    value = made_up(Wanted("WHATEVER", {"type": "string", "pattern": pattern}), ASYNCPG)
    assert value is not None
    assert re.search(pattern, value)


def test_a_pattern_that_nothing_matches_or_that_is_none_is_left_to_its_owner():
    for pattern in ("^(?!)x", "(", r"^(?=.*[A-Z])[a-z]+$"):
        assert made_up(Wanted("WHATEVER", {"type": "string", "pattern": pattern}), ASYNCPG) is None


@pytest.mark.parametrize(
    ("name", "schema", "said", "value"),
    [
        ("X", {"type": "string", "format": "uri"}, "URL scheme should be 'mongodb' or 'mongodb+srv'", "mongodb://localhost"),
        ("X", {"type": "string"}, "Value error, X must be at least 12 characters", "made-up000000"),
        ("ALG", {"type": "string"}, "algorithm must be one of RS256, ES256", "RS256"),
        ("MODE", {"type": "string"}, "MODE must be 'fast' or 'slow'", "fast"),
        ("MODE", {"type": "string"}, "Invalid mode. Allowed values: [fast, slow]", "fast"),
        ("MODE", {"type": "string"}, "must be one of development, production", "development"),
        ("PLACE_URL", {"type": "string", "format": "uri"}, "Input should be a valid URL, relative URL without a base", "http://localhost"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_value_tells_another(name, schema, said, value):
    assert made_up(Wanted(name, schema, refused=True, said=said), ASYNCPG) == value


def test_a_nested_model_is_json_of_its_required_fields():
    schema = {
        "type": "object",
        "properties": {"jwt_secret": {"type": "string", "minLength": 50}, "hosts": {"type": "array"}, "extra": {}},
        "required": ["jwt_secret", "hosts"],
    }
    value = json.loads(made_up(Wanted("SECURITY", schema), ASYNCPG))
    assert len(value.pop("jwt_secret")) == 50
    assert value == {"hosts": ["*"]}


@pytest.mark.parametrize(("hint", "start"), [("PostgresDsn", "postgresql+psycopg://"), ("RedisDsn", "redis://")])
def test_the_type_of_a_url_tells_its_scheme(hint, start):
    wanted = Wanted("PRIMARY_URL", {"type": "string", "format": "uri"}, f"<class 'pydantic.networks.{hint}'>")
    if hint == "RedisDsn":
        wanted = Wanted("CACHE_STORE_URL", wanted.schema, wanted.hint)
    assert made_up(wanted, "postgresql+psycopg").startswith(start)


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
