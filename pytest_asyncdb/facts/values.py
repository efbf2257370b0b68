"""Values for settings that nobody gave: made up from a variable's name and the JSON schema of its type.

They let an app be built, and mean nothing: no host in them is ever contacted, no secret in them opens anything.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.patterns import as_told, matching

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_asyncdb.model.serial import Json

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_KEY = base64.urlsafe_b64encode(b"made up for one check; no secret").decode()
"""32 bytes in base64: a Fernet key, and long enough for every other purpose."""
_LIBPQ = re.compile(r"^PG(HOST|PORT|USER|PASSWORD|DATABASE)$")
_DATABASE = frozenset(
    {
        "DB", "DATABASE", "POSTGRES", "POSTGRESQL", "PG", "SQL", "SQLALCHEMY", "ALEMBIC", "WRITER", "READER", "REPLICA",
        "PRIMARY", "ASYNCPG", "PSYCOPG",
    }
)  # fmt: skip
_ADDRESS = frozenset({"URL", "URI", "DSN", "CONNECTION", "CONNSTR", "CONN", "STRING"})
_SERVICES = (
    ("REDIS VALKEY CELERY CACHE", "redis://localhost:6379/0"),
    ("AMQP RABBIT RABBITMQ BROKER", "amqp://guest:guest@localhost:5672//"),
    ("MONGO MONGODB", "mongodb://localhost:27017"),
    ("SENTRY", "https://public@localhost/1"),
    ("ELASTIC ELASTICSEARCH OPENSEARCH", "http://localhost:9200"),
    ("S3 MINIO AWS", "http://localhost:9000"),
)
_PORTS = (("REDIS VALKEY CACHE", "6379"), ("SMTP MAIL EMAIL", "587"), ("AMQP RABBIT RABBITMQ", "5672"))
_KINDS = (
    ("PORT", "8000"),
    ("ALGORITHM ALG", "HS256"),
    ("EMAIL MAIL FROM SENDER SUPERUSER", "app@example.com"),
    ("SECRET SECRETS TOKEN KEY SALT PEPPER CREDENTIALS SIGNATURE", _KEY),
    ("PASSWORD PASSWD PASS PWD PASSPHRASE", "Made-up-1"),
    ("DEBUG ENABLED ENABLE DISABLED USE IS ALLOW TLS SSL STARTTLS VERIFY RELOAD ECHO", "false"),
    ("EXPIRE EXPIRES EXPIRATION EXPIRY MINUTES SECONDS HOURS DAYS TTL TIMEOUT INTERVAL PERIOD AGE RECYCLE", "30"),
    ("SIZE LIMIT COUNT MAX MIN NUM WORKERS ATTEMPTS RETRIES OVERFLOW LENGTH CONCURRENCY", "5"),
    ("LEVEL", "INFO"),
    ("ENVIRONMENT ENV MODE STAGE", "development"),
    ("ORIGIN ORIGINS URL URI ENDPOINT CALLBACK LINK", "http://localhost"),
    ("HOSTS", "*"),
    ("HOST HOSTNAME SERVER DOMAIN ADDRESS", "localhost"),
    ("TIMEZONE TZ", "UTC"),
    ("REGION", "us-east-1"),
    ("VERSION", "1.0.0"),
    ("PREFIX", "/api"),
    ("DIR DIRECTORY FOLDER PATH ROOT", "."),
)
_FORMATS = {
    "email": "app@example.com",
    "name-email": "app@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "date": "2020-01-01",
    "date-time": "2020-01-01T00:00:00Z",
    "time": "00:00:00",
    "duration": "PT60S",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "ipvanyaddress": "127.0.0.1",
    "ipv4network": "127.0.0.0/8",
    "ipvanynetwork": "127.0.0.0/8",
    "path": ".",
    "directory-path": ".",
    "json-string": "{}",
    "password": _KEY,
}
_IMPOSSIBLE = frozenset({"file-path"})
_OTHER = "made-up"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A variable that the app wants: its name, the JSON schema of its type, and what else is known of the type."""

    name: str
    schema: Json = field(default_factory=dict)
    hint: str = ""
    refused: bool = False
    """It is set, and its value was not taken."""
    said: str = ""
    """What was said of a value that was not taken."""


def made_up(wanted: Wanted, scheme: str) -> str | None:
    """A value of the type, as text of the environment; None where none can be known.

    Args:
        wanted: the variable.
        scheme: of a database URL: ``postgresql+asyncpg``.
    """
    maker = _Maker(wanted, scheme)
    root = wanted.schema if isinstance(wanted.schema, dict) else {}
    try:
        value = maker.value(root, wanted.name)
    except (LookupError, TypeError, ValueError, RecursionError):
        return None
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


class _Maker:
    """Follows one schema."""

    def __init__(self, wanted: Wanted, scheme: str) -> None:
        self._hint = wanted.hint.lower()
        self._said = wanted.said
        self._scheme = scheme
        root = wanted.schema if isinstance(wanted.schema, dict) else {}
        found = [root.get("$defs"), root.get("definitions")]
        self._definitions = {name: one for each in found if isinstance(each, dict) for name, one in each.items()}

    def value(self, schema: Mapping[str, Json], name: str) -> Json:
        """A value that the schema allows; None where none is known."""
        schema = self._resolved(schema)
        options = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(options, list):
            return options[0]
        kind = schema.get("type")
        if kind == "boolean":
            return False
        if kind in {"integer", "number"}:
            return self._number(schema, name)
        if kind == "array":
            return self._array(schema, name)
        if kind == "object":
            return self._object(schema)
        return self._text(schema, name)

    def _resolved(self, schema: Mapping[str, Json]) -> Mapping[str, Json]:
        """The schema itself: references followed, of several choices the first that is something."""
        for word in ("anyOf", "oneOf", "allOf"):
            choices = schema.get(word)
            if isinstance(choices, list):
                schema = next(one for one in choices if isinstance(one, dict) and one.get("type") != "null")
        reference = schema.get("$ref")
        if isinstance(reference, str):
            found = self._definitions[reference.rpartition("/")[2]]
            return self._resolved(found) if isinstance(found, dict) else {}
        return schema

    def _number(self, schema: Mapping[str, Json], name: str) -> Json:
        usual = self._by_name(name)
        value: float = int(usual) if usual.isdecimal() else 1
        whole = schema.get("type") == "integer"
        low, high = _bound(schema, "inimum", max), _bound(schema, "aximum", min)
        off = 1 if whole or low is None or high is None else (high - low) / 4
        if low is not None and value <= low:
            value = low if "minimum" in schema else low + off
        if high is not None and value >= high:
            value = high if "maximum" in schema else high - off
        step = _int(schema.get("multipleOf"))
        value = value if not step else max(step, value - value % step)
        return int(value) if whole or value == int(value) else value

    def _array(self, schema: Mapping[str, Json], name: str) -> Json:
        first = schema.get("prefixItems")
        if isinstance(first, list):
            return [self.value(one if isinstance(one, dict) else {}, name) for one in first]
        items = schema.get("items")
        one = self.value(items if isinstance(items, dict) else {}, name)
        return [one] * max(1, _int(schema.get("minItems")) or 0)

    def _object(self, schema: Mapping[str, Json]) -> Json:
        properties, required = schema.get("properties"), schema.get("required")
        if not isinstance(properties, dict) or not isinstance(required, list):
            return {}
        fields = [(name, properties[str(name)]) for name in map(str, required)]
        return {name: self.value(one, name) for name, one in fields if isinstance(one, dict)}

    def _text(self, schema: Mapping[str, Json], name: str) -> str | None:
        form = str(schema.get("format", ""))
        if form in _IMPOSSIBLE:
            return None
        usual = self._by_name(name)
        if form in {"uri", "multi-host-uri"} and "://" not in usual:
            usual = "http://localhost"
        elif form.startswith("uuid") and form[4:].isdecimal():
            usual = f"00000000-0000-{form[4:]}000-8000-000000000000"
        elif schema.get("contentMediaType") == "application/json":
            usual = "{}"
        elif "path_type='new'" in self._hint:
            usual = _OTHER
        elif form in _FORMATS and not (form == "password" and usual != _OTHER):
            usual = _FORMATS[form]
        usual = as_told(self._said, usual)
        least = _int(schema.get("minLength")) or 0
        usual = usual.ljust(least, "0")
        usual = usual[: _int(schema.get("maxLength")) or None]
        pattern = schema.get("pattern")
        return matching(pattern, usual, least) if isinstance(pattern, str) else usual

    def _by_name(self, name: str) -> str:
        """What a variable of this name usually holds."""
        words = [word.upper() for word in _WORDS.findall(_LIBPQ.sub(r"PG_\1", name))] or [""]
        known = set(words)
        if "postgres" in self._hint or (known & _DATABASE and known & _ADDRESS) or words == ["DSN"]:
            sync = ("SYNC" in known and "ASYNC" not in known) or "sync" in self._hint.split()
            scheme = "postgresql" if sync else self._scheme
            return f"{scheme}://app:app@localhost:5432/app"
        if known & _DATABASE:
            return self._of_database(words)
        if known & _ADDRESS or "redisdsn" in self._hint or "amqpdsn" in self._hint:
            told = known | {"REDIS"} if "redisdsn" in self._hint else known
            return next((value for service, value in _SERVICES if told & set(service.split())), "http://localhost")
        if words[-1] == "PORT":
            return next((value for service, value in _PORTS if known & set(service.split())), "8000")
        if words[-1] in {"DB", "INDEX"}:
            return "0"
        return _usual(words)

    def _of_database(self, words: list[str]) -> str:
        """A part of a database URL, by its last word."""
        if known := {"SCHEME", "DRIVER", "DIALECT", "DRIVERNAME", "PROTOCOL", "ENGINE"} & set(words):
            driver = self._scheme.partition("+")[2] if known == {"DRIVER"} else ""
            return driver or self._scheme
        if {"REDIS", "CACHE"} & set(words):
            return "0"
        parts = {"PORT": "5432", "NAME": "app", "USER": "app", "USERNAME": "app", "TYPE": "postgresql"}
        found = parts.get(words[-1]) or ("app" if words[-1] in _DATABASE or words[-1] in {"PASSWORD", "PASS"} else "")
        return found or _usual(words)


def _usual(words: list[str]) -> str:
    for word in reversed(words):
        for kinds, value in _KINDS:
            if word in kinds.split():
                return value
    return "app" if words[-1] in {"NAME", "USER", "USERNAME", "ID"} else _OTHER


def _bound(schema: Mapping[str, Json], word: str, of: Callable[[list[float]], float]) -> float | None:
    """The lowest or highest number that a schema allows, or the one beyond it."""
    told = [schema.get(f"m{word}"), schema.get(f"exclusiveM{word}")]
    found = [float(one) for one in told if isinstance(one, int | float)]
    return of(found) if found else None


def _int(value: Json) -> int | None:
    return int(value) if isinstance(value, int | float) else None
