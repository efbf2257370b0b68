"""The suite for integrations with ASGI frameworks: a session for each request."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from pytest_asyncdb.fixtures.client import SHUTDOWN_TIMEOUT, STARTUP_TIMEOUT
from pytest_asyncdb.fixtures.lifespan import Lifespan
from pytest_asyncdb.suite import sections as at
from pytest_asyncdb.suite.claims import OnPurposeError
from pytest_asyncdb.suite.plain import PlainApp
from pytest_asyncdb.suite.requesting import PID, SLEEP, SLEEP_LONG, RequestSuite
from pytest_asyncdb.suite.served import Served
from pytest_asyncdb.suite.tables import Author

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pytest_asyncdb.suite.case import Case

    Work = Callable[[Any], Awaitable[object]]


class ASGISuite(RequestSuite):
    """For what gives the requests of an ASGI app their sessions: say how in ``create_app``."""

    def create_app(self, url: str, work: Work) -> Any:
        """An ASGI app with the route ``POST /work``, which awaits ``work(session)`` with the session of its request.

        The app makes its engine on ``url`` and disposes of it, as it does for its users. What it answers is up to it.
        """
        return PlainApp(self.create_engine(url), work)

    @asynccontextmanager
    async def served(self, case: Case, work: Work) -> AsyncIterator[Served]:
        """The app, started, with the work of its requests; shut down afterwards."""
        app = await case.made(self.create_app, case.url, work)
        async with Lifespan(app, STARTUP_TIMEOUT, SHUTDOWN_TIMEOUT) as lifespan:
            yield Served(lifespan.requests())

    @at.WHEN_TO_CREATE.says("close the session at the end of web request")
    async def test_session_is_closed_at_the_end(self, case: Case) -> None:
        """A request gets an `AsyncSession`, which is closed when the app is done with it."""
        seen = list[AsyncSession]()

        async def work(given: Any) -> None:
            seen.append(self.session_of(given))
            await seen[-1].execute(PID)

        async with self.served(case, work) as app:
            answer = await app.post()
            assert not answer.failed, f"the app answered {answer}"
            assert [type(one) for one in seen if isinstance(one, AsyncSession)], f"the request was given {seen}"
            assert case.checked_out == 0, "the connection is still checked out after the request"
            assert list(seen[0]) == [], "the session still has objects after the request"

    @at.SAFE_TO_SHARE.says("AsyncSession per task")
    async def test_each_request_has_a_session_of_its_own(self, case: Case) -> None:
        """No two requests get the same session."""
        seen = list[AsyncSession]()

        async def work(given: Any) -> None:
            seen.append(self.session_of(given))

        async with self.served(case, work) as app:
            answers = [await app.post(), await app.post()]
        assert len(seen) == len(answers), f"the work of a request was not done: the app answered {answers}"
        first, second = seen
        assert first is not second, "two requests, one after the other, have the same session"

    @at.CONCURRENT_TASKS.says("separate AsyncSession per individual task")
    async def test_requests_at_the_same_time_are_apart(self, case: Case) -> None:
        """Requests at the same time have a session and a connection each; one that fails does not undo the other."""
        names, backends = ["kept", "undone"], list[object]()

        async def work(given: Any) -> None:
            session, name = self.session_of(given), names.pop(0)
            backends.append(await session.scalar(PID))
            await self.add(given, name)
            await session.execute(SLEEP)
            if name == "undone":
                raise OnPurposeError
            await session.commit()

        async with self.served(case, work) as app:
            await asyncio.gather(app.post(), app.post())
        assert len(set(backends)) == len(["kept", "undone"]), "two requests did not work on two connections"
        assert case.committed() == ["kept"], "a request that failed decided on the work of another"

    @at.WHEN_TO_CREATE.says("at the end of web requests that do POST, PUT, or DELETE")
    async def test_end_of_a_request(self, case: Case) -> None:
        """What a request did not commit is committed at its end if the suite says `commits = True`, and else gone."""
        async with self.served(case, lambda given: self.add(given, "one")) as app:
            await app.post()
        assert case.committed() == (["one"] if self.commits else []), "what the suite says of the end does not hold"

    @at.WEB_APPLICATIONS.says("if data was modified, commit the")
    async def test_commit_comes_before_the_answer(self, case: Case) -> None:
        """Where the library commits, it does so before the answer begins: a client that has it may ask again."""
        if not self.commits:
            pytest.skip("the suite says that the library commits nothing: commits = False")
        seen = list[object]()
        async with self.served(case, lambda given: self.add(given, "one")) as app:
            await app.post(at_answer=lambda: seen.extend(case.committed()))
        assert seen == ["one"], "the answer began before the commit"

    @at.COMMITTING.says("COMMIT the actual database transaction that is in place")
    async def test_own_commit_is_kept(self, case: Case) -> None:
        """What a request commits itself is kept."""

        async def work(given: Any) -> None:
            await self.add(given, "one")
            await self.session_of(given).commit()

        async with self.served(case, work) as app:
            await app.post()
        assert case.committed() == ["one"], "what the request committed is not in the database"

    @at.FRAMING.says("rolled back immediately, before propagating the exception outward")
    async def test_exception_undoes_the_work(self, case: Case) -> None:
        """A request that raises is an error for the client, and leaves nothing that it had not committed."""

        async def work(given: Any) -> None:
            await self.add(given, "one")
            raise OnPurposeError

        async with self.served(case, work) as app:
            answer = await app.post()
        assert answer.failed, f"the request raised, and the app answered {answer}"
        assert case.committed() == [], "work was committed although the request raised"

    @at.CLOSING.says("releases any transactional/connection resources")
    async def test_exception_returns_the_connection(self, case: Case) -> None:
        """Requests that raise return their connections."""

        async def work(given: Any) -> None:
            await self.session_of(given).execute(PID)
            raise OnPurposeError

        async with self.served(case, work) as app:
            await app.post()
            assert case.checked_out == 0, "the connection of a request that raised is still checked out"

    @at.ROLLING_BACK.says("typically for reasons like primary key")
    async def test_error_of_the_database_leaves_the_next_request_alone(self, case: Case) -> None:
        """A request that the database refused is an error for its client, and does not break the next one."""
        wrong = True

        async def work(given: Any) -> None:
            session = self.session_of(given)
            session.add_all([Author(name="same"), *([Author(name="same")] if wrong else ())])
            await session.flush()

        async with self.served(case, work) as app:
            refused = await app.post()
            wrong = False
            answer = await app.post()
        assert refused.failed, f"the database refused the request, and the app answered {refused}"
        assert not answer.failed, f"the request after one that failed was answered {answer}"

    @at.CANCELLED_TASKS.says("connections from being correctly disposed when a task was cancelled")
    async def test_cancelled_request_returns_its_connection(self, case: Case) -> None:
        """A request that the server cancels keeps no connection and commits nothing."""

        async def work(given: Any) -> None:
            await self.add(given, "one")
            await self.session_of(given).execute(SLEEP_LONG)

        async with self.served(case, work) as app:
            task = asyncio.create_task(app.post())
            await case.sleeping()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            returned = await case.eventually(lambda: case.checked_out == 0)
            assert returned, "the connection of a request that was cancelled is still checked out"
        assert case.committed() == [], "work of a request that was cancelled is committed"

    @at.MANAGING_TRANSACTIONS.says("ensure all resources are released")
    async def test_client_that_leaves(self, case: Case) -> None:
        """A client that goes away before it has its answer leaves no connection behind."""

        async def work(given: Any) -> None:
            await self.session_of(given).execute(SLEEP)

        async with self.served(case, work) as app:
            await app.post(leaves=True)
            returned = await case.eventually(lambda: case.checked_out == 0)
            assert returned, "the connection of a client that left is still checked out"

    @at.IMPLICIT_IO.says("should normally be set to False when using asyncio")
    async def test_objects_can_be_read_after_a_commit(self, case: Case) -> None:
        """What a request has committed can still be read, for its answer, without another statement."""
        names, executed = list[str](), list[str]()

        async def work(given: Any) -> None:
            session, author = self.session_of(given), Author(name="one")
            session.add(author)
            await session.commit()
            with case.statements() as seen:
                names.append(author.name)
            executed.extend(seen)

        async with self.served(case, work) as app:
            answer = await app.post()
        assert names == ["one"], f"an object could not be read after a commit: {answer}"
        assert executed == [], "to read an attribute after a commit took a statement"

    @at.SYNOPSIS_CORE.says("connections held open by the connection pool will be properly disposed")
    async def test_shutdown_closes_the_connections(self, case: Case) -> None:
        """When the app was shut down, no connection of it is open."""

        async def work(given: Any) -> None:
            await self.session_of(given).execute(PID)

        async with self.served(case, work) as app:
            await app.post()
        gone = await case.eventually(lambda: not case.witness.backends())
        assert gone, f"still connected: {', '.join(map(str, case.witness.backends()))}"
