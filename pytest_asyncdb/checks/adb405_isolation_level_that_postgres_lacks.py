"""An engine that no boot has made asks for an isolation level that Postgres does not have.

## What it does
Looks at `isolation_level` of Postgres engines that were not seen at run time. Reports a text that is none of
`AUTOCOMMIT`, `READ COMMITTED`, `REPEATABLE READ` and `SERIALIZABLE`, in any case, with blanks or underscores;
`READ UNCOMMITTED` is reported under asyncpg. Engines that were seen are tried, which is check ADB401.

## Root cause
SQLAlchemy looks at the level when the engine first connects: `ArgumentError: Invalid value 'SNAPSHOT' for
isolation_level. Valid isolation levels for 'postgresql' are ...`.

## Fix
Write one of the levels. What other databases call `SNAPSHOT` is `REPEATABLE READ` in Postgres.

## Fix safety
No fix is made automatically: which level is meant can't be told.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9.

## Sources
- https://docs.sqlalchemy.org/en/20/dialects/postgresql.html#postgresql-isolation-level
- https://www.postgresql.org/docs/current/transaction-iso.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.urls import drivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")

_LEVELS = frozenset({"AUTOCOMMIT", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"})
_BY_LIBPQ = _LEVELS | {"READ UNCOMMITTED"}
"""SQLAlchemy's dialects on libpq know this name too."""


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each such engine once, at the argument."""
    for engine in facts.engines:
        level = _level(engine)
        known = _LEVELS if engine.url and engine.url.driver == "asyncpg" else _BY_LIBPQ
        if level and level.replace("_", " ").upper() not in known:
            given = engine.call.argument("isolation_level") if engine.call else None
            yield CHECK.finding(
                given.span.place if given else engine.place,
                f"`{level}` is no isolation level of Postgres",
                root_cause="SQLAlchemy refuses it when the engine first connects: it knows AUTOCOMMIT, READ COMMITTED, "
                "REPEATABLE READ and SERIALIZABLE.",
            )


def _level(engine: Engine) -> str:
    """The level of an engine that is judged here, when it is a literal text."""
    known = engine.seen is None and engine.role != "test" and engine.url is not None
    if not known or engine.url is None or not drivers.is_postgres(engine.url.scheme):
        return ""
    value = dict(engine.options).get("isolation_level", "")
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == "'" else ""
