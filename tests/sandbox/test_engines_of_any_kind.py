"""Engines that are made late, or that nothing saw being made."""

from __future__ import annotations

from pytest_asyncdb.model.settings import Settings
from pytest_asyncdb.run import analyse

URL = "postgresql+asyncpg://app:SECRET@127.0.0.2:PORT/prod"


def test_an_engine_that_nothing_saw_being_made_is_tried(boot):
    record = boot(
        main=f"""
            from fastapi import FastAPI
            from sqlalchemy.engine import Engine
            from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

            seen = create_async_engine("{URL}")
            same = seen.execution_options(isolation_level="AUTOCOMMIT")
            hidden = AsyncEngine.__new__(AsyncEngine)
            core = Engine.__new__(Engine)
            vars(core).update(vars(seen.sync_engine))
            core.pool = seen.sync_engine.pool.recreate()
            hidden.sync_engine = core
            app = FastAPI()
        """
    )
    swept = [one for one in record.engines if one.place is None]
    assert [(one.is_async, one.driver, one.probe.ok) for one in swept] == [(True, "asyncpg", True)]
    assert all(one.probe.ok for one in record.engines)


def test_what_is_left_of_an_engine_that_was_dropped_is_none(boot):
    record = boot(
        main=f"""
            from fastapi import FastAPI
            from sqlalchemy.engine import Engine
            from sqlalchemy.ext.asyncio import create_async_engine

            kept = create_async_engine("{URL}")
            dropped = create_async_engine("{URL}").sync_engine
            lone = Engine.__new__(Engine)
            vars(lone).update(vars(dropped))
            lone.pool = dropped.pool.recreate()
            app = FastAPI()
        """
    )
    assert [one.place is None for one in record.engines] == [False, False]
    assert [one.probe.ok for one in record.engines] == [True, False]
    assert record.engines[1].probe.skipped


LAZY = """
    from functools import cache

    from fastapi import FastAPI
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    @cache
    def engine():
        return create_async_engine("{url}", pool_pre_ping=True)

    app = FastAPI()

    @app.get("/health")
    async def health():
        async with engine().connect() as connection:
            await connection.execute(text("SELECT 1"))
        return {{}}
"""


def test_an_engine_that_a_request_makes_is_tried_then(boot):
    record = boot(main=LAZY.format(url=URL))
    (engine,) = record.engines
    assert (engine.phase, engine.probe.ok) == ("requests", True)
    assert [phase.name for phase in record.phases].count("probe") == 2
    assert [one.status for one in record.outages if one.database == "down"] == [500, 500]


def test_none_yet_is_said(project):
    root = project(main=LAZY.format(url=URL), **{"requirements.txt": "fastapi\nasyncpg\nsqlalchemy[asyncio]\n"})
    (note,) = [one for one in analyse(Settings(root.resolve(), prove=False)).notes if "no engine" in one]
    assert note == (
        "no engine or pool exists at the end of the startup; the first is made at a request (main.py:10:12), and was "
        "tried then"
    )
    (root / "main.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")
    notes = analyse(Settings(root.resolve(), prove=False)).notes
    assert "no engine or pool exists at the end of the startup, so none could be tried" in notes
