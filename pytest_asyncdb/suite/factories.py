"""Tests of a session factory: what it makes, and what can be said about it, once, later, or for one session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import Session, sessionmaker

from pytest_asyncdb.suite import sections as at
from pytest_asyncdb.suite.claims import OnPurposeError, raises
from pytest_asyncdb.suite.contract import Suite

if TYPE_CHECKING:
    from pytest_asyncdb.suite.case import Case


class FactoryTests(Suite):
    """Of the factory itself."""

    @at.SESSIONMAKER.says("generate new AsyncSession objects when called")
    async def test_call_makes_a_session(self, case: Case) -> None:
        """Each call of the factory makes a new `AsyncSession`."""
        factory = await case.factory()
        first, second = factory(), factory()
        assert isinstance(first, AsyncSession), f"a {type(first).__name__} was made"
        assert first is not second, "two calls gave the same session"
        assert first.sync_session is not second.sync_session, "two sessions stand for the same synchronous one"

    @at.SESSIONMAKER_CLASS.says("class to use in order to create new Session objects")
    async def test_class_of_the_sessions(self, case: Case) -> None:
        """With `class_` the sessions are of that class."""

        class Own(AsyncSession):
            """Of an application."""

        factory = await case.factory(class_=Own)
        session = factory()
        assert isinstance(session, Own), f"a {type(session).__name__} was made"

    @at.SESSION_ARGUMENTS.says("used to construct the Session which will be proxied")
    async def test_class_of_the_synchronous_sessions(self, case: Case) -> None:
        """With `sync_session_class` an async session stands for one of that class."""

        class Own(Session):
            """Of an application."""

        factory = await case.factory(sync_session_class=Own)
        session = factory().sync_session
        assert isinstance(session, Own), f"a {type(session).__name__} was made"

    @at.EVENTS.says("associate events with the sessionmaker")
    async def test_events_of_the_factory(self, case: Case) -> None:
        """Listeners on a `sessionmaker` that is the factory's `sync_session_class` hear of its sessions."""
        heard, maker = list[object](), sessionmaker()
        event.listen(maker, "before_commit", heard.append)
        factory = await case.factory(sync_session_class=maker)
        async with factory() as session:
            await session.commit()
            assert heard == [session.sync_session], "the listener was not told of the commit"

    @at.SESSIONMAKER.says("with a fixed configuration established up front")
    async def test_configuration_holds_for_each_session(self, case: Case) -> None:
        """What the factory is made with holds for each of its sessions."""
        factory = await case.factory(autoflush=False, expire_on_commit=False)
        for session in (factory(), factory()):
            seen = session.sync_session.autoflush, session.sync_session.expire_on_commit
            assert seen == (False, False), "a session has another (autoflush, expire_on_commit) than its factory"

    @at.SESSIONMAKER_CALL.says("using the configuration established in this async_sessionmaker")
    async def test_arguments_of_a_call_come_first(self, case: Case) -> None:
        """Arguments of a call override the factory's, for that session alone."""
        factory = await case.factory(autoflush=False)
        assert factory(autoflush=True).sync_session.autoflush, "an argument of the call was ignored"
        assert not factory().sync_session.autoflush, "an argument of a call holds for later sessions, too"

    @at.SESSIONMAKER_INFO.says("updated, not replaced")
    async def test_info_is_merged(self, case: Case) -> None:
        """`info` of the factory and of a call are one dictionary of the session's own."""
        factory = await case.factory(info={"of": "factory", "kept": True})
        session = factory(info={"of": "call"})
        assert session.info == {"of": "call", "kept": True}, "info of the factory and of the call were not merged"
        session.info["more"] = True
        assert factory(info={}).info == {"of": "factory", "kept": True}, "info of one session is in the next one"

    @at.SESSIONMAKER_CONFIGURE.says("(Re)configure the arguments")
    async def test_configure(self, case: Case) -> None:
        """`configure()` changes what later sessions are made with, and none that is there."""
        factory = await case.factory(autoflush=True)
        before = factory()
        factory.configure(autoflush=False)
        assert not factory().sync_session.autoflush, "configure() did not change later sessions"
        assert before.sync_session.autoflush, "configure() changed a session that was there"

    @at.SESSIONMAKER_CONFIGURE.says("configure(bind=")
    async def test_configure_the_engine(self, case: Case) -> None:
        """The engine can be said later, by `configure(bind=...)`."""
        engine, other = await case.engine(), await case.engine()
        factory = await case.factory(engine=engine)
        factory.configure(bind=other)
        assert factory().bind is other, "the session is not bound to the engine that configure() named"

    @at.USING_A_SESSIONMAKER.says("we can now construct a Session() without needing to pass the")
    async def test_bind_is_the_engine(self, case: Case) -> None:
        """The sessions are bound to the engine of the factory."""
        engine = await case.engine()
        factory = await case.factory(engine=engine)
        async with factory() as session:
            assert session.bind is engine, "the session is bound to something else"
            assert await session.scalar(text("SELECT 1")) == 1, "the session cannot use its engine"

    @at.SESSION_GET_BIND.says("to which the synchronous proxied Session is bound")
    async def test_get_bind_is_the_synchronous_engine(self, case: Case) -> None:
        """`get_bind()` gives the synchronous engine, for listeners and the like."""
        engine = await case.engine()
        session = (await case.factory(engine=engine))()
        assert session.get_bind() is engine.sync_engine, "get_bind() gave something else"

    @at.BIND_OF_A_SESSION.says("overriding the pre-existing bind")
    async def test_bind_of_a_call(self, case: Case) -> None:
        """A session can be bound to another engine when it is made."""
        engine, other = await case.engine(), await case.engine()
        factory = await case.factory(engine=engine)
        assert factory(bind=other).bind is other, "the bind of the call was ignored"
        assert factory().bind is engine, "the bind of a call holds for later sessions, too"

    @at.SESSIONMAKER_BEGIN.says("commits transaction, closes session")
    async def test_begin_commits_and_closes(self, case: Case) -> None:
        """A block of `factory.begin()` commits at its end, and closes its session."""
        factory: Any = await case.factory()
        async with factory.begin() as session:
            session.add(case.new("one"))
        assert case.committed() == ["one"], "the block of factory.begin() ended, and its object is not committed"
        assert case.checked_out == 0, "the connection is still checked out after the block"
        assert list(session) == [], "the session still has objects after the block"

    @at.FRAMING.says("rolled back immediately, before propagating the exception outward")
    async def test_begin_of_the_factory_rolls_back_on_an_exception(self, case: Case) -> None:
        """A block of `factory.begin()` that raises rolls back, closes its session, and lets the exception out."""
        factory: Any = await case.factory()
        with raises(OnPurposeError, "the block kept the exception to itself"):
            async with factory.begin() as session:
                session.add(case.new("one"))
                await session.flush()
                raise OnPurposeError
        assert case.committed() == [], "an object was committed although its block raised"
        assert case.checked_out == 0, "the connection is still checked out after the block"

    @at.SCOPED_SESSION.says("async_scoped_session( async_session_factory")
    async def test_factory_of_a_scoped_session(self, case: Case) -> None:
        """The factory serves `async_scoped_session`: a session for each scope, and none after `remove()`."""
        scoped = async_scoped_session(await case.factory(), scopefunc=asyncio.current_task)

        async def own() -> object:
            session = scoped()
            assert scoped() is session, "a scope has two sessions"
            await session.execute(text("SELECT 1"))
            await scoped.remove()
            return session

        first, second = await asyncio.gather(own(), own())
        assert first is not second, "two tasks have the same session"
        assert case.checked_out == 0, "the connection of a session that was removed is still checked out"
