"""An async engine's driver is installed here, but nothing that production installs brings it.

## What it does
Takes each async Postgres engine of the app and the driver that its URL selects. Reports it when the driver is installed
and the project's production requirements don't lead to it: because it is declared for development only, or because a
tool (pytest-asyncdb among them) depends on it. Says who brings it.

## Root cause
In this environment the driver happens to be there. In production it isn't, and creating the engine raises
`ModuleNotFoundError: No module named 'asyncpg'`.

## Fix
Declare the driver beside the other production requirements.

## Fix safety
Safe: one requirement is added, nothing is removed.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9, asyncpg 0.31 and 0.32, psycopg 3.3.

## Sources
- https://packaging.python.org/en/latest/specifications/dependency-groups/
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
    """Report each driver once: where it is declared for development, else at the engine that needs it."""
    if not any(not requirement.group for requirement in facts.declared.requirements):
        raise NotJudgedError("the project declares no production dependencies that could be read")
    told: set[str] = set()
    for engine in facts.engines:
        driver = _borrowed(facts, engine)
        if driver and driver not in told:
            told.add(driver)
            yield _finding(facts, engine, driver)


def _borrowed(facts: Facts, engine: Engine) -> str | None:
    """The driver that this engine needs, when it is installed without being declared."""
    if engine.role != "app" or not engine.is_async or not engine.url:
        return None
    driver = drivers.wanted(engine.url.scheme, facts.sqlalchemy() or (2, 0), lambda name: _declares(facts, name))
    names = drivers.DISTRIBUTIONS.get(driver, ())
    if any(_declares(facts, name) for name in names) or not any(facts.installed.version(name) for name in names):
        return None
    only_sync = any(facts.declared.production(name) for name in drivers.SYNC_DISTRIBUTIONS)
    return None if only_sync else driver


def _declares(facts: Facts, name: str) -> bool:
    return facts.declared.production(name) is not None or facts.installed.reaches(name)


def _finding(facts: Facts, engine: Engine, driver: str) -> Finding:
    name = drivers.DISTRIBUTIONS[driver][0]
    development = facts.declared.anywhere(name)
    who = ", ".join(f"`{one}`" for one in facts.installed.brings(name)) or "this environment"
    source = f"the requirements for `{development.group}`" if development else who
    requirement = drivers.REQUIREMENTS[driver]
    fix = Fix(
        f"Declare `{requirement}`",
        (AddRequirement(facts.declared.main_file, requirement),) if facts.declared.main_file else (),
        safe=True,
        why=f"Brings `{driver}` wherever the project is installed.",
    )
    production = [r for r in facts.declared.requirements if not r.group]
    unsure = any(not facts.installed.version(r.name) for r in production) or not facts.installed.reaches("sqlalchemy")
    return CHECK.finding(
        development.span.place if development else engine.place,
        f"`{name}`, the driver of the app's async engine, comes only from {source}",
        root_cause="Production installs what the project declares for it, and nothing there leads to this driver.",
        fixes=(fix,) if fix.changes else (),
        confidence=Confidence.LIKELY if unsure or not (engine.url and engine.url.certain) else Confidence.CERTAIN,
    )
