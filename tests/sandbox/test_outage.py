"""Health routes while the database is taken away and given back, for every driver."""

from __future__ import annotations

import pytest

HOST = "postgresql://app:SECRET@127.0.0.2:PORT/prod"
MAIN = """
    from contextlib import asynccontextmanager

    from fastapi import FastAPI
    {imports}

    {made}

    @asynccontextmanager
    async def lifespan(app):
        {opened}
        yield
        {closed}

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    {route}
"""
ENGINE = {
    "imports": "from sqlalchemy import text\n    from sqlalchemy.ext.asyncio import create_async_engine",
    "made": f'engine = create_async_engine("{HOST.replace("postgresql", "postgresql+DRIVER")}", pool_pre_ping=PING)',
    "opened": "pass",
    "closed": "await engine.dispose()",
    "route": """async def health():
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return {"status": "ok"}
    """,
}
SYNC_ENGINE = {
    **{name: text.replace("create_async_engine", "create_engine") for name, text in ENGINE.items()},
    "imports": "from sqlalchemy import create_engine, text",
    "closed": "engine.dispose()",
    "route": """def health():
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return {"status": "ok"}
    """,
}
ASYNCPG_POOL = {
    "imports": "import asyncpg",
    "made": "pool = None",
    "opened": f'global pool; pool = await asyncpg.create_pool("{HOST}", min_size=2, max_size=2)',
    "closed": "await pool.close()",
    "route": """async def health():
        async with pool.acquire() as connection:
            await connection.execute("SELECT 1")
        return {"status": "ok"}
    """,
}
PSYCOPG_POOL = {
    "imports": "from psycopg_pool import AsyncConnectionPool",
    "made": f'pool = AsyncConnectionPool("{HOST}", min_size=1, open=False, timeout=0.2)',
    "opened": "await pool.open(wait=True)",
    "closed": "await pool.close()",
    "route": """async def health():
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")
        return {"status": "ok"}
    """,
}


def main(parts, driver="asyncpg", *, ping=False):
    return MAIN.format(**{**parts, "made": parts["made"].replace("DRIVER", driver).replace("PING", str(ping))})


def told(record):
    return [(one.database, one.status) for one in record.outages]


@pytest.mark.parametrize(
    ("parts", "driver"),
    [(ENGINE, "asyncpg"), (ENGINE, "psycopg"), (SYNC_ENGINE, "psycopg2"), (SYNC_ENGINE, "psycopg")],
)
def test_an_engine_comes_back_after_one_failure(boot, parts, driver):
    record = boot(main=main(parts, driver))
    assert told(record) == [("down", 500), ("down", 500), ("up again", 200), ("restarted", 500), ("restarted", 200)]
    refused = record.outages[1].error
    assert "Connect call failed" in refused.message or "Connection refused" in refused.message
    assert record.phase("outage").ok
    assert record.phase("shutdown").ok
    assert record.engines[0].open_after_shutdown == 0


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_an_engine_that_asks_first_has_no_failure(boot, driver):
    record = boot(main=main(ENGINE, driver, ping=True))
    assert told(record) == [("down", 500), ("down", 500), ("up again", 200), ("restarted", 200)]
    # The app did not connect outside of its requests, and none was told to the real address.
    assert {one.phase for one in record.connections} == {"probe", "requests", "outage"}
    assert record.end.how == "done"


def test_the_drivers_own_pools(boot):
    record = boot(main=main(ASYNCPG_POOL))
    assert told(record) == [("down", 500), ("down", 500), ("up again", 200), ("restarted", 200)]
    pytest.importorskip("psycopg_pool")
    record = boot(main=main(PSYCOPG_POOL))
    assert [state for state in told(record) if state[0] == "down"] == [("down", 500), ("down", 500)]
    assert told(record)[-1][1] == 200
    assert record.phase("shutdown").ok


def test_what_needs_no_database_and_what_only_lives(boot):
    source = (
        main(ENGINE)
        + """
    @app.get("/live")
    async def live():
        return "alive"

    @app.get("/healthz")
    async def healthz():
        return "fine"
"""
    )
    record = boot(main=source)
    assert {one.path for one in record.responses} == {"/health", "/live", "/healthz"}
    assert [(one.path, one.status) for one in record.outages if one.database == "down"] == [
        ("/health", 500),
        ("/health", 500),
        ("/healthz", 200),
    ]
    assert {one.path for one in record.outages if one.database != "down"} == {"/health"}


@pytest.mark.parametrize(
    "opened",
    [
        f'app.state.own = await __import__("asyncpg").connect("{HOST}")',
        "app.state.own = await engine.connect()",
    ],
)
def test_a_connection_that_would_not_come_back_keeps_the_database(boot, opened):
    record = boot(main=main({**ENGINE, "opened": opened, "closed": "await app.state.own.close()"}))
    assert record.outages == ()
    assert "was not taken away" in record.phase("outage").note
    assert record.phase("shutdown").ok


def test_without_a_server_or_an_engine_nothing_is_taken_away(boot):
    plain = {**ENGINE, "made": "pass", "closed": "pass", "route": 'async def health():\n        return "fine"\n    '}
    assert boot(main=main(plain)).phase("outage") is None
    assert boot(main=main(ENGINE), serve=False).outages == ()
