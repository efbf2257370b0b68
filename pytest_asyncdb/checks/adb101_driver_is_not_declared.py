"""An async engine's driver is neither declared by the project nor installed.

## What it does
Takes each async Postgres engine of the app and the driver that its URL selects, and asks whether the requirements
that production gets lead to the distribution which brings that driver. Reports the engine when they don't and the
driver is not installed either. Silent when the project declares no dependencies at all: then it can't be judged.

## Root cause
SQLAlchemy depends on no driver. It imports the driver while the engine is created, so the app dies with
`ModuleNotFoundError: No module named 'asyncpg'` when the module with the engine is imported.

## Fix
Declare the driver beside the other production requirements, e.g. `asyncpg>=0.29.0`.

## Fix safety
Safe: one requirement is added, nothing is removed.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9, without asyncpg and without psycopg.

## Sources
- https://docs.sqlalchemy.org/en/20/core/engines.html#postgresql
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.urls.declared import undeclared_drivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each driver once, at the first engine that needs it."""
    for driver in undeclared_drivers(facts):
        if not driver.is_installed:
            yield CHECK.finding(
                driver.engine.place,
                f"`{driver.name}`, the driver of this async engine, is neither declared nor installed",
                root_cause="SQLAlchemy brings no driver: "
                f"creating the engine imports `{driver.name}` and raises an error.",
                fixes=driver.fixes,
                confidence=driver.confidence,
            )
