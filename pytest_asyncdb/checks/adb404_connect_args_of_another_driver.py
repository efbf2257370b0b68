"""An engine that no boot has made hands its driver arguments that the driver refuses.

## What it does
Looks at the keys of `connect_args` of engines that were not seen at run time: made in a function that the boot did not
reach, in a script, in a migration environment. Reports libpq's names under asyncpg, asyncpg's under psycopg, SQLite's
and MySQL's under both, and values in asyncpg's `server_settings` that are no text. Judged are dictionaries that the
source shows whole, for a URL that names its driver. Engines that were seen are tried, which is check ADB401.

## Root cause
`connect_args` go to the driver's `connect()` as they are. One that it does not take is `TypeError: connect() got an
unexpected keyword argument 'sslmode'` (asyncpg) or `invalid connection option "ssl"` (psycopg) at the first
connection. Settings of the server travel as text: `server_settings is expected to be None or a Dict[str, str]`.

## Fix
asyncpg: `ssl`, `timeout`, `server_settings={"application_name": ...}`. psycopg: `sslmode`, `connect_timeout`,
`options="-c ..."`. Numbers and booleans of `server_settings` in quotes: `{"jit": "off"}`.

## Fix safety
No fix is made automatically: names differ, and so do their values.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9 with asyncpg 0.32 and psycopg 3.3.

## Sources
- https://docs.sqlalchemy.org/en/20/core/engines.html#custom-dbapi-connect-arguments-on-connect-routines
- https://magicstack.github.io/asyncpg/current/api/index.html#connection
- https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.parameters import ASYNCPG_ONLY, LIBPQ_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")

_ELSEWHERE = frozenset({"check_same_thread", "charset", "isolation_level"})
_OF_PSYCOPG = frozenset({"autocommit", "prepare_threshold", "row_factory", "cursor_factory"})
_REFUSED = {
    "asyncpg": LIBPQ_ONLY | _ELSEWHERE | _OF_PSYCOPG,
    "psycopg": (ASYNCPG_ONLY - {"servicefile"}) | _ELSEWHERE,
}
_NO_TEXT = re.compile(r"'(?P<name>[\w.]+)': (?:True|False|-?\d[\d.]*)(?=[,}])")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each engine once, with all that its driver refuses."""
    for engine in facts.engines:
        driver = _driver(engine)
        if driver is None:
            continue
        refused = sorted(name for name, _ in engine.connect_args if name in _REFUSED[driver])
        numbers = _NO_TEXT.findall(engine.connect_arg("server_settings") or "") if driver == "asyncpg" else []
        if refused:
            yield _finding(engine, f"`{driver}` takes no {_names(refused)} in `connect_args`", driver)
        elif numbers:
            yield _finding(engine, f"{_names(numbers)} in `server_settings` is no text, which asyncpg refuses", driver)


def _driver(engine: Engine) -> str | None:
    """The driver of an engine that is judged here: not seen, all its arguments known, its driver named."""
    url = engine.url
    known = engine.seen is None and engine.role != "test" and engine.connect_args_known
    if url is None or not known or not url.certain or drivers.is_raw(engine.function) or not engine.is_async:
        return None
    driver = (url.driver or "").removesuffix("_async")
    return driver if drivers.is_postgres(url.scheme) and driver in _REFUSED else None


def _finding(engine: Engine, message: str, driver: str) -> Finding:
    given = engine.call.argument("connect_args") if engine.call else None
    return CHECK.finding(
        given.span.place if given else engine.place,
        message,
        root_cause=f"They go to `{driver}` as they are, so the first connection of this engine fails; no boot has made "
        "it so far.",
    )


def _names(names: list[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)
