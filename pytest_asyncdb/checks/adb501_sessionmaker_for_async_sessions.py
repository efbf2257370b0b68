"""A session factory for async sessions is made with `sessionmaker`.

## What it does
Reports `sessionmaker(..., class_=AsyncSession)` in the app. This is advice: such a factory works.

## Root cause
`sessionmaker` is generic over `class_`, so calling it, `async with`, `.begin()` and every option behave exactly as
with `async_sessionmaker`. What is lost is for readers and type checkers: `async_sessionmaker` is typed for async
sessions and refuses to make others.

## Fix
Call `async_sessionmaker` instead; `class_`, `expire_on_commit`, `autoflush` and all other arguments stay as they are.

## Fix safety
Safe on SQLAlchemy 2.0 and later. On 1.4, which has no `async_sessionmaker`, the check is silent.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9: both factories work alike, without a warning.

## Sources
- https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#sqlalchemy.ext.asyncio.async_sessionmaker
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.calls import bound_name, calling, import_read_only_by, shown_name
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.fix import Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.python import Call
    from pytest_asyncdb.facts.sessions import SessionFactory
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.ADVICE, since="0.1")

_FIRST_WITH_ASYNC_SESSIONMAKER = (2, 0)
_NEW = "async_sessionmaker"


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each factory of the app where it is made."""
    version = facts.sqlalchemy()
    if version is None:
        raise NotJudgedError("SQLAlchemy is not installed, so it is unknown whether it has `async_sessionmaker`")
    if version < _FIRST_WITH_ASYNC_SESSIONMAKER:
        return
    for factory in facts.session_factories:
        if factory.role == "app" and _is_meant(factory):
            name = shown_name(factory.call, "this factory")
            yield CHECK.finding(
                factory.place,
                f"{name} is made with `sessionmaker`, which works but is not typed for async sessions",
                root_cause="`sessionmaker` makes whatever `class_` names, so nothing fails at run time, but type "
                f"checkers and readers take it for a factory of sync sessions; `{_NEW}` says what it is.",
                fixes=_fixes(facts, factory.call),
                evidence=factory.evidence,
            )


def _is_meant(factory: SessionFactory) -> bool:
    return factory.factory == "sqlalchemy.orm.sessionmaker" and factory.session_is_async is True


def _fixes(facts: Facts, call: Call | None) -> tuple[Fix, ...]:
    if call is None or bound_name(call, "") == _NEW:
        return ()
    path = call.callee.path
    changed = [f for f in facts.session_factories if f.call and f.call.callee.path == path and _is_meant(f)]
    gone = import_read_only_by(facts.modules, path, "sessionmaker", len(changed))
    changes = calling(call, "sqlalchemy.ext.asyncio", _NEW, in_place_of=gone)
    return (Fix(f"Use `{_NEW}`", changes, safe=True, why="All arguments stay; the factory behaves as before."),)
