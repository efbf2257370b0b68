"""The values that are made up for settings."""

from __future__ import annotations

import base64
import json
import re

import pytest

from pytest_asyncdb.facts.values import Wanted, made_up

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
