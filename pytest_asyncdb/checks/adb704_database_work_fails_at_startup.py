"""The startup reaches the database, and a statement or the use of the engine fails.

## What it does
Boots the app against a healthy, empty throwaway Postgres and reports a startup that ends with an error of SQLAlchemy
or the driver, at the project's own last frame. An engine that cannot be made or cannot connect is reported there
instead.

## Root cause
Usual ones: `Base.metadata.create_all(engine)` with an async engine (`AttributeError: 'AsyncEngine' object has no
attribute '_run_ddl_visitor'`); the same on `engine.sync_engine` (`MissingGreenlet`); a query on a table that nothing
has created yet; models that name a missing table or relation.

## Fix
DDL runs on a connection, in sync style:

    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)

Migrations run before; where they did not go through, or a SQL file of the project makes it, a missing table is not
judged.

## Fix safety
No automatic fix.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9 with asyncpg 0.31 and 0.32.

## Sources
- https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#sqlalchemy.ext.asyncio.AsyncConnection.run_sync
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, boot_on_postgres, boot_past, reported_at_engine
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.errors import is_database_error, is_missing_driver, missing, one_line
from pytest_asyncdb.model.finding import Confidence, Evidence, Severity
from pytest_asyncdb.model.migrated import missing_cause, unmigrated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report the error that ended the startup, when it is the database's."""
    boot = boot_past(facts, "import")
    failed = next((p for p in boot.phases if p.name in {"create", "startup"} and not p.ok and not p.timed_out), None)
    error = failed.error if failed else None
    if error is None or not is_database_error(error) or is_missing_driver(error) or reported_at_engine(facts, error):
        return
    boot_on_postgres(facts)
    wanted = missing(error)
    if wanted and (reason := unmigrated(facts, wanted)):
        raise NotJudgedError(f"startup needs {wanted}: {reason}")
    if wanted:
        what = f"{wanted} does not exist"
        why = missing_cause(facts)
    else:
        what = one_line(error)
        why = "The server was healthy and the engine can connect, so the way the startup uses the engine is at fault."
    yield CHECK.finding(
        error.place or app_place(facts),
        f"database work at startup of `{boot.target}` fails: {what}",
        root_cause=why,
        confidence=Confidence.LIKELY if wanted else Confidence.CERTAIN,
        evidence=Evidence.RUNTIME,
    )
