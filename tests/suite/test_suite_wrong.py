"""What is wrong on purpose fails the tests that stand for it, and no other; the message says what is documented."""

from __future__ import annotations

WRONG = '''
import pytest_asyncdb
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine


class Factory:
    """Right in everything."""

    session = AsyncSession

    def __init__(self, engine, **options):
        self.maker = async_sessionmaker(engine, **{"class_": self.session, **options})

    def __call__(self, **options):
        return self.maker(**options)

    def begin(self):
        return self.maker.begin()

    def configure(self, **options):
        self.maker.configure(**options)


class Sessions(pytest_asyncdb.suite.SessionFactorySuite):
    drivers = ("asyncpg",)

    def create_session_factory(self, engine, **options):
        return self.factory(engine, **options)


class Forgetful(Factory):
    """Keeps objects on commit, drops its own info, forgets all else when it is configured; begin() only makes one.

    Its sessions commit what nobody asked them to.
    """

    class session(AsyncSession):
        async def __aexit__(self, *told):
            if self.in_transaction():
                await self.commit()
            await super().__aexit__(*told)

    def __init__(self, engine, **options):
        super().__init__(engine, **{**options, "expire_on_commit": False})

    def __call__(self, **options):
        info = options.pop("info", {})
        session = self.maker(**options)
        session.info.clear()
        session.info.update(info)
        return session

    def begin(self):
        return self.maker()

    def configure(self, **options):
        bind = options.pop("bind", self.maker.kw["bind"])
        self.maker = async_sessionmaker(bind, class_=self.session)


class TestForgetful(Sessions):
    factory = Forgetful


class Shared(Factory):
    """Has one session for everybody."""

    def __init__(self, engine, **options):
        super().__init__(engine, **options)
        self.one = self.maker()

    def __call__(self, **options):
        return self.maker(**options) if options else self.one


class TestShared(Sessions):
    factory = Shared


class Careless(Factory):
    """Does not close its sessions, and keeps what a block raises to itself."""

    class session(AsyncSession):
        async def __aexit__(self, kind, error, trace):
            return isinstance(error, Exception)


class TestCareless(Sessions):
    factory = Careless


class Stubborn(AsyncEngine):
    """Takes no options, shows its password, does not dispose, and commits what raised."""

    def __repr__(self):
        return self.url.render_as_string(hide_password=False)

    async def dispose(self, close=True):
        pass

    def begin(self):
        return Committed(self.connect())


class Committed:
    def __init__(self, connection):
        self.connection = connection

    async def __aenter__(self):
        return await self.connection.__aenter__()

    async def __aexit__(self, *told):
        await self.connection.commit()
        await self.connection.__aexit__(*told)


class TestStubborn(pytest_asyncdb.suite.EngineSuite):
    drivers = ("asyncpg",)

    def create_engine(self, url, **options):
        return Stubborn(create_async_engine(url).sync_engine)
'''
EXPECTED = {
    "TestForgetful": {
        "test_commit_expires_objects",
        "test_commit_expires_objects_by_default",
        "test_info_is_merged",
        "test_configure",
        "test_begin_of_the_factory_rolls_back_on_an_exception",
        "test_block_closes_the_session",
        "test_exception_leaves_the_block",
        "test_sessions_of_tasks_are_apart",
        "test_cancelled_task_returns_its_connection",
    },
    "TestShared": {
        "test_call_makes_a_session",
        "test_one_object_for_one_row",
        "test_configure",
        "test_configure_the_engine",
        "test_factory_of_a_scoped_session",
        "test_sessions_of_tasks_are_apart",
    },
    "TestCareless": {"test_block_closes_the_session", "test_exception_leaves_the_block"},
    "TestStubborn": {
        "test_isolation_level_of_an_engine",
        "test_pool_has_the_size_that_was_asked_for",
        "test_null_pool_serves_several_loops",
        "test_pre_ping",
        "test_password_is_not_shown",
        "test_dispose_closes_what_is_in_the_pool",
        "test_engine_can_be_used_after_dispose",
        "test_engine_moves_to_another_loop_after_dispose",
        "test_begin_rolls_back_on_an_exception",
        "test_cancelled_task_returns_its_connection",
    },
}
MESSAGES = [
    (
        "TestForgetful",
        "test_commit_expires_objects_by_default",
        "objects are kept on commit although nobody asked for that: expire_on_commit is False",
        "A factory that was told nothing about it expires objects on commit.",
        "orm/session_api.html#sqlalchemy.orm.Session.params.expire_on_commit",
    ),
    (
        "TestShared",
        "test_call_makes_a_session",
        "two calls gave the same session",
        "Each call of the factory makes a new `AsyncSession`.",
        "orm/extensions/asyncio.html#sqlalchemy.ext.asyncio.async_sessionmaker",
    ),
    (
        "TestCareless",
        "test_exception_leaves_the_block",
        "the block kept the exception, or raised another",
        "An exception that leaves the block of a session comes out as it is; the session is closed, nothing kept.",
        "orm/session_transaction.html#unitofwork-transaction",
    ),
    (
        "TestCareless",
        "test_block_closes_the_session",
        "the connection is still checked out after the block\nE   assert 1 == 0\nE    +  where 1 = case.checked_out",
        "`async with factory() as session` closes the session at its end, and commits nothing.",
        "orm/extensions/asyncio.html#asyncio-orm",
    ),
    (
        "TestForgetful",
        "test_block_closes_the_session",
        "the end of the block committed",
        "`async with factory() as session` closes the session at its end, and commits nothing.",
        "orm/extensions/asyncio.html#asyncio-orm",
    ),
    (
        "TestStubborn",
        "test_begin_rolls_back_on_an_exception",
        "a row was committed although its block raised\nE   assert ['one'] == []",
        "A block of `engine.begin()` that an exception leaves rolls back, and lets the exception out.",
        "core/connections.html#begin-once",
    ),
    (
        "TestStubborn",
        "test_pool_has_the_size_that_was_asked_for",
        "more connections were given out than was allowed: no TimeoutError came out",
        "With `pool_size=1` and `max_overflow=0` a second connection has to wait, and gives up in time.",
        "core/pooling.html#connection-pool-configuration",
    ),
]


def test_exactly_what_is_wrong_fails_and_is_told(suites):
    """All at once: to start pytest and a server takes longer than a suite."""
    run = suites(WRONG)
    assert run.code == 1, run.output
    assert run.tests("ERROR") == set()
    failed = {suite: {name for one, name in run.tests("FAILED") if one == suite} for suite in EXPECTED}
    assert failed == EXPECTED
    for suite, test, seen, expected, where in MESSAGES:
        told = run.message(suite, test)
        assert f"AssertionError: {seen}" in told
        assert f"E   expected:   {expected}\n" in told
        assert f"/{where}\n" in told
        assert f"on purpose? Say why in the class: deviations = {{'{test}': '...'}}" in told
        assert "pytest_asyncdb/suite/statements.py" not in told
