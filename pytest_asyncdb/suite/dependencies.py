"""The suite for dependencies that give a session: ``async def get_session(): ... yield session``."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from pytest_asyncdb.suite import sections as at
from pytest_asyncdb.suite.claims import OnPurposeError, raises
from pytest_asyncdb.suite.requesting import PID, SLEEP, SLEEP_LONG, RequestSuite
from pytest_asyncdb.suite.tables import Author

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncEngine

    from pytest_asyncdb.suite.case import Case


class DependencySuite(RequestSuite):
    """For generators (or context managers) that give a request its session: say how in ``create_dependency``."""

    def create_dependency(self, engine: AsyncEngine) -> Callable[[], Any]:
        """What makes, without arguments, an async generator or an async context manager of one session."""
        from sqlalchemy.ext.asyncio import async_sessionmaker

        factory = async_sessionmaker(engine, expire_on_commit=False)

        async def get_session() -> AsyncIterator[AsyncSession]:
            async with factory() as session:
                yield session

        return get_session

    async def requests(self, case: Case, **options: Any) -> Callable[[], AbstractAsyncContextManager[Any]]:
        """What begins a request, as a framework does: at its end the generator goes on, or is thrown the exception."""
        engine = await case.engine(**options)
        dependency = await case.made(self.create_dependency, engine)

        @asynccontextmanager
        async def request() -> AsyncIterator[Any]:
            made = dependency()
            entered = asynccontextmanager(lambda: made)() if inspect.isasyncgen(made) else made
            async with entered as given:
                yield given

        return request

    @at.SYNOPSIS_ORM.says("so that it is automatically closed at the end of the block")
    async def test_session_is_closed_at_the_end(self, case: Case) -> None:
        """A request gets an `AsyncSession`, which is closed after it: no connection, no objects."""
        request = await self.requests(case)
        async with request() as given:
            session = self.session_of(given)
            assert isinstance(session, AsyncSession), f"a {type(session).__name__} was given"
            await session.execute(PID)
            assert case.checked_out == 1, "a request at work should have one connection"
        assert case.checked_out == 0, "the connection is still checked out after the request"
        assert list(session) == [], "the session still has objects after the request"

    @at.WHAT_IT_DOES.says("begins in a mostly stateless form")
    async def test_request_without_a_statement_takes_no_connection(self, case: Case) -> None:
        """A request that asks the database nothing does not wait for a connection."""
        request = await self.requests(case)
        async with request():
            pass
        assert case.loans.most == 0, "a connection was checked out for a request that executed nothing"

    @at.SAFE_TO_SHARE.says("AsyncSession per task")
    async def test_each_request_has_a_session_of_its_own(self, case: Case) -> None:
        """No two requests get the same session, one after the other or at the same time."""
        request = await self.requests(case)
        async with request() as first, request() as second:
            one, other = self.session_of(first), self.session_of(second)
        async with request() as third:
            later = self.session_of(third)
        assert one is not other, "two requests at the same time have the same session"
        assert later is not one, "two requests, one after the other, have the same session"

    @at.CONCURRENT_TASKS.says("separate AsyncSession per individual task")
    async def test_requests_at_the_same_time_are_apart(self, case: Case) -> None:
        """Requests at the same time have a connection each, and one that fails does not undo the other."""
        request = await self.requests(case)

        async def serve(name: str) -> object:
            async with request() as given:
                session = self.session_of(given)
                backend: object = await session.scalar(PID)
                await self.add(given, name)
                await session.execute(SLEEP)
                if name == "undone":
                    raise OnPurposeError(backend)
                await session.commit()
                return backend

        first, second = await asyncio.gather(serve("kept"), serve("undone"), return_exceptions=True)
        assert isinstance(second, OnPurposeError), f"the request that raised ended with {second!r}"
        assert second.args != (first,), "two requests worked on one connection"
        assert case.committed() == ["kept"], "a request that failed decided on the work of another"

    @at.WHEN_TO_CREATE.says("at the end of web requests that do POST, PUT, or DELETE")
    async def test_end_of_a_request(self, case: Case) -> None:
        """What a request did not commit is committed at its end if the suite says `commits = True`, and else gone."""
        request = await self.requests(case)
        async with request() as given:
            await self.add(given, "one")
            assert case.committed() == [], "work was visible to others before the end of the request"
        assert case.committed() == (["one"] if self.commits else []), "what the suite says of the end does not hold"

    @at.COMMITTING.says("COMMIT the actual database transaction that is in place")
    async def test_own_commit_is_kept(self, case: Case) -> None:
        """What a request commits itself is visible to others at once."""
        request = await self.requests(case)
        async with request() as given:
            await self.add(given, "one")
            await self.session_of(given).commit()
            assert case.committed() == ["one"], "work is not visible to others after the commit"

    @at.FRAMING.says("rolled back immediately, before propagating the exception outward")
    async def test_exception_undoes_the_work(self, case: Case) -> None:
        """A request that raises leaves nothing in the database that it had not committed."""
        request = await self.requests(case)
        with suppress(OnPurposeError):
            async with request() as given:
                await self.add(given, "one")
                raise OnPurposeError
        assert case.committed() == [], "work was committed although the request raised"

    @at.FRAMING.says("before propagating the exception outward")
    async def test_exception_comes_out(self, case: Case) -> None:
        """The exception of a request reaches the framework as it is: it decides on the answer."""
        request = await self.requests(case)
        with raises(OnPurposeError, "the dependency kept the exception of the request to itself"):
            async with request():
                raise OnPurposeError

    @at.CLOSING.says("releases any transactional/connection resources")
    async def test_exception_returns_the_connection(self, case: Case) -> None:
        """Requests that raise return their connections: a pool of one serves the next request."""
        request = await self.requests(case, pool_size=1, max_overflow=0, pool_timeout=0.5)
        for _ in range(2):
            with suppress(OnPurposeError):
                async with request() as given:
                    await self.session_of(given).execute(PID)
                    raise OnPurposeError
            assert case.checked_out == 0, "the connection of a request that raised is still checked out"

    @at.ROLLING_BACK.says("typically for reasons like primary key")
    async def test_error_of_the_database_leaves_the_next_request_alone(self, case: Case) -> None:
        """A request that the database refused does not break the next one."""
        request = await self.requests(case)
        with suppress(IntegrityError):
            async with request() as given:
                session = self.session_of(given)
                session.add_all([Author(name="same"), Author(name="same")])
                await session.flush()
        async with request() as given:
            assert await self.session_of(given).scalar(PID), "the request after one that failed can't work"

    @at.CANCELLED_TASKS.says("connections from being correctly disposed when a task was cancelled")
    async def test_cancelled_request_returns_its_connection(self, case: Case) -> None:
        """A request that is cancelled while it waits for the server keeps no connection and commits nothing."""
        request = await self.requests(case)

        async def serve() -> None:
            async with request() as given:
                await self.add(given, "one")
                await self.session_of(given).execute(SLEEP_LONG)

        task = asyncio.create_task(serve())
        await case.sleeping()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled(), "the dependency kept the cancellation to itself"
        assert case.checked_out == 0, "the connection of a request that was cancelled is still checked out"
        assert case.committed() == [], "work of a request that was cancelled is committed"

    @at.MANAGING_TRANSACTIONS.says("ensure all resources are released")
    async def test_abandoned_generator_releases_its_session(self, case: Case) -> None:
        """A generator that is closed before its request ended closes its session, and commits nothing."""
        dependency = await case.made(self.create_dependency, await case.engine())
        made = dependency()
        if not inspect.isasyncgen(made):
            pytest.skip("the dependency is no generator")
        await self.add(await anext(made), "one")
        await made.aclose()
        assert case.checked_out == 0, "the connection of a generator that was closed is still checked out"
        assert case.committed() == [], "a generator that was closed before its end committed"

    @at.IMPLICIT_IO.says("should normally be set to False when using asyncio")
    async def test_objects_can_be_read_after_a_commit(self, case: Case) -> None:
        """What a request has committed can still be read, for its answer, without another statement."""
        request = await self.requests(case)
        async with request() as given:
            session, author = self.session_of(given), Author(name="one")
            session.add(author)
            await session.commit()
            with case.statements() as executed:
                assert author.name == "one", "an attribute is another one after the commit"
            assert executed == [], "to read an attribute after a commit took a statement"
