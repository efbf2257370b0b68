"""A `sessionmaker` is bound to an async engine but makes sync sessions.

## What it does
Reports `sessionmaker(engine)` or `sessionmaker(bind=engine)` without `class_` where the engine is async.

## Root cause
`class_` defaults to the sync `Session`. `async with` on one raises `TypeError: 'Session' object does not support the
asynchronous context manager protocol`, and used synchronously it raises `AsyncContextNotStarted` at its first
statement. No session of this factory can reach the database.

## Fix
Call `async_sessionmaker`, whose sessions are `AsyncSession`; all arguments stay as they are.

## Fix safety
Safe: nothing that the factory makes worked before. On SQLAlchemy 1.4, which has no `async_sessionmaker`, no fix is
offered; there it takes `class_=AsyncSession`.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9.

## Sources
- https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#sqlalchemy.ext.asyncio.async_sessionmaker
- https://docs.sqlalchemy.org/en/20/orm/session_api.html#sqlalchemy.orm.sessionmaker
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.calls import bound_name, calling, import_read_only_by, shown_name
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.fix import Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.python import Call
    from pytest_asyncdb.facts.sessions import SessionFactory
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_FIRST_WITH_ASYNC_SESSIONMAKER = (2, 0)
_NEW = "async_sessionmaker"


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each factory where it is made."""
    for factory in facts.session_factories:
        if factory.role == "app" and _is_faulty(factory):
            yield CHECK.finding(
                factory.place,
                f"{shown_name(factory.call, 'this factory')} is bound to an async engine but makes sync sessions",
                root_cause="Without `class_`, `sessionmaker` makes `Session` objects; those are no async context "
                "managers and cannot drive an async engine.",
                fixes=_fixes(facts, factory.call),
                evidence=factory.evidence,
            )


def _is_faulty(factory: SessionFactory) -> bool:
    return (
        factory.factory == "sqlalchemy.orm.sessionmaker"
        and not (factory.call and factory.call.argument("class_"))
        and factory.options_known
        and factory.session_is_async is False
        and factory.bind_is_async is True
    )


def _fixes(facts: Facts, call: Call | None) -> tuple[Fix, ...]:
    version = facts.sqlalchemy()
    if call is None or version is None or version < _FIRST_WITH_ASYNC_SESSIONMAKER or bound_name(call, "") == _NEW:
        return ()
    path = call.callee.path
    changed = [f for f in facts.session_factories if f.call and f.call.callee.path == path and _is_faulty(f)]
    gone = import_read_only_by(facts.modules, path, "sessionmaker", len(changed))
    changes = calling(call, "sqlalchemy.ext.asyncio", _NEW, in_place_of=gone)
    return (Fix(f"Use `{_NEW}`", changes, safe=True, why="Its sessions are `AsyncSession`; all arguments stay."),)
