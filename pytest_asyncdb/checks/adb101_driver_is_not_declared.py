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

from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import AddRequirement, Fix
from pytest_asyncdb.urls import drivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each driver once, at the first engine that needs it."""
    if not any(not requirement.group for requirement in facts.declared.requirements):
        raise NotJudgedError("the project declares no production dependencies that could be read")
    told: set[str] = set()
    for engine in facts.engines:
        driver = _missing(facts, engine)
        if driver and driver not in told:
            told.add(driver)
            yield _finding(facts, engine, driver)


def _missing(facts: Facts, engine: Engine) -> str | None:
    """The driver that this engine needs, when nothing brings it."""
    if engine.role != "app" or not engine.is_async or not engine.url:
        return None
    driver = drivers.wanted(engine.url.scheme, facts.sqlalchemy() or (2, 0), lambda name: _declares(facts, name))
    names = drivers.DISTRIBUTIONS.get(driver, ())
    if not names or any(_declares(facts, name) or facts.installed.version(name) for name in names):
        return None
    only_sync = any(facts.declared.production(name) for name in drivers.SYNC_DISTRIBUTIONS)
    return None if only_sync else driver


def _declares(facts: Facts, name: str) -> bool:
    return facts.declared.production(name) is not None or facts.installed.reaches(name)


def _finding(facts: Facts, engine: Engine, driver: str) -> Finding:
    requirement = drivers.REQUIREMENTS[driver]
    production = [r for r in facts.declared.requirements if not r.group]
    unsure = any(not facts.installed.version(r.name) for r in production) or not facts.installed.reaches("sqlalchemy")
    fix = Fix(
        f"Declare `{requirement}`",
        (AddRequirement(facts.declared.main_file, requirement),) if facts.declared.main_file else (),
        safe=True,
        why=f"Brings `{driver}` wherever the project is installed.",
    )
    return CHECK.finding(
        engine.place,
        f"`{driver}`, the driver of this async engine, is neither declared nor installed",
        root_cause=f"SQLAlchemy brings no driver: creating the engine imports `{driver}` and raises an error.",
        fixes=(fix,) if fix.changes else (),
        confidence=Confidence.LIKELY if unsure or not (engine.url and engine.url.certain) else Confidence.CERTAIN,
    )
