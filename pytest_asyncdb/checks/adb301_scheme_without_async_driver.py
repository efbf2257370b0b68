"""An async engine's URL names no driver, or a sync one.

## What it does
Looks at the URL that each async engine of the app gets: the real one when a boot saw it. Reports `postgresql://` where
the driver that SQLAlchemy then takes is not async or not declared by the project, and `postgresql+psycopg2://` or
another sync driver always. URLs handed to asyncpg or psycopg themselves are no fault, nor are sync engines.

## Root cause
A scheme without `+driver` means SQLAlchemy's default driver. Up to 2.0 that is psycopg2, which `create_async_engine`
refuses with `InvalidRequestError: The asyncio extension requires an async driver to be used`. Since 2.1 it is
psycopg 3: fine where the project declares it, `ModuleNotFoundError: No module named 'psycopg'` where it doesn't.
`AsyncEngine(create_engine(...))` gets the sync half of psycopg 3 and is refused too.

## Fix
Name the driver: `postgresql+asyncpg://`, or `postgresql+psycopg://` when psycopg 3 is what the project declares.

## Fix safety
Safe while only async engines read the URL; unsafe when a sync engine or a driver's own pool reads the same one.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9 with psycopg2 2.9, psycopg 3.3 and without either.

## Sources
- https://docs.sqlalchemy.org/en/21/changelog/migration_21.html
- https://docs.sqlalchemy.org/en/20/dialects/postgresql.html#module-sqlalchemy.dialects.postgresql.asyncpg
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import Fix, Replace
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.declared import declares, replacement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine, EngineUrl
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each URL once, at its scheme."""
    told: set[Place] = set()
    for engine in facts.engines:
        url = engine.url
        if engine.role != "app" or not engine.serves_async or url is None or drivers.is_raw(engine.function):
            continue
        why = _fault(facts, engine, url) if url.scheme.partition("+")[0] == "postgresql" else None
        place = _place(url)
        if why and place not in told:
            told.add(place)
            yield _finding(facts, engine, url, why)


def _fault(facts: Facts, engine: Engine, url: EngineUrl) -> str | None:
    """What is wrong with the scheme, as the rest of a sentence that starts with it."""
    sqlalchemy = facts.sqlalchemy() or (2, 0)
    driver = drivers.selected(url.scheme, sqlalchemy)
    if driver in drivers.SYNC_ONLY:
        said = "names" if url.driver else "names no driver, so SQLAlchemy 2.0 takes"
        return f"{said} `{driver}`, which is not async"
    if driver == "psycopg" and engine.is_async and engine.function.endswith((".create_engine", ".AsyncEngine")):
        return "gets the sync half of `psycopg` under `AsyncEngine(create_engine())`"
    if url.driver or _available(facts, driver):
        return None
    return f"names no driver, so SQLAlchemy 2.1 takes `{driver}`, which is not declared"


def _available(facts: Facts, driver: str) -> bool:
    if any(not requirement.group for requirement in facts.declared.requirements):
        return declares(facts, driver)
    return facts.installed.version(driver) is not None


def _place(url: EngineUrl) -> Place:
    return url.written.scheme_span.place if url.written and url.written.scheme == url.scheme else url.place


def _finding(facts: Facts, engine: Engine, url: EngineUrl, why: str) -> Finding:
    driver = replacement(facts)
    if driver == "psycopg" and engine.is_async and engine.function.endswith((".create_engine", ".AsyncEngine")):
        driver = "psycopg_async"
    fixes: tuple[Fix, ...] = ()
    if url.written and url.written.scheme == url.scheme:
        span = url.written.span
        others = [e for e in facts.engines if e.url and e.url.written and e.url.written.span == span]
        sync = next((e for e in others if not e.serves_async or drivers.is_raw(e.function)), None)
        reason = f"`{sync.place}` reads the same URL and cannot use it." if sync else f"`{driver}` speaks asyncio."
        change = Replace(url.written.scheme_span, f"postgresql+{driver}")
        fixes = (Fix(f"Write `postgresql+{driver}://`", (change,), safe=sync is None, why=reason),)
    return CHECK.finding(
        _place(url),
        f"`{url.scheme}://` {why}",
        root_cause="The part of the scheme after `+` chooses the driver; an async engine accepts only an async one.",
        fixes=fixes,
        confidence=Confidence.CERTAIN if url.certain else Confidence.LIKELY,
        evidence=engine.evidence,
    )
