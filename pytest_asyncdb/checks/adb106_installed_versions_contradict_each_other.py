"""Two installed packages of the database stack do not admit each other.

## What it does
Reads the requirements of what is installed, as `pip check` does, and reports those about the async database stack that
the installed versions don't fulfil. Conflicts of tools that production does not install are left out.

## Root cause
Something was installed past the resolver (`--no-deps`, two installs one after the other). SQLModel below 0.0.48, for
example, admits SQLAlchemy only below 2.1; together they were never tested.

## Fix
Install both in one command, so that the resolver sees both, and raise the requirement that is too old.

## Fix safety
No fix is made automatically.

## Seen on
SQLModel 0.0.22 with SQLAlchemy 2.1.9: pip refuses to resolve them, `--no-deps` installs them.

## Sources
- https://pip.pypa.io/en/stable/cli/pip_check/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.1")

_STACK = frozenset({"sqlalchemy", "sqlmodel", "greenlet", "alembic", "asyncpg", "psycopg", "psycopg-binary"}) | {
    *("fastapi", "starlette", "litestar", "pydantic", "pydantic-core", "pydantic-settings"),
}


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each conflict at the requirement that brings one of the two."""
    for one in facts.installed.conflicts:
        if one.name not in _STACK or not facts.installed.reaches(one.required_by):
            continue
        declared = facts.declared.production(one.required_by) or facts.declared.production(one.name)
        place = declared.span.place if declared else Place(facts.declared.main_file or ".")
        yield CHECK.finding(
            place,
            f"`{one.required_by}` requires `{one.requirement}`, and `{one.name}` {one.version} is installed",
            root_cause="The two were installed past the resolver; one of them runs with a version it was not made for.",
        )
