"""The app's shutdown raises or does not end.

## What it does
Ends the booted app as a server does and reports an exception of the shutdown, or the place at which it stands when its
deadline passes. Not judged when it is an error of the database and the check had taken that away for a moment before.

## Root cause
The exception says it. Often: an object that the startup did not set, `await engine.dispose()` on a sync engine
(`TypeError: object NoneType can't be used in 'await' expression`), a background task that is awaited, never cancelled.

## Fix
Repair what raised; cancel background tasks before awaiting them.

## Fix safety
No automatic fix.

## Seen on
FastAPI 0.165, Starlette 1.10 and Litestar 2.25.

## Sources
- https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, boot_past
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.errors import is_connection_error, is_database_error, one_line
from pytest_asyncdb.model.finding import Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report the shutdown that did not end well."""
    boot = boot_past(facts, "import", "create", "startup")
    phase = boot.phase("shutdown")
    killed = boot.end.how == "deadline" and boot.end.phase == "shutdown"
    if (phase is None or phase.ok) and not killed:
        return
    error = phase.error if phase else None
    if boot.outages and error and (is_connection_error(error) or is_database_error(error)):
        raise NotJudgedError("the shutdown fails over the database, which the check had taken away for a moment")
    late = killed or (phase is not None and phase.timed_out)
    stands = (phase.stuck_at if phase else None) or boot.end.place
    place = (stands if late else None) or (error.place if error else None) or app_place(facts)
    yield CHECK.finding(
        place,
        f"shutdown of `{boot.target}` {'does not end' if late else f'fails: {one_line(error)}'}",
        root_cause="What the shutdown was to close stays open, and an orchestrator ends the process by force."
        if late
        else "What comes after the failing line in the shutdown does not run.",
        evidence=Evidence.RUNTIME,
    )
