"""The app starts without reaching its database.

## What it does
Says that no connection was tried while the app was imported and started, although it has an async engine. This is
advice: a lazy start is a choice, for functions that start on demand for example.

## Root cause
SQLAlchemy connects at the first statement, not when an engine is made. An app that runs none at startup starts with a
wrong password, a broken URL parameter or no server at all, and a health route that does not ask the database answers
200.

## Fix
Run a statement in the lifespan, so that a deployment with a broken database never takes traffic:

    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))

## Fix safety
No automatic fix: whether to start without a database is a decision.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9 under FastAPI 0.165 and Uvicorn 0.54.

## Sources
- https://docs.sqlalchemy.org/en/20/core/engines.html#sqlalchemy.create_engine
- https://fastapi.tiangolo.com/advanced/events/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import boot_on_postgres
from pytest_asyncdb.model.calls import shown_name
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.ADVICE, since="0.1")

_UNTIL_STARTED = frozenset({"import", "create", "startup"})


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report once, at the first async engine that existed by then."""
    boot = boot_on_postgres(facts, "import", "create", "startup")
    if any(one.phase in _UNTIL_STARTED and not one.by_probe for one in boot.connections):
        return
    for engine in facts.engines:
        if engine.role == "app" and engine.is_async and engine.seen and engine.seen.phase in _UNTIL_STARTED:
            name = shown_name(engine.call, "the engine")
            yield CHECK.finding(
                engine.place,
                f"startup does not use {name}, so a broken database shows at a request",
                root_cause="An engine connects at its first statement, and the startup runs none.",
                evidence=Evidence.RUNTIME,
            )
            return
