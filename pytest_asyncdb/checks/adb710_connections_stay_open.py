"""Connections are left open after shutdown.

## What it does
Counts the connections of each engine of the app that are still open once the shutdown is over. This is advice: the end
of the process closes them.

## Root cause
An engine keeps its connections in a pool until it is disposed. In a process that goes on, such as a test suite or a
reload, they stay open, asyncpg's belong to an event loop that is gone, and Python warns of unclosed connections.

## Fix
Dispose the engine at the end of the lifespan:

    yield  # the app serves
    await engine.dispose()

## Fix safety
No automatic fix: where the shutdown code belongs is a decision.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9 with asyncpg 0.31 and 0.32 and psycopg 3.3.

## Sources
- https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#sqlalchemy.ext.asyncio.AsyncEngine.dispose
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import boot_past
from pytest_asyncdb.model.calls import shown_name
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place

CHECK = Check(__name__, severity=Severity.ADVICE, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each engine where it is made."""
    boot_past(facts, "import", "create", "startup", "shutdown")
    told: set[Place] = set()
    for engine in facts.engines:
        number = engine.seen.open_after_shutdown if engine.seen else 0
        if engine.role == "app" and number and engine.place not in told:
            told.add(engine.place)
            many = f"{number} connections" if number > 1 else "a connection"
            yield CHECK.finding(
                engine.place,
                f"{shown_name(engine.call, 'the engine')} has {many} open after shutdown",
                root_cause="Nothing disposes the engine when the app ends, so its pool keeps what it has opened.",
                evidence=Evidence.RUNTIME,
            )
