"""The app's startup raises.

## What it does
Boots the app against a healthy throwaway Postgres: makes it, when it comes from a factory, and runs its lifespan or
startup handlers. Reports the exception at the project's own last frame. A database error is ADB704's, and an engine
that cannot be made or cannot connect is reported where it is made. When the sandbox refused an address that the
startup wanted to reach (a cache, a broker), nothing is judged; nor when the app itself asks for its migrations and
these did not go through.

## Root cause
The exception says it. A server such as Uvicorn prints `Application startup failed. Exiting.` and ends with status 3.

## Fix
Repair what raised. Frequent shapes: a lifespan that is no async context manager (`RuntimeError: generator didn't
yield`), or one that does not take the app (`takes 0 positional arguments but 1 was given`).

## Fix safety
No automatic fix.

## Seen on
FastAPI 0.165 with Starlette 1.10, and Litestar 2.25.

## Sources
- https://asgi.readthedocs.io/en/latest/specs/lifespan.html
- https://fastapi.tiangolo.com/advanced/events/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, boot_past, reported_at_engine
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.errors import is_database_error, is_missing_driver, one_line
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.migrated import refused_percent, unmigrated
from pytest_asyncdb.model.services import missing_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_MIGRATIONS = re.compile(r"migrat|alembic", re.IGNORECASE)


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report the first step of the start that raised."""
    boot = boot_past(facts, "import")
    failed = next((p for p in boot.phases if p.name in {"create", "startup"} and not p.ok and not p.timed_out), None)
    if failed is None or boot.end.how in {"exit", "died"}:
        return
    error = failed.error
    if error and error.type.rpartition(".")[2] == "SystemExit":
        return
    if error and (is_database_error(error) or is_missing_driver(error) or reported_at_engine(facts, error)):
        return
    if refused_percent(facts, error):
        return
    if missing_service(boot):
        raise NotJudgedError(missing_service(boot))
    if error and _MIGRATIONS.search(error.message) and (reason := unmigrated(facts)):
        raise NotJudgedError(f"startup asks for the project's migrations: {reason}")
    said = one_line(error) if error else failed.note.strip().splitlines()[-1] if failed.note.strip() else one_line(None)
    yield CHECK.finding(
        error.place if error and error.place else app_place(facts),
        f"startup of `{boot.target}` fails: {said.rstrip('.')}",
        root_cause="The app raised while starting on a healthy database, so the fault is the app's own.",
        evidence=Evidence.RUNTIME,
    )
