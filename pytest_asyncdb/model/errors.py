"""What can be told from the name and text of an exception that a boot saw."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.sandbox.record import ErrorRecord

_DATABASE_PACKAGES = ("sqlalchemy.", "asyncpg.", "psycopg.", "psycopg2.", "psycopg_pool.")
_ASYNC_OBJECTS = re.compile(r"'Async(?:Engine|Connection|Session|Transaction|_?sessionmaker)' object")
_BACKGROUND = re.compile(r"\s*\(Background on this error at:.*?\)")
_WRAPPED = re.compile(r"^\([\w.]+\)\s+(?:<class '[\w.]+'>:\s+)?")
"""What SQLAlchemy puts before a driver's own message: both forms up to 2.0, the first since 2.1."""
_ELSEWHERE = (
    ("", "greenlet library is required"),
    ("", "No module named 'greenlet'"),
    ("ModuleNotFoundError", "No module named 'asyncpg'"),
    ("ModuleNotFoundError", "No module named 'psycopg"),
    ("ImportError", "no pq wrapper available"),
    ("sqlalchemy.exc.NoSuchModuleError", "Can't load plugin: sqlalchemy.dialects:"),
    ("sqlalchemy.exc.InvalidRequestError", "is not async"),
)
_VARIABLE = re.compile(r"'(?P<name>[A-Z][A-Z0-9_]+)'|\W?Config '(?P<config>\w+)' is missing, and has no default\W*")
_NOT_SET = {
    **dict.fromkeys(("EnvError", "EnvNotSetError"), re.compile(r"Environment variable \"(?P<name>\w+)\" not set")),
    "UndefinedValueError": re.compile(r"(?P<name>\w+) not found\. Declare it as envvar.*", re.DOTALL),
}
"""What environs and python-decouple raise."""
_UNSET_URL = re.compile(
    r"ArgumentError: Expected string or URL object, got None|ValueError: invalid literal for int\(\) .*: 'None'$"
)
_CERTIFICATE = re.compile(r"certificate verify failed|CERTIFICATE_VERIFY_FAILED|root certificate file", re.IGNORECASE)
_UNREACHABLE = re.compile(r"connect|OSError|timed? ?out|resol|gaierror|refused|unreachable|sandbox", re.IGNORECASE)
_MISSING = re.compile(r"\b(?P<kind>relation|schema|type) \\?\"(?P<name>[^\"\\]+)\\?\" does not exist")
_MOST_CHARACTERS = 110


def one_line(error: ErrorRecord | None) -> str:
    """``TypeError: connect() got an unexpected keyword argument 'sslmode'``, for the end of a message."""
    if error is None:
        return "no reason is known"
    # A group of exceptions says only how many there are.
    kind, said = next((one for one in chain(error) if not one[0].endswith("ExceptionGroup")), (error.type, ""))
    text = _WRAPPED.sub("", _BACKGROUND.sub("", said)).strip()
    first = text.splitlines()[0].strip().rstrip(".") if text else ""
    if len(first) > _MOST_CHARACTERS:
        first = first[:_MOST_CHARACTERS].rsplit(" ", 1)[0].rstrip(".,;: ") + " …"
    name = kind.rpartition(".")[2]
    return f"{name}: {first}" if first else name


def chain(error: ErrorRecord) -> Iterator[tuple[str, str]]:
    """The exception and all that caused it, as (qualified class name, message)."""
    yield error.type, error.message
    yield from error.causes


def is_database_error(error: ErrorRecord) -> bool:
    """Whether SQLAlchemy or a driver raised it, or an async object of SQLAlchemy was used as a sync one."""
    return any(name.startswith(_DATABASE_PACKAGES) or _ASYNC_OBJECTS.search(message) for name, message in chain(error))


def same_error(one: ErrorRecord | None, other: ErrorRecord | None) -> bool:
    """Whether both come from the same exception: some link of one chain is a link of the other."""
    if one is None or other is None:
        return False
    return not set(chain(one)).isdisjoint(chain(other))


def is_missing_driver(error: ErrorRecord) -> bool:
    """Whether a driver or greenlet is missing or the URL names no async driver, as checks ADB1xx and ADB3xx report."""
    return any(name.endswith(kind) and text in message for name, message in chain(error) for kind, text in _ELSEWHERE)


def is_unset_url(error: ErrorRecord) -> bool:
    """Whether an engine was given ``None`` as URL, or a URL put together with one (``...:None/None``)."""
    return any(_UNSET_URL.search(f"{name}: {message}") for name, message in chain(error))


def missing_variable(error: ErrorRecord) -> str | None:
    """The variable that ``os.environ[...]``, Starlette's ``Config``, environs or python-decouple did not find."""
    if pattern := _NOT_SET.get(error.type.rpartition(".")[2]):
        told = pattern.fullmatch(error.message.strip())
        return told["name"] if told else None
    found = _VARIABLE.fullmatch(error.message.strip()) if error.type == "KeyError" else None
    return (found["name"] or found["config"]) if found else None


def unset_settings(error: ErrorRecord) -> tuple[str, ...]:
    """The variables that a settings class did not find, as it reads them; none when another model was made wrongly."""
    told = dict(error.attributes).get("settings", "")
    try:
        fields = json.loads(told) if told else []
    except ValueError:  # something in it was taken for a secret
        return tuple(dict(error.attributes).get("missing", "").split(","))
    return tuple(str(one["name"]) for one in fields if one["missing"])


def is_certificate_error(error: ErrorRecord) -> bool:
    """Whether the server's certificate was refused, which says nothing about the real server's."""
    return any("SSLCertVerificationError" in name or _CERTIFICATE.search(message) for name, message in chain(error))


def is_connection_error(error: ErrorRecord) -> bool:
    """Whether something could not be reached, judged by the usual names and words of clients."""
    return any(_UNREACHABLE.search(f"{name}: {message}") for name, message in chain(error))


class Missing(NamedTuple):
    """What a statement wanted and the database does not have."""

    kind: str
    """``table``, ``schema`` or ``type``."""
    name: str
    """As the server tells it, so that a table's may begin with its schema's."""

    def __str__(self) -> str:
        """For people."""
        return f"{self.kind} `{self.name}`"


def missing(error: ErrorRecord | None, text: str = "") -> Missing | None:
    """What is missing, by the server's message, which may also be in the text of a response."""
    messages = [*(message for _, message in chain(error))] if error else []
    found = _MISSING.search("\n".join([*messages, text]))
    return Missing(found["kind"].replace("relation", "table"), found["name"]) if found else None
