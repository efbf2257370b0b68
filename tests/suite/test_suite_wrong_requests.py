"""Dependencies and ASGI apps that are wrong on purpose fail the tests that stand for it, and no other."""

from __future__ import annotations

WRONG = '''
from contextlib import asynccontextmanager

import pytest_asyncdb
from pytest_asyncdb.suite import ASGISuite, DependencySuite
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine


class Dependencies(DependencySuite):
    drivers = ("asyncpg",)

    def create_dependency(self, engine):
        factory = async_sessionmaker(engine, expire_on_commit=False)
        return lambda: self.get(factory)


class TestRight(Dependencies):
    commits = True

    async def get(self, factory):
        async with factory.begin() as session:
            yield session


class TestContextManager(Dependencies):
    @asynccontextmanager
    async def get(self, factory):
        async with factory() as session:
            yield session


class TestShared(Dependencies):
    """One session for everybody."""

    one = None

    async def get(self, factory):
        self.one = self.one or factory()
        yield self.one


class TestCommitSwallowed(Dependencies):
    commits = True

    async def get(self, factory):
        async with factory() as session:
            yield session


class TestCommitsInAnyCase(Dependencies):
    commits = True

    async def get(self, factory):
        async with factory() as session:
            try:
                yield session
            finally:
                await session.commit()


class TestKeepsExceptions(Dependencies):
    async def get(self, factory):
        async with factory() as session:
            try:
                yield session
            except Exception:
                await session.rollback()


class TestNotClosed(Dependencies):
    async def get(self, factory):
        yield factory()


class TestExpires(Dependencies):
    def create_dependency(self, engine):
        factory = async_sessionmaker(engine)
        return lambda: self.get(factory)

    async def get(self, factory):
        async with factory() as session:
            await session.connection()
            yield session


class App:
    """Right in all but what subclasses do."""

    def __init__(self, url, work):
        self.engine = create_async_engine(url)
        self.factory = async_sessionmaker(self.engine, expire_on_commit=False)
        self.work = work

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self.stop()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await self.serve(send)

    async def stop(self):
        await self.engine.dispose()

    async def serve(self, send):
        async with self.factory.begin() as session:
            await self.work(session)
        await self.answer(send)

    async def answer(self, send, status=200):
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Apps(ASGISuite):
    drivers = ("asyncpg",)
    commits = True

    def create_app(self, url, work):
        return self.app(url, work)


class TestAppRight(Apps):
    app = App


class CommitsOnErrors(App):
    async def serve(self, send):
        async with self.factory() as session:
            try:
                await self.work(session)
            finally:
                await session.commit()
        await self.answer(send)


class TestAppCommitsOnErrors(Apps):
    app = CommitsOnErrors


class AnswersFirst(App):
    async def serve(self, send):
        async with self.factory.begin() as session:
            await self.work(session)
            await self.answer(send)


class TestAppAnswersFirst(Apps):
    app = AnswersFirst


class AllIsWell(App):
    async def serve(self, send):
        try:
            async with self.factory.begin() as session:
                await self.work(session)
        except Exception:
            pass
        await self.answer(send)


class TestAppAllIsWell(Apps):
    app = AllIsWell


class Global(App):
    """One session for everybody, and connections that nobody closes."""

    def __init__(self, url, work):
        super().__init__(url, work)
        self.one = self.factory()

    async def serve(self, send):
        await self.work(self.one)
        await self.one.commit()
        await self.answer(send)

    async def stop(self):
        pass


class TestAppGlobal(Apps):
    app = Global
'''
EXPECTED = {
    "TestRight": set(),
    "TestContextManager": set(),
    "TestShared": {
        "test_session_is_closed_at_the_end",
        "test_each_request_has_a_session_of_its_own",
        "test_requests_at_the_same_time_are_apart",
        "test_exception_returns_the_connection",
        "test_error_of_the_database_leaves_the_next_request_alone",
        "test_abandoned_generator_releases_its_session",
    },
    "TestCommitSwallowed": {"test_end_of_a_request"},
    "TestCommitsInAnyCase": {
        "test_exception_undoes_the_work",
        "test_requests_at_the_same_time_are_apart",
        "test_error_of_the_database_leaves_the_next_request_alone",
        "test_cancelled_request_returns_its_connection",
        "test_abandoned_generator_releases_its_session",
    },
    "TestKeepsExceptions": {"test_exception_comes_out", "test_requests_at_the_same_time_are_apart"},
    "TestNotClosed": {
        "test_session_is_closed_at_the_end",
        "test_exception_returns_the_connection",
        "test_abandoned_generator_releases_its_session",
    },
    "TestExpires": {
        "test_objects_can_be_read_after_a_commit",
        "test_request_without_a_statement_takes_no_connection",
    },
    "TestAppRight": set(),
    "TestAppCommitsOnErrors": {"test_exception_undoes_the_work", "test_requests_at_the_same_time_are_apart"},
    "TestAppAnswersFirst": {"test_commit_comes_before_the_answer"},
    "TestAppAllIsWell": {
        "test_exception_undoes_the_work",
        "test_error_of_the_database_leaves_the_next_request_alone",
    },
    "TestAppGlobal": {
        "test_each_request_has_a_session_of_its_own",
        "test_requests_at_the_same_time_are_apart",
        "test_exception_returns_the_connection",
        "test_error_of_the_database_leaves_the_next_request_alone",
        "test_shutdown_closes_the_connections",
    },
}
MESSAGES = [
    ("TestShared", "test_each_request_has_a_session_of_its_own", "two requests at the same time have the same session"),
    ("TestCommitSwallowed", "test_end_of_a_request", "what the suite says of the end does not hold"),
    ("TestCommitsInAnyCase", "test_exception_undoes_the_work", "work was committed although the request raised"),
    ("TestKeepsExceptions", "test_exception_comes_out", "the dependency kept the exception of the request to itself"),
    ("TestNotClosed", "test_session_is_closed_at_the_end", "the connection is still checked out after the request"),
    ("TestAppCommitsOnErrors", "test_exception_undoes_the_work", "work was committed although the request raised"),
    ("TestAppAnswersFirst", "test_commit_comes_before_the_answer", "the answer began before the commit"),
    ("TestAppGlobal", "test_shutdown_closes_the_connections", "still connected: idle"),
]


def test_exactly_what_is_wrong_fails_and_is_told(suites):
    """All at once: to start pytest and a server takes longer than a suite."""
    run = suites(WRONG)
    assert run.code == 1, run.output
    assert run.tests("ERROR") == set()
    failed = {suite: {name for one, name in run.tests("FAILED") if one == suite} for suite in EXPECTED}
    assert failed == EXPECTED
    for suite, test, seen in MESSAGES:
        told = run.message(suite, test)
        assert f"AssertionError: {seen}" in told
        assert "E   expected:   " in told
        assert "E   documented: " in told
