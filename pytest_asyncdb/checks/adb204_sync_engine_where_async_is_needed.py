"""A sync `create_engine` makes the engine of async sessions, or gets the URL of an async driver.

## What it does
Reports `create_engine` of SQLAlchemy or SQLModel in the app whose engine is handed to async sessions, or whose URL
names a driver that only speaks asyncio. Importing `create_engine` is no fault, `AsyncEngine(create_engine(...))` is
legal, and sync engines on sync drivers are fine.

## Root cause
`create_engine` returns a sync engine. It accepts an async driver without a word; the first connection then raises
`MissingGreenlet: greenlet_spawn has not been called`. An async session refuses a sync engine when it is made.

## Fix
`create_async_engine` from `sqlalchemy.ext.asyncio`; its arguments are the same.

## Fix safety
Safe when the engine is handed to async sessions. Unsafe otherwise: the code that uses the engine is sync, and either
that code has to change or the URL's driver.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9, SQLModel 0.0.22 and 0.0.50, asyncpg 0.31 and 0.32.

## Sources
- https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html
- https://docs.sqlalchemy.org/en/20/errors.html#missinggreenlet
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import AddImport, Change, Fix, RemoveImport, Replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.facts.python import Module
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_ASYNC_ONLY = frozenset({"asyncpg", "psycopg_async"})
_SYNC_FUNCTIONS = frozenset({"sqlalchemy.create_engine", "sqlalchemy.engine.create_engine", "sqlmodel.create_engine"})


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each call of ``create_engine`` that makes an engine for async use."""
    for engine in facts.engines:
        if engine.role != "app" or engine.is_async or engine.function not in _SYNC_FUNCTIONS:
            continue
        driver = engine.url.driver if engine.url else None
        if not engine.bound_to_async and driver not in _ASYNC_ONLY:
            continue
        use = "is handed to async sessions" if engine.bound_to_async else f"gets the async driver `{driver}`"
        known = engine.bound_to_async or (engine.url is not None and engine.url.certain)
        yield CHECK.finding(
            engine.place,
            f"the engine of `create_engine` {use}",
            root_cause="`create_engine` makes a sync engine, which neither async sessions nor async drivers can use.",
            fixes=_fixes(facts, engine),
            confidence=Confidence.CERTAIN if known else Confidence.LIKELY,
            evidence=engine.evidence,
        )


def _fixes(facts: Facts, engine: Engine) -> tuple[Fix, ...]:
    module = next((module for module in facts.modules if module.path == engine.place.path), None)
    if engine.callee is None or module is None:
        return ()
    changes: list[Change] = [
        Replace(engine.callee, "create_async_engine"),
        AddImport(module.path, "sqlalchemy.ext.asyncio", "create_async_engine"),
    ]
    imported = _import_of_its_own(module)
    if imported:
        changes.append(imported)
    why = "Its engine goes to async sessions." if engine.bound_to_async else "Code that uses this engine must await it."
    return (Fix("Use `create_async_engine`", tuple(changes), safe=engine.bound_to_async, why=why),)


def _import_of_its_own(module: Module) -> RemoveImport | None:
    """The import of ``create_engine`` when this call is all that reads it."""
    imports = [one for one in module.imports if f"{one.module}.{one.name}" in _SYNC_FUNCTIONS]
    if len(imports) != 1 or imports[0].reads != 1 or module.is_package:
        return None
    return RemoveImport(module.path, imports[0].module, imports[0].name or "")
