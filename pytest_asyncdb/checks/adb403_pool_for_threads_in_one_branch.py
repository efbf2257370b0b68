"""A condition gives an async engine a pool for threads in one of its branches.

## What it does
Looks at what `poolclass` of each async engine may be: both sides of a conditional expression, names followed, also in
a dictionary of engine arguments and in the arguments of an extension that makes the engine. Reports `QueuePool` and
`SingletonThreadPool` where another branch has another pool; where there is no other branch, making the engine always
raises, which is check ADB402, except in scripts and migration environments. `AsyncAdaptedQueuePool` is right, and so
is `QueuePool` for a sync engine.

## Root cause
Usually tests get `NullPool` and everything else `QueuePool`, the default of sync engines. A pool for threads would
block the event loop, so `create_async_engine` refuses it since SQLAlchemy 2.0.28: `ArgumentError: Pool class QueuePool
cannot be used with asyncio engine`. Older versions take it and block. The tests, which take the other branch, pass.

## Fix
`AsyncAdaptedQueuePool` in its place: the same pool for async engines, and their default.

## Fix safety
Safe: the engine could not be made with the other one. Where the pool is not written as a plain name, nothing is
changed automatically.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9.

## Sources
- https://docs.sqlalchemy.org/en/20/errors.html#pool-class-cannot-be-used-with-asyncio-engine-or-vice-versa
- https://docs.sqlalchemy.org/en/20/core/pooling.html#sqlalchemy.pool.AsyncAdaptedQueuePool
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from pytest_asyncdb.model.calls import import_read_only_by, shown_name
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import AddImport, Fix, RemoveImport, Replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine, Pool
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.fix import Change

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.2")

_FOR_THREADS = frozenset({"QueuePool", "SingletonThreadPool"})
_RIGHT = "AsyncAdaptedQueuePool"
_REFUSING = ("2.0.28", "2.0.99", "2.1.0", "2.1.99")
"""Releases that stand for all that refuse such a pool: some of them must be admitted."""


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each such pool once, where it is written."""
    if not _may_refuse(facts):
        return
    told: set[Pool] = set()
    for engine in facts.engines:
        decided = len(engine.pools) == 1 and engine.role == "app"
        if not engine.is_async or engine.role == "test" or decided:
            continue
        for pool in engine.pools:
            package, _, name = pool.name.rpartition(".")
            if name in _FOR_THREADS and package.startswith("sqlalchemy") and pool not in told:
                told.add(pool)
                yield _finding(facts, engine, pool, name)


def _may_refuse(facts: Facts) -> bool:
    asked = facts.declared.production("sqlalchemy")
    try:
        admitted = SpecifierSet(asked.specifier if asked else "")
    except InvalidSpecifier:
        return True
    installed = facts.installed.version("sqlalchemy")
    return any(admitted.contains(one) for one in (*_REFUSING, *([installed] if installed else [])))


def _finding(facts: Facts, engine: Engine, pool: Pool, name: str) -> Finding:
    others = [one.name.rpartition(".")[2] or "None" for one in engine.pools if one.name != pool.name]
    branch = f" when the condition does not choose `{others[0]}`" if others else ""
    starts = engine.role != "app" or facts.boot is not None
    return CHECK.finding(
        pool.span.place,
        f"{shown_name(engine.call, 'an async engine')} gets `{name}`, a pool for threads{branch}",
        root_cause=f"Making the engine then raises ArgumentError: Pool class {name} cannot be used with asyncio "
        "engine. `AsyncAdaptedQueuePool` is the same pool for async engines, and their default.",
        fixes=_fixes(facts, pool, name),
        severity=Severity.LATENT if starts else Severity.BLOCKS,
        confidence=Confidence.CERTAIN if facts.installed.version("sqlalchemy") else Confidence.LIKELY,
        evidence=engine.evidence,
    )


def _fixes(facts: Facts, pool: Pool, name: str) -> tuple[Fix, ...]:
    path, module = pool.span.path, "sqlalchemy.pool"
    if pool.span.end - pool.span.start != len(name):
        return ()
    changes: list[Change] = [Replace(pool.span, _RIGHT), AddImport(path, module, _RIGHT)]
    if gone := import_read_only_by(facts.modules, path, name, 1):
        changes.append(RemoveImport(path, gone.module, name))
    return (Fix(f"Write `{_RIGHT}`", tuple(changes), safe=True, why="The same pool, made for async engines."),)
