"""An installed version is not one that the project's own requirement admits.

## What it does
Compares the installed version of each package of the async database stack (SQLAlchemy, SQLModel, drivers, greenlet,
Alembic, web framework) with what the project declares for production. Requirements whose marker does not apply here, or
which name a URL, are left out; and, while declared packages are missing here (ADB107), so is what pytest-asyncdb itself
brings.

## Root cause
What is tested here is not what production gets. Between SQLAlchemy 2.0 and 2.1, or asyncpg 0.30 and 0.31, that is a
different default driver and a different behaviour behind poolers.

## Fix
Install what is declared, or declare what is meant.

## Fix safety
No fix is made automatically: either side may be the right one.

## Seen on
pip 24 to 26, which leave such an environment behind after `pip install --no-deps` or a changed requirements file.

## Sources
- https://packaging.python.org/en/latest/specifications/version-specifiers/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, Marker

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.urls.declared import admits
from pytest_asyncdb.urls.missing import uninstalled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.dependencies import Requirement
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.1")

_STACK = frozenset({"sqlalchemy", "sqlmodel", "greenlet", "alembic", "fastapi", "starlette", "litestar"}) | {
    *("pydantic", "asyncpg", "psycopg", "psycopg-binary", "psycopg-pool", "psycopg2", "psycopg2-binary"),
    "pydantic-settings",
}


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each production requirement that the installed version does not fulfil."""
    is_incomplete = bool(uninstalled(facts))
    for requirement in facts.declared.requirements:
        version = facts.installed.version(requirement.name)
        if requirement.group or requirement.name not in _STACK or version is None:
            continue
        if is_incomplete and facts.installed.comes_with_the_tool(requirement.name):
            continue
        if _applies(requirement) and not admits(requirement.specifier, version):
            is_ours = facts.installed.comes_with_the_tool(requirement.name)
            by_us = "; installing pytest-asyncdb, which needs it too, may have changed it" if is_ours else ""
            yield CHECK.finding(
                requirement.span.place,
                f"`{requirement.name}` {version} is installed, and `{requirement.specifier}` is declared",
                root_cause=f"What runs here is not what the project asks for and production gets{by_us}.",
            )


def _applies(requirement: Requirement) -> bool:
    try:
        return not requirement.marker or Marker(requirement.marker).evaluate()
    except InvalidMarker:
        return False
