"""Making an engine raises.

## What it does
Reports `create_async_engine(...)` and its like where the call raised at boot, and, without a boot, where it always
raises: a pool class for threads, or `pool_size`, `max_overflow` and `pool_timeout` next to a pool that has no size.
Missing drivers are left to checks ADB1xx, schemes without one to ADB3xx, missing settings to ADB205.

## Root cause
Arguments are checked when the engine is made. A pool for threads would block the event loop, so SQLAlchemy refuses it
(since 2.0.28): `Pool class QueuePool cannot be used with asyncio engine`. Arguments that neither dialect, pool nor
engine knows raise `TypeError: Invalid argument(s) ...`, a number given as text `unsupported operand type(s)`.

## Fix
Delete `poolclass`: the default, `AsyncAdaptedQueuePool`, is the right pool. With `NullPool`, delete the sizes.

## Fix safety
Deleting the pool class for threads is safe: the engine did not exist before. Deleting sizes is unsafe: perhaps they
were meant and `NullPool` was not.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9. SQLAlchemy up to 2.0.27 accepts a pool for threads.

## Sources
- https://docs.sqlalchemy.org/en/20/core/pooling.html
- https://docs.sqlalchemy.org/en/20/errors.html#pool-class-cannot-be-used-with-asyncio-engine-or-vice-versa
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import lacks_its_url
from pytest_asyncdb.model.calls import import_read_only_by, shown_name, without_argument
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.errors import is_missing_driver, one_line
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.fix import Fix, RemoveImport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.facts.python import Argument, Call
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.fix import Change, Replace
    from pytest_asyncdb.model.place import Place

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_FOR_THREADS = frozenset({"QueuePool", "SingletonThreadPool"})
_WITHOUT_SIZE = frozenset({"NullPool", "StaticPool"})
_SIZES = ("pool_size", "max_overflow", "pool_timeout")
_FIRST_REFUSING = (2, 0, 28)


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each engine that raised, and each that was not seen and always raises."""
    told: set[Place] = set()
    for engine in facts.engines:
        if engine.role != "app" or engine.place in told:
            continue
        error = engine.seen.error if engine.seen else None
        fault = _fault(facts, engine) if engine.is_async else ""
        if error and not is_missing_driver(error) and not lacks_its_url(engine):
            told.add(engine.place)  # one call may make many engines
            yield _finding(facts, engine, one_line(error), Evidence.BOTH if fault else Evidence.RUNTIME)
        elif fault and engine.seen is None:
            yield _finding(facts, engine, fault, Evidence.STATIC)


def _fault(facts: Facts, engine: Engine) -> str:
    """What the call always raises, as far as its source tells."""
    pool = _pool(engine)
    sizes = [name for name in _SIZES if name in dict(engine.options)]
    if pool in _FOR_THREADS and _refuses_threads(facts):
        return f"ArgumentError: Pool class {pool} cannot be used with asyncio engine"
    if pool in _WITHOUT_SIZE and sizes:
        return f"TypeError: Invalid argument(s) {','.join(map(repr, sizes))} sent to create_engine()"
    return ""


def _refuses_threads(facts: Facts) -> bool:
    version = facts.installed.version("sqlalchemy") or "0"
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit()) >= _FIRST_REFUSING


def _pool(engine: Engine) -> str:
    """The pool class, when no condition decides between several."""
    origin = engine.pools[0].name if len(engine.pools) == 1 else ""
    return origin.rpartition(".")[2] if origin.startswith("sqlalchemy.") else ""


def _finding(facts: Facts, engine: Engine, what: str, evidence: Evidence) -> Finding:
    return CHECK.finding(
        engine.place,
        f"making {shown_name(engine.call, 'an engine')} raises {what}",
        root_cause="SQLAlchemy checks the arguments when the engine is made, so whatever makes it fails too.",
        fixes=_fixes(facts, engine.call, _pool(engine)),
        evidence=evidence,
    )


def _fixes(facts: Facts, call: Call | None, pool: str) -> tuple[Fix, ...]:
    names = ("poolclass",) if pool in _FOR_THREADS else _SIZES if pool in _WITHOUT_SIZE else ()
    given = [a for a in call.arguments if a.keyword in names] if call else []
    changes: list[Change] = [change for a in given if call and (change := _deletion(call, a))]
    if not call or not changes or len(changes) < len(given):
        return ()
    title = f"Delete {' and '.join(f'`{a.keyword}`' for a in given)}"
    if names is _SIZES:
        return (Fix(title, tuple(changes), safe=False, why="Decide which was meant: sizes, or a pool without."),)
    if gone := import_read_only_by(facts.modules, call.span.path, pool, 1):
        changes.append(RemoveImport(call.span.path, gone.module, pool))
    return (Fix(title, tuple(changes), safe=True, why="The default pool is made for async engines."),)


def _deletion(call: Call, argument: Argument) -> Replace | None:
    return without_argument(call.span, [a.span for a in call.arguments], call.arguments.index(argument))
