"""The app goes on failing after its database is back.

## What it does
Takes the database away from the booted app, gives it back, and asks the health routes that had failed, for some
seconds. Reports one that answers well no more.

## Root cause
The app holds on to something that the outage broke: one connection made at startup and used for ever, a pool that was
closed by a handler, a flag that is set when a check fails and never taken back. Only a restart helps.

## Fix
Take a connection from the engine or pool for each piece of work, and let the pool replace the broken ones
(`pool_pre_ping=True`).

## Fix safety
No automatic fix.

## Seen on
FastAPI 0.165 with SQLAlchemy 2.1.9, asyncpg 0.32 and psycopg 3.3.

## Sources
- https://docs.sqlalchemy.org/en/20/core/pooling.html#dealing-with-disconnects
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, outage_of
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.errors import one_line
from pytest_asyncdb.model.finding import Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import ResponseRecord

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each route at its endpoint."""
    boot = outage_of(facts)
    again: dict[str, list[ResponseRecord]] = {}
    for one in boot.outages:
        if one.database == "up again":
            again.setdefault(one.path, []).append(one)
    for answers in again.values():
        last = answers[-1]
        if last.failed:
            said = one_line(last.error) if last.error else f"status {last.status}" if last.status else "no answer"
            yield CHECK.finding(
                last.place or app_place(facts),
                f"`{last.method} {last.path}` still fails after the database is back: {said}",
                root_cause="It answered well before, and was asked for seconds after connections worked again.",
                evidence=Evidence.RUNTIME,
            )
