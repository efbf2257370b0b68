"""An engine of the app cannot connect, and neither its URL nor a missing driver is the reason.

## What it does
Runs `SELECT 1` on each engine of the app, with the engine's own URL parameters, connect arguments and pool, against a
throwaway Postgres with TLS and SCRAM passwords. Reports an engine that fails there and could not work anywhere. What
checks ADB1xx and ADB3xx report exactly (drivers, schemes, URL parameters) is left to them; certificates are not
judged, because the throwaway server has one of its own.

## Root cause
The error's text says it. Often it is a connect argument of another driver (`connect_args={"sslmode": ...}` under
asyncpg raises `TypeError: connect() got an unexpected keyword argument`), an `isolation_level` that Postgres does not
know, or an event listener that raises. SQLAlchemy connects at the first statement, so such a fault shows at startup
only where the startup runs one.

## Fix
Change the argument that the error names where the engine is made.

## Fix safety
No automatic fix.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9 with asyncpg 0.31 and 0.32 and psycopg 3.3.

## Sources
- https://docs.sqlalchemy.org/en/20/core/engines.html#custom-dbapi-connect-arguments-on-connect-routines
- https://magicstack.github.io/asyncpg/current/api/index.html#connection
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import boot_past
from pytest_asyncdb.model.calls import bound_name
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.errors import chain, is_certificate_error, is_missing_driver, one_line
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.urls.parameters import NUMERIC_IN_CONNECT_ARGS

if TYPE_CHECKING:
    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import ErrorRecord

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> list[Finding]:
    """Report each engine that failed its probe, where it is made."""
    boot_past(facts)
    unjudged = ""
    found = []
    for engine in facts.engines:
        probe = engine.seen.probe if engine.seen else None
        if engine.role != "app" or probe is None or probe.ok:
            continue
        if probe.error is None:
            unjudged = probe.skipped
        elif is_certificate_error(probe.error):
            unjudged = "the throwaway server's certificate is not the one that this engine verifies"
        elif not _is_explained_elsewhere(engine, probe.error):
            found.append(_finding(engine, probe.error))
    if unjudged and not found:
        raise NotJudgedError(unjudged)
    return list(dict.fromkeys(found))  # one call may make many engines


def _finding(engine: Engine, error: ErrorRecord) -> Finding:
    written = engine.url.written if engine.url else None
    parameter = next((p for p in written.parameters if p.name in _quoted(error)), None) if written else None
    return CHECK.finding(
        parameter.span.place if parameter else engine.place,
        f"`{bound_name(engine.call, engine.function.rpartition('.')[2])}` cannot connect: {one_line(error)}",
        root_cause="The engine was tried with its own arguments on a healthy server, so an argument of the engine or "
        "something that runs when it connects is at fault.",
        evidence=Evidence.RUNTIME,
    )


def _is_explained_elsewhere(engine: Engine, error: ErrorRecord) -> bool:
    """Whether a missing driver, a sync engine used as an async one, or a parameter of the URL is the reason."""
    if is_missing_driver(error) or (engine.bound_to_async and not engine.is_async):
        return True
    parameters = {name for name, _ in engine.url.parameters} if engine.url else set()
    if not parameters or (engine.seen and engine.seen.driver != "asyncpg"):
        return False
    quoted = _quoted(error)
    wrong_type = error.type == "TypeError" and not parameters.isdisjoint(NUMERIC_IN_CONNECT_ARGS)
    return wrong_type or bool(quoted & parameters) or ("sslmode" in quoted and "ssl" in parameters)


def _quoted(error: ErrorRecord) -> set[str]:
    """The names that the error's text puts in quotes of any kind."""
    return set(re.findall(r"[\"'`](\w+)[\"'`]", "\n".join(message for _, message in chain(error))))
