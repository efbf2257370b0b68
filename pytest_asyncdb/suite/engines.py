"""Tests of an async engine: its pool, its end, and what it does when connections are lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, TimeoutError  # noqa: A004 - SQLAlchemy's is meant
from sqlalchemy.pool import NullPool
from sqlalchemy.util import greenlet_spawn

from pytest_asyncdb.fixtures.schema import apart
from pytest_asyncdb.suite import sections as at
from pytest_asyncdb.suite.claims import raises
from pytest_asyncdb.suite.connections import ConnectionTests

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sqlalchemy.ext.asyncio import AsyncEngine

    from pytest_asyncdb.suite.case import Case

_PID = text("SELECT pg_backend_pid()")
_PATIENCE = 5.0
"""Seconds for an engine on another event loop."""


def _elsewhere(use: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Use an engine on another event loop. The loop of the test stands still: a connection that both use is a crash."""

    async def in_time() -> Any:
        return await asyncio.wait_for(use(), _PATIENCE)

    return apart(lambda: asyncio.run(in_time()))


async def _backend(engine: AsyncEngine) -> Any:
    async with engine.connect() as connection:
        return await connection.scalar(_PID)


class EngineSuite(ConnectionTests):
    """For libraries that make async engines: say how in ``create_engine``."""

    @at.DISPOSAL.says("hold onto open database connections")
    async def test_pool_keeps_connections(self, case: Case) -> None:
        """A connection that was returned is open still, and the next one is it."""
        engine = await case.engine()
        first, second = await _backend(engine), await _backend(engine)
        assert first == second, "the pool opened another connection while it had one"

    @at.RESET_ON_RETURN.says("removed from the connection")
    async def test_pool_resets_what_it_gets_back(self, case: Case) -> None:
        """A connection in the pool has no transaction, and holds no lock."""
        engine = await case.engine()
        async with engine.connect() as connection:
            await connection.execute(text("LOCK TABLE suite_author"))
        states = [one.state for one in case.witness.backends()]
        assert states == ["idle"], "the pool has a connection that is in a transaction, or none"
        locks = case.witness.column("SELECT mode FROM pg_locks WHERE relation = 'suite_author'::regclass")
        assert locks == [], "a connection in the pool holds locks"

    @at.POOL_CONFIGURATION.says("tuning parameters can be passed directly")
    async def test_pool_has_the_size_that_was_asked_for(self, case: Case) -> None:
        """With `pool_size=1` and `max_overflow=0` a second connection has to wait, and gives up in time."""
        engine = await case.engine(pool_size=1, max_overflow=0, pool_timeout=0.05)
        async with engine.connect() as connection:
            await connection.execute(_PID)
            with raises(TimeoutError, "more connections were given out than was allowed"):
                await _backend(engine)
        assert await _backend(engine), "the pool is of no use after somebody waited in vain"

    @at.DISPOSAL.says("all checked-in connections which it refers to will also be fully closed")
    async def test_dispose_closes_what_is_in_the_pool(self, case: Case) -> None:
        """`await engine.dispose()` closes the connections in the pool."""
        engine = await case.engine()
        await _backend(engine)
        assert len(case.witness.backends()) == 1, "the pool should have one connection"
        await engine.dispose()
        gone = await case.eventually(lambda: not case.witness.backends())
        assert gone, f"still connected: {', '.join(map(str, case.witness.backends()))}"

    @at.DISPOSAL.says("replaces it with a new one that's empty")
    async def test_engine_can_be_used_after_dispose(self, case: Case) -> None:
        """An engine that was disposed of connects anew."""
        engine = await case.engine()
        before = await _backend(engine)
        await engine.dispose()
        assert await _backend(engine) != before, "the engine went on with a connection that it had disposed of"

    @at.ENGINE_DISPOSE.says("still checked out will not be closed")
    async def test_dispose_leaves_what_is_checked_out(self, case: Case) -> None:
        """A connection that is in use goes on after `dispose()`."""
        engine = await case.engine()
        left = engine.pool
        async with engine.connect() as connection:
            before = await connection.scalar(_PID)
            await engine.dispose()
            assert await connection.scalar(_PID) == before, "dispose() closed a connection that was in use"
        await greenlet_spawn(left.dispose)  # it went back there, where nobody would close it

    @at.EVENT_LOOPS.says("dispose() should be called before it's reused on a new event loop")
    async def test_engine_moves_to_another_loop_after_dispose(self, case: Case) -> None:
        """An engine that was disposed of can be used on another event loop."""
        engine = await case.engine()
        await _backend(engine)
        await engine.dispose()

        async def use() -> object:
            try:
                return await _backend(engine)
            finally:
                await engine.dispose()

        assert _elsewhere(use), "the engine did not work on the other loop"

    @at.EVENT_LOOPS.says("disable pooling using NullPool")
    async def test_null_pool_serves_several_loops(self, case: Case) -> None:
        """With `poolclass=NullPool` several event loops can share an engine, and nothing stays open."""
        engine = await case.engine(poolclass=NullPool)
        assert await _backend(engine), "the engine did not work on the first loop"
        assert _elsewhere(lambda: _backend(engine)), "the engine did not work on another loop"
        gone = await case.eventually(lambda: not case.witness.backends())
        assert gone, "a connection stayed open although there is no pool"

    @at.PRE_PING.says("the connection will be immediately recycled")
    async def test_pre_ping(self, case: Case) -> None:
        """With `pool_pre_ping=True` nobody gets a connection that the server has closed."""
        engine = await case.engine(pool_pre_ping=True)
        before = await _backend(engine)
        case.witness.end_all()
        assert await _backend(engine) != before, "the pool gave out a connection that was closed"

    @at.DISCONNECTS.says("no special intervention is needed to refresh the pool")
    async def test_pool_recovers_from_a_restart(self, case: Case) -> None:
        """One error tells that the server closed a connection; after that the engine connects anew."""
        engine = await case.engine()
        await _backend(engine)
        case.witness.end_all()
        with raises(DBAPIError, "the loss of a connection was not told") as told:
            await _backend(engine)
        assert getattr(told[0], "connection_invalidated", False), "the error does not say that the connection is lost"
        assert await _backend(engine), "the engine did not connect anew"

    @at.STALE_STATEMENTS.says("recover from these error cases", since=(2, 0, 0))
    async def test_changed_table_is_one_error_at_most(self, case: Case) -> None:
        """When a table changes under a statement that the driver has prepared, the engine recovers after one error."""
        engine, read = await case.engine(pool_size=1, max_overflow=0), text("SELECT * FROM suite_book")

        async def columns() -> int:
            async with engine.connect() as connection:
                return len((await connection.execute(read)).keys())

        before = max([await columns() for _ in range(7)])  # psycopg prepares what it has executed five times
        case.witness.run("ALTER TABLE suite_book ADD extra text")
        try:
            with suppress(DBAPIError):
                await columns()
            assert await columns() == before + 1, "the engine still works with the table as it was"
        finally:
            case.witness.run("ALTER TABLE suite_book DROP extra")

    @at.CANCELLED_TASKS.says("connections from being correctly disposed when a task was cancelled")
    async def test_cancelled_task_returns_its_connection(self, case: Case) -> None:
        """A task that is cancelled while it waits for the server keeps no connection, and the engine goes on."""
        engine = await case.engine(pool_size=1, max_overflow=0, pool_timeout=2)

        async def wait() -> None:
            async with engine.begin() as connection:
                await connection.execute(text("INSERT INTO suite_author (name) VALUES ('one')"))
                await connection.execute(text("SELECT pg_sleep(30)"))

        task = asyncio.create_task(wait())
        await case.sleeping()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled(), "the task was not cancelled"
        assert case.checked_out == 0, "the connection of a task that was cancelled is still checked out"
        assert await _backend(engine), "the engine is of no use after a task was cancelled"
        assert case.authors() == [], "work of a task that was cancelled is committed"
