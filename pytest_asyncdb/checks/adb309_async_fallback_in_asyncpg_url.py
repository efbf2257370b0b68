"""The URL for asyncpg carries `async_fallback`, which SQLAlchemy 2.1 no longer knows.

## What it does
Looks at the URL of every engine on asyncpg, also in scripts and migration environments and also where code appends the
parameter (`url + "?async_fallback=True"`, an f-string). Reports it where production gets SQLAlchemy 2.1, and where 2.0
is installed but the requirement allows 2.1. Silent where the project keeps SQLAlchemy below 2.1.

## Root cause
`async_fallback` let a sync engine drive asyncpg through an event loop of its own. It was deprecated in 2.0 and removed
in 2.1, where the parameter goes on to the driver: `TypeError: connect() got an unexpected keyword argument
'async_fallback'` at the first connection.

## Fix
An async engine needs nothing in its place: remove the parameter. A sync engine, as in most migration environments,
needs a sync driver (`postgresql+psycopg://`), or becomes `async_engine_from_config` with `connection.run_sync(...)`, as
Alembic's template `async` has it.

## Fix safety
Safe for an async engine; a sync one is left to you, because it works on 2.0 and its driver has to change.

## Seen on
SQLAlchemy 2.0.58 (works, with a deprecation warning) and 2.1.9 (TypeError), asyncpg 0.32.

## Sources
- https://docs.sqlalchemy.org/en/20/dialects/postgresql.html#module-sqlalchemy.dialects.postgresql.asyncpg
- https://alembic.sqlalchemy.org/en/latest/cookbook.html#using-asyncio-with-alembic
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import Fix
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.declared import admits_sqlalchemy_2_1, production_sqlalchemy
from pytest_asyncdb.urls.query_edits import removal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine, EngineUrl
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.2")

_NAME = "async_fallback"


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each place of the parameter once."""
    is_new = production_sqlalchemy(facts) >= (2, 1)
    if not is_new and not admits_sqlalchemy_2_1(facts):
        return
    told: set[Place] = set()
    for engine in facts.engines:
        url = engine.url
        if url is None or engine.role == "test" or drivers.is_raw(engine.function) or url.driver != "asyncpg":
            continue
        if dict(url.parameters).get(_NAME) and url.parameter_place(_NAME) not in told:
            told.add(url.parameter_place(_NAME))
            yield _finding(engine, url, is_new=is_new)


def _finding(engine: Engine, url: EngineUrl, *, is_new: bool) -> Finding:
    where = "SQLAlchemy 2.1 hands" if is_new else "SQLAlchemy 2.1, which the requirement allows, hands"
    way_out = (
        "An async engine needs nothing in its place."
        if engine.is_async
        else "Give this sync engine a sync driver, or make it an async one."
    )
    return CHECK.finding(
        url.parameter_place(_NAME),
        f"{where} `{_NAME}` to asyncpg, which does not take it",
        root_cause="The parameter was removed in 2.1; the first connection raises TypeError: connect() got an "
        f"unexpected keyword argument 'async_fallback'. {way_out}",
        fixes=_fixes(engine, url),
        severity=Severity.BLOCKS if is_new and engine.role == "app" else Severity.LATENT,
        confidence=Confidence.CERTAIN if is_new else Confidence.LIKELY,
        evidence=engine.evidence,
    )


def _fixes(engine: Engine, url: EngineUrl) -> tuple[Fix, ...]:
    written = url.written_parameter(_NAME)
    if not engine.is_async or url.written is None or written is None:
        return ()
    change = removal(written, url.written.parameters, url.written.query_span, {written.span})
    return (Fix(f"Remove `{_NAME}`", (change,), safe=True, why="An async engine has no use for it."),)
