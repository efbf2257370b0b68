"""The suite for session factories."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from pytest_asyncdb.suite import sections as at
from pytest_asyncdb.suite.factories import FactoryTests
from pytest_asyncdb.suite.objects import ObjectTests
from pytest_asyncdb.suite.transactions import TransactionTests

if TYPE_CHECKING:
    from pytest_asyncdb.suite.case import Case

_PID = text("SELECT pg_backend_pid()")
_SLEEP = text("SELECT pg_sleep(0.02)")


class SessionFactorySuite(FactoryTests, TransactionTests, ObjectTests):
    """For factories that are used as an ``async_sessionmaker``: say how in ``create_session_factory``."""

    @at.ILLEGAL_STATE.says("detects concurrent methods being invoked on an individual instance", since=(2, 0, 17))
    async def test_one_session_does_not_serve_two_tasks(self, case: Case) -> None:
        """A session that two tasks use at the same time raises, instead of mixing their work."""
        session = (await case.factory())()
        seen = await asyncio.gather(session.execute(_SLEEP), session.execute(_SLEEP), return_exceptions=True)
        with suppress(SQLAlchemyError):  # early versions of 2.0 do not find back from it
            await session.close()
        told = [one for one in seen if isinstance(one, SQLAlchemyError)]
        assert told, "two tasks used one session at the same time, and nobody was told"

    @at.SAFE_TO_SHARE.says("AsyncSession per task")
    async def test_sessions_of_tasks_are_apart(self, case: Case) -> None:
        """Tasks with a session each have a connection and a transaction each, at the same time."""
        factory = await case.factory()

        async def work(name: str) -> object:
            async with factory() as session:
                session.add(case.new(name))
                await session.flush()
                backend: object = await session.scalar(_PID)
                await session.execute(_SLEEP)
                if name == "kept":
                    await session.commit()
                return backend

        first, second = await asyncio.gather(work("kept"), work("undone"))
        assert first != second, "two sessions worked on one connection"
        assert case.committed() == ["kept"], "the end of one session decided on the work of another"

    @at.CANCELLED_TASKS.says("connections from being correctly disposed when a task was cancelled")
    async def test_cancelled_task_returns_its_connection(self, case: Case) -> None:
        """A task that is cancelled in a session's block keeps no connection and commits nothing."""
        engine = await case.engine(pool_size=1, max_overflow=0, pool_timeout=2)
        factory = await case.factory(engine=engine)

        async def wait() -> None:
            async with factory() as session:
                session.add(case.new("one"))
                await session.flush()
                await session.execute(text("SELECT pg_sleep(30)"))

        task = asyncio.create_task(wait())
        await case.sleeping()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled(), "the block kept the cancellation to itself"
        assert case.checked_out == 0, "the connection of a task that was cancelled is still checked out"
        async with factory() as session:
            assert await session.scalar(text("SELECT 1")) == 1, "the engine is of no use after a task was cancelled"
        assert case.committed() == [], "work of a task that was cancelled is committed"
