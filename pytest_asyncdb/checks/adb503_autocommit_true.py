"""A session factory is given `autocommit=True`.

## What it does
Reports `autocommit=True` given to `async_sessionmaker`, to `sessionmaker` for async sessions, or to `AsyncSession`.

## Root cause
SQLAlchemy 2.0 removed the session's autocommit mode. The parameter is left only to refuse `True`: the factory is built
without complaint, and each call of it raises `ArgumentError: autocommit=True is no longer supported`.

## Fix
Delete the argument and call `await session.commit()` where a unit of work ends. Where each statement shall commit by
itself, that is a property of the engine: `create_async_engine(..., isolation_level="AUTOCOMMIT")`.

## Fix safety
Unsafe: somebody has to decide where the code commits.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9.

## Sources
- https://docs.sqlalchemy.org/en/20/changelog/migration_20.html#autocommit-mode-removed-from-session-autobegin-support-added
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.calls import without_argument
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.fix import Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.python import Call
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each argument where it stands."""
    for factory in facts.session_factories:
        if factory.role == "app" and factory.serves_async and factory.option("autocommit") == "True":
            yield _finding(factory.place, factory.call, factory.evidence)
    for module in facts.modules:
        for call in module.calls if module.role == "app" else ():
            argument = call.argument("autocommit")
            if call.target.endswith(".AsyncSession") and argument and argument.value.literal is True:
                yield _finding(call.span.place, call, Evidence.STATIC)


def _finding(place: Place, call: Call | None, evidence: Evidence) -> Finding:
    argument = call.argument("autocommit") if call else None
    fixes: tuple[Fix, ...] = ()
    if call and argument:
        place = argument.span.place
        change = without_argument(call.span, [a.span for a in call.arguments], call.arguments.index(argument))
        why = "Decide where the code calls `commit()`, or set `isolation_level` on the engine."
        fixes = (Fix("Delete `autocommit=True`", (change,), safe=False, why=why),) if change else ()
    return CHECK.finding(
        place,
        "`autocommit=True` makes every new session raise `ArgumentError`",
        root_cause="Sessions have no autocommit mode since SQLAlchemy 2.0; the parameter only remains to refuse it.",
        fixes=fixes,
        evidence=evidence,
    )
