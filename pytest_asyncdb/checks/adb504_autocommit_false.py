"""A session factory is given `autocommit=False`, which means nothing.

## What it does
Reports `autocommit=False` given to a factory of async sessions. This is advice: it is accepted without a warning.

## Root cause
`False` is the only value that the parameter still takes, and the behaviour that sessions have without it. It is a
remainder of SQLAlchemy 1.x.

## Fix
Delete exactly this argument. `autoflush=False`, which often stands beside it, is a supported option that changes when
pending rows are written; it stays.

## Fix safety
Safe: sessions behave the same with and without it.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9.

## Sources
- https://docs.sqlalchemy.org/en/20/changelog/migration_20.html#autocommit-mode-removed-from-session-autobegin-support-added
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.calls import without_argument
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.fix import Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.sessions import SessionFactory
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.ADVICE, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each argument where it stands."""
    for factory in facts.session_factories:
        if factory.role == "app" and factory.serves_async and factory.option("autocommit") == "False":
            yield _finding(factory)


def _finding(factory: SessionFactory) -> Finding:
    call = factory.call
    argument = call.argument("autocommit") if call else None
    place = factory.place
    fixes: tuple[Fix, ...] = ()
    if call and argument:
        place = argument.span.place
        change = without_argument(call.span, [a.span for a in call.arguments], call.arguments.index(argument))
        why = "Sessions behave the same without it."
        fixes = (Fix("Delete `autocommit=False`", (change,), safe=True, why=why),) if change else ()
    return CHECK.finding(
        place,
        "`autocommit=False` is accepted and means nothing",
        root_cause="Sessions have no autocommit mode since SQLAlchemy 2.0; `False` is what they do anyway.",
        fixes=fixes,
        evidence=factory.evidence,
    )
