"""Tests of the sessions of a factory: the objects in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, select, text, update
from sqlalchemy.ext.asyncio import async_object_session

from pytest_asyncdb.suite import sections as at
from pytest_asyncdb.suite.claims import refuses_io
from pytest_asyncdb.suite.contract import Suite
from pytest_asyncdb.suite.tables import Author, Book

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pytest_asyncdb.suite.case import Case


async def _saved(session: Any, name: str = "one") -> Author:
    author = Author(name=name, books=[Book(title="first"), Book(title="second")])
    session.add(author)
    await session.commit()
    return author


class ObjectTests(Suite):
    """Of flush, expiry, identity, loading and detaching."""

    @at.COMMITTING.says("all objects within the Session are expired")
    async def test_commit_expires_objects(self, case: Case) -> None:
        """By default, `commit()` expires objects, and to read one then is implicit IO, which asyncio forbids."""
        async with (await case.factory(expire_on_commit=True))() as session:
            author = await _saved(session)
            with refuses_io("an object can be read after a commit that should have expired it"):
                _ = author.name
            await session.refresh(author)
            assert author.name == "one", "a refreshed object does not have what was committed"

    @at.EXPIRE_ON_COMMIT.says("Defaults to True")
    async def test_commit_expires_objects_by_default(self, case: Case) -> None:
        """A factory that was told nothing about it expires objects on commit."""
        session = (await case.factory())()
        seen = session.sync_session.expire_on_commit
        assert seen, "objects are kept on commit although nobody asked for that: expire_on_commit is False"

    @at.IMPLICIT_IO.says("access attributes on an object subsequent to a call to AsyncSession.commit()")
    async def test_objects_can_be_kept_on_commit(self, case: Case) -> None:
        """With `expire_on_commit=False` an object can be read after `commit()`, without a statement."""
        async with (await case.factory(expire_on_commit=False))() as session:
            author = await _saved(session)
            with case.statements() as executed:
                assert author.name == "one", "an attribute is another one after the commit"
            assert executed == [], "to read an attribute took a statement"

    @at.ROLLING_BACK.says("this is regardless of the Session.expire_on_commit setting")
    async def test_rollback_expires_objects(self, case: Case) -> None:
        """`rollback()` expires the objects that stay in the session, whatever `expire_on_commit` says."""
        async with (await case.factory(expire_on_commit=False))() as session:
            author = await _saved(session)
            author.name = "changed"
            await session.flush()
            await session.rollback()
            assert "name" in inspect(author).expired_attributes, "an attribute was not expired by rollback()"
            await session.refresh(author)
            assert author.name == "one", "the object has what was rolled back"

    @at.ROLLING_BACK.says("are expunged, corresponding to their INSERT statement being rolled back")
    async def test_rollback_expunges_new_objects(self, case: Case) -> None:
        """Objects that were added in the transaction are not in the session after `rollback()`."""
        async with (await case.factory())() as session:
            row = case.new("one")
            session.add(row)
            await session.flush()
            await session.rollback()
            assert row not in session, "an object whose INSERT was rolled back is still in the session"
            assert inspect(row).transient, "an object whose INSERT was rolled back is not as before"

    @at.FLUSHING.says("at the beginning of methods including")
    async def test_autoflush(self, case: Case) -> None:
        """By default, a query sees what was added before it, without a flush."""
        async with (await case.factory())() as session:
            session.add(case.new("one"))
            names = (await session.scalars(select(case.suite.model))).all()
            assert [one.name for one in names] == ["one"], "a query did not see what was added before it"

    @at.FLUSHING.says("passing the Session.autoflush parameter as False")
    async def test_autoflush_can_be_switched_off(self, case: Case) -> None:
        """With `autoflush=False` a query does not flush, and `commit()` flushes all the same."""
        async with (await case.factory(autoflush=False))() as session:
            session.add(case.new("one"))
            found = (await session.scalars(select(case.suite.model))).all()
            assert found == [], "a query flushed although autoflush is off"
            await session.commit()
        assert case.committed() == ["one"], "commit() did not flush"

    @at.FLUSHING.says("temporarily disabled within the flow of using a Session")
    async def test_autoflush_can_be_off_in_a_block(self, case: Case) -> None:
        """In a block of `session.no_autoflush` a query does not flush."""
        async with (await case.factory())() as session:
            session.add(case.new("one"))
            with session.no_autoflush:
                found = (await session.scalars(select(case.suite.model))).all()
            assert found == [], "a query flushed in a block of no_autoflush"

    @at.SAVEPOINTS.says("this occurs unconditionally")
    async def test_savepoint_flushes(self, case: Case) -> None:
        """`begin_nested()` flushes what was added before it, also with `autoflush=False`."""
        async with (await case.factory(autoflush=False))() as session:
            session.add(case.new("one"))
            async with session.begin_nested():
                pending = list(session.new)
            assert pending == [], "what was added before the savepoint is not flushed"

    @at.REFRESHING.says("the two queries will have returned the same Python object")
    async def test_one_object_for_one_row(self, case: Case) -> None:
        """Two queries for a row give the same object in one session, and another in another."""
        factory = await case.factory()
        async with factory() as session, factory() as other:
            await _saved(session)
            first = (await session.scalars(select(Author))).one()
            second = (await session.scalars(select(Author))).one()
            elsewhere = (await other.scalars(select(Author))).one()
        assert first is second, "two queries for one row gave two objects"
        assert first is not elsewhere, "two sessions share an object"

    @at.GETTING.says("first looking within the current identity map")
    async def test_get_asks_the_database_once(self, case: Case) -> None:
        """`get()` executes no statement for an object that is in the session."""
        async with (await case.factory(expire_on_commit=False))() as session:
            author = await _saved(session)
            with case.statements() as executed:
                again = await session.get(Author, author.id)
            assert again is author, "get() gave another object"
            assert executed == [], "get() asked the database for an object that is in the session"

    @at.REFRESHING.says("actually refresh the contents of the object")
    async def test_refresh(self, case: Case) -> None:
        """`refresh()` reads again what others have changed; a query alone leaves an object as it is."""
        async with (await case.factory(expire_on_commit=False))() as session:
            author = await _saved(session)
            case.witness.run("UPDATE suite_author SET name = 'changed'")
            assert (await session.scalars(select(Author))).one().name == "one", "a query changed a loaded object"
            await session.refresh(author)
            assert author.name == "changed", "refresh() did not read the row again"

    @at.IMPLICIT_IO.says("fail under asyncio as no implicit IO is allowed")
    async def test_lazy_loading_is_refused(self, case: Case) -> None:
        """To read a relationship that was not loaded raises `MissingGreenlet`, and does not block the loop."""
        factory = await case.factory()
        async with factory() as session:
            await _saved(session)
        async with factory() as session:
            author = (await session.scalars(select(Author))).one()
            with refuses_io("a relationship was loaded without an await"):
                _ = author.books

    @at.IMPLICIT_IO.says("delivers any attribute as an awaitable", since=(2, 0, 13))
    async def test_attributes_can_be_awaited(self, case: Case) -> None:
        """Classes with `AsyncAttrs` load by `await author.awaitable_attrs.books`."""
        factory = await case.factory()
        async with factory() as session:
            await _saved(session)
        async with factory() as session:
            author: Any = (await session.scalars(select(Author))).one()
            books = await author.awaitable_attrs.books
            assert sorted(book.title for book in books) == ["first", "second"], "the relationship was not loaded"

    @at.IMPLICIT_IO.says("naming it in attribute_names", since=(2, 0, 4))
    async def test_refresh_loads_what_it_is_told(self, case: Case) -> None:
        """`refresh(author, ["books"])` loads a relationship."""
        factory = await case.factory()
        async with factory() as session:
            await _saved(session)
        async with factory() as session:
            author = (await session.scalars(select(Author))).one()
            await session.refresh(author, ["books"])
            assert len(author.books) == len(["first", "second"]), "the relationship was not loaded"

    @at.RUNNING_SYNC.says("run any Python function inside of a greenlet")
    async def test_run_sync(self, case: Case) -> None:
        """`run_sync()` calls a function with the synchronous session; there lazy loading works."""

        def titles(sync_session: Session) -> tuple[Session, list[str]]:
            author = sync_session.scalars(select(Author)).one()
            return sync_session, sorted(book.title for book in author.books)

        async with (await case.factory())() as session:
            await _saved(session)
            given, found = await session.run_sync(titles)
            assert given is session.sync_session, "the function was given another session"
            assert found == ["first", "second"], "lazy loading did not work in run_sync()"

    @at.OBJECT_STATES.says("not currently in any session")
    async def test_expunge_detaches(self, case: Case) -> None:
        """An object that was expunged is in no session, and keeps what was loaded."""
        async with (await case.factory(expire_on_commit=False))() as session:
            author = await _saved(session)
            session.expunge(author)
            assert inspect(author).detached, "an object that was expunged is not detached"
            assert author.name == "one", "an object that was expunged lost what was loaded"

    @at.CLOSING.says("removes all ORM-mapped objects from the session")
    async def test_close_detaches_objects(self, case: Case) -> None:
        """After `close()` no object is in the session."""
        session = (await case.factory())()
        author = await _saved(session)
        await session.close()
        assert list(session) == [], "a closed session has objects"
        assert inspect(author).detached, "an object of a closed session is not detached"

    @at.MERGING.says("transfers state from an outside object into a new or already existing instance")
    async def test_merge(self, case: Case) -> None:
        """`merge()` brings an object's state into another session, as that session's own object."""
        factory = await case.factory(expire_on_commit=False)
        async with factory() as session:
            author = await _saved(session)
        author.name = "changed"
        async with factory() as session:
            merged = await session.merge(author)
            assert merged is not author, "merge() took the object of another session"
            await session.commit()
        assert case.authors() == ["changed"], "merge() did not bring the state along"

    @at.DELETING.says("will result in a DELETE statement")
    async def test_delete(self, case: Case) -> None:
        """An object that was deleted is gone from database and session after the commit."""
        async with (await case.factory(expire_on_commit=False))() as session:
            author = await _saved(session)
            await session.delete(author)
            await session.commit()
            assert author not in session, "a deleted object is still in the session"
        assert case.authors() == [], "the row of a deleted object is still there"

    @at.SESSION_STREAM.says("AsyncResult")
    async def test_stream(self, case: Case) -> None:
        """`stream_scalars()` gives objects one after the other."""
        async with (await case.factory())() as session:
            await _saved(session)
            read = await session.stream_scalars(select(Book.title).order_by(Book.title))
            assert [title async for title in read] == ["first", "second"], "streamed rows are missing"

    @at.OBJECT_SESSION.says("to which the given instance belongs")
    async def test_session_of_an_object(self, case: Case) -> None:
        """`async_object_session()` finds the async session that an object is in."""
        async with (await case.factory())() as session:
            row = case.new("one")
            session.add(row)
            assert async_object_session(row) is session, "the session of an object is another one"

    @at.WHAT_IT_DOES.says("maintains unique copies of each object")
    async def test_update_statement_reaches_objects(self, case: Case) -> None:
        """An ORM-enabled UPDATE changes the objects in the session, too."""
        async with (await case.factory(expire_on_commit=False))() as session:
            author = await _saved(session)
            await session.execute(update(Author).values(name="changed"))
            await session.execute(text("SELECT 1"))
            assert author.name == "changed", "an UPDATE left an object of the session as it was"
