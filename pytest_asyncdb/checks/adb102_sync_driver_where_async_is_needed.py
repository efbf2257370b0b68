"""The only Postgres driver that the project declares is a sync one, but its engines are async.

## What it does
Looks for `psycopg2`, `psycopg2-binary`, `psycopg2cffi` or `pg8000` among the production requirements of a project
whose app makes async Postgres engines and which declares no async driver. Reports the requirement's line. A sync
driver *beside* an async one is no fault, nor is one in a project without async engines.

## Root cause
`create_async_engine` with a sync driver raises `InvalidRequestError: The asyncio extension requires an async driver
to be used`; with `+asyncpg` in the URL and only psycopg2 installed, `ModuleNotFoundError: No module named 'asyncpg'`.

## Fix
Declare the async driver. It takes the place of the sync one where nothing uses that: no import of it, no sync
Postgres engine, no migration or other URL that runs on it. Otherwise it is added beside it.

## Fix safety
Safe: what still uses the sync driver keeps it.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9 with psycopg2-binary 2.9 and pg8000 1.31.

## Sources
- https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html
- https://github.com/sqlalchemy/sqlalchemy/issues/6044
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging import requirements as pep508

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.fix import AddRequirement, Fix, Replace
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.declared import declares, driver_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.dependencies import Requirement
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report the first sync driver when an app engine needs an async one that nothing declares."""
    sync = [r for r in facts.declared.requirements if not r.group and r.name in drivers.SYNC_DISTRIBUTIONS]
    needed = [driver for engine in facts.engines if (driver := _needs(facts, engine))]
    if sync and needed:
        yield CHECK.finding(
            sync[0].span.place,
            f"`{sync[0].name}` is a sync driver, and no async driver is declared for the app's async engine",
            root_cause=f"`create_async_engine` raises unless its driver speaks asyncio; `{sync[0].name}` does not.",
            fixes=(_fix(facts, sync[0], needed[0]),),
        )


def _needs(facts: Facts, engine: Engine) -> str | None:
    """The async driver that this engine needs and nothing declares."""
    url = engine.url
    if engine.role != "app" or not engine.serves_async:
        return None
    if url is None:
        return None
    driver = driver_of(facts, url)
    names = drivers.DISTRIBUTIONS.get(driver, ())
    return driver if names and not any(declares(facts, name) for name in names) else None


def _fix(facts: Facts, sync: Requirement, driver: str) -> Fix:
    requirement = drivers.REQUIREMENTS[driver]
    user = _user_of_sync(facts)
    if user or sync.marker or not _is_pep508(sync.text):
        why = f"`{sync.name}` stays: {user} needs it." if user else f"`{sync.name}` stays as it is declared."
        return Fix(f"Declare `{requirement}`", (AddRequirement(sync.span.path, requirement),), safe=True, why=why)
    return Fix(
        f"Declare `{requirement}` instead of `{sync.name}`",
        (Replace(sync.span, requirement),),
        safe=True,
        why=f"Nothing in the project imports `{sync.name}` or makes a sync Postgres engine.",
    )


def _is_pep508(text: str) -> bool:
    try:
        pep508.Requirement(text)
    except pep508.InvalidRequirement:
        return False
    return True


def _user_of_sync(facts: Facts) -> str | None:
    """What still runs on the sync driver, in words."""
    modules = {"psycopg2", "psycopg2cffi", "pg8000"}
    for module in facts.modules:
        if any(one.module.split(".")[0] in modules for one in module.imports):
            return f"`{module.path}`"
    for engine in facts.engines:
        postgres = engine.url is None or drivers.is_postgres(engine.url.scheme)
        if postgres and not engine.is_async and not engine.bound_to_async:
            return f"the sync engine at `{engine.place}`"
    of_engines = {e.url.written.span for e in facts.engines if e.url and e.url.written}
    other = next((u for u in facts.urls if u.span not in of_engines and _runs_on_sync(u)), None)
    return f"the URL at `{other.span.place}`" if other else None


def _runs_on_sync(url: WrittenUrl) -> bool:
    bare = url.driver is None and drivers.is_postgres(url.scheme)
    return url.driver in drivers.SYNC_ONLY or (bare and url.kind == "ini")
