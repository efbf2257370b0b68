"""The engine goes through a transaction pooler without what its driver needs there.

## What it does
Recognises poolers by their address (Supabase, DigitalOcean, Azure, PgBouncer's port or name) and compares the
engine's `connect_args` with what its driver needs behind them. Silent for poolers that carry prepared statements over
transactions: Neon's, and PgBouncer since 1.21 unless configured otherwise. Where the address does not tell, this is
advice.

## Root cause
asyncpg and psycopg prepare statements under a name on "their" connection. In transaction mode the next transaction
may get another server connection: `prepared statement "__asyncpg_stmt_1__" already exists`, or does not exist. It
shows under concurrency or after a restart, not in a first try. Half of the settings does not help.

## Fix
asyncpg since 0.31: `connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": 0}`; before, also
`"prepared_statement_name_func": lambda: f"__asyncpg_{uuid4()}__"`. psycopg: `connect_args={"prepare_threshold": None}`.

## Fix safety
Unsafe: it costs speed where the pooler would have coped.

## Seen on
PgBouncer 1.18 (fails) and 1.25 (works), asyncpg 0.29 to 0.32, psycopg 3.3. Providers' own poolers: by their
documentation.

## Sources
- https://docs.sqlalchemy.org/en/20/dialects/postgresql.html#prepared-statement-name-with-pgbouncer
- https://www.pgbouncer.org/config.html#max_prepared_statements
- https://github.com/sqlalchemy/sqlalchemy/issues/6467
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.declared import driver_of
from pytest_asyncdb.urls.poolers import Pooler, Prepared, pooler_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine, EngineUrl
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each async engine of the app that lacks some of the settings."""
    for engine in facts.engines:
        url = engine.url
        if url is None or engine.role != "app" or not engine.is_async or not engine.connect_args_known:
            continue
        pooler = pooler_of(url.host, url.port)
        lacking = _lacking(facts, engine, url, pooler) if pooler else ()
        if pooler and lacking:
            names = ", ".join(f"`{name}`" for name, _ in lacking)
            settings = ", ".join(f'"{name}": {value}' for name, value in lacking)
            by_port = pooler.name == "PgBouncer" and "bouncer" not in (url.host or "").lower()
            through = f"port {url.port}, which is {pooler.name}'s usual one," if by_port else pooler.name
            yield CHECK.finding(
                engine.place,
                f"the engine goes through {through} without {names}",
                root_cause=f"{pooler.note}. Without them, pass `connect_args={{{settings}}}`.",
                severity=Severity.LATENT if pooler.prepared is Prepared.FAIL else Severity.ADVICE,
                confidence=Confidence.LIKELY,
                evidence=engine.evidence,
            )


def _lacking(facts: Facts, engine: Engine, url: EngineUrl, pooler: Pooler) -> tuple[tuple[str, str], ...]:
    """The settings that the driver needs there and the engine does not have, as (name, Python source)."""
    if drivers.is_raw(engine.function):
        return ()
    driver = driver_of(facts, url)
    if driver == "asyncpg":
        needs = pooler.asyncpg_needs(drivers.release(facts.installed.version("asyncpg")))
    else:
        needs = pooler.psycopg_needs() if driver.startswith("psycopg") else ()
    return tuple((name, value) for name, value in needs if not _has(engine, url, name, value))


def _has(engine: Engine, url: EngineUrl, name: str, value: str) -> bool:
    given = engine.connect_arg(name)
    if given is None and name == "prepared_statement_cache_size":
        given = dict(url.parameters).get(name)
    return given == value or (given is not None and value.startswith("lambda"))
