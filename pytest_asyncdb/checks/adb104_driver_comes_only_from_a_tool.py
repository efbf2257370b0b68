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

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.declared import undeclared_drivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.urls.declared import UndeclaredDriver

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each driver once: where it is declared for development, else at the engine that needs it."""
    for driver in undeclared_drivers(facts):
        if driver.is_installed:
            yield _finding(facts, driver)


def _finding(facts: Facts, driver: UndeclaredDriver) -> Finding:
    name = drivers.DISTRIBUTIONS[driver.name][0]
    development = facts.declared.anywhere(name)
    who = ", ".join(f"`{one}`" for one in facts.installed.brings(name)) or "this environment"
    source = f"the requirements for `{development.group}`" if development else who
    return CHECK.finding(
        development.span.place if development else driver.engine.place,
        f"`{name}`, the driver of the app's async engine, comes only from {source}",
        root_cause="Production installs what the project declares for it, and nothing there leads to this driver.",
        fixes=driver.fixes,
        confidence=driver.confidence,
    )
