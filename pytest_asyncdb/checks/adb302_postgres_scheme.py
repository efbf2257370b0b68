"""A URL that reaches SQLAlchemy starts with `postgres`, which SQLAlchemy does not know.

## What it does
Reports an engine of the app whose URL starts with `postgres://` or `postgres+driver://`: the real one when a boot saw
it, so that code which rewrites the URL first is silent. A URL handed to asyncpg or psycopg themselves is fine.

## Root cause
Several hosting providers hand out `postgres://`. libpq and asyncpg accept it; SQLAlchemy dropped the alias in 1.4 and
raises `NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:postgres` when the engine is created.

## Fix
Write `postgresql`, for an async engine with its driver: `postgresql+asyncpg://`.

## Fix safety
Safe while only SQLAlchemy engines of one kind read the URL; unsafe when a sync and an async one share it.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9.

## Sources
- https://docs.sqlalchemy.org/en/14/changelog/changelog_14.html
- https://docs.sqlalchemy.org/en/20/core/engines.html#postgresql
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import Fix, Replace
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.declared import replacement

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
        if engine.role != "app" or url is None or drivers.is_raw(engine.function):
            continue
        as_written = url.written is not None and url.written.scheme == url.scheme
        place = url.written.scheme_span.place if url.written and as_written else url.place
        if url.scheme.partition("+")[0] == "postgres" and place not in told:
            told.add(place)
            yield CHECK.finding(
                place,
                f"`{url.scheme}://` is a scheme that SQLAlchemy does not know",
                root_cause="SQLAlchemy dropped the name `postgres` in 1.4; creating the engine raises an error.",
                fixes=_fixes(facts, engine, url) if as_written else (),
                confidence=Confidence.CERTAIN if url.certain else Confidence.LIKELY,
                evidence=engine.evidence,
            )


def _fixes(facts: Facts, engine: Engine, url: EngineUrl) -> tuple[Fix, ...]:
    if url.written is None:
        return ()
    scheme = _repaired(facts, engine, url)
    others = [e for e in facts.engines if e.url and e.url.written and e.url.written.span == url.written.span]
    differs = next((e for e in others if drivers.is_raw(e.function) or _repaired(facts, e, url) != scheme), None)
    why = f"`{differs.place}` reads the same URL and cannot use it." if differs else "The name that SQLAlchemy knows."
    change = Replace(url.written.scheme_span, scheme)
    return (Fix(f"Write `{scheme}://`", (change,), safe=differs is None, why=why),)


def _repaired(facts: Facts, engine: Engine, url: EngineUrl) -> str:
    if url.driver and (url.driver in drivers.ASYNC or not engine.serves_async):
        return f"postgresql+{url.driver}"
    if not engine.serves_async:
        return "postgresql"
    return f"postgresql+{replacement(facts)}"
