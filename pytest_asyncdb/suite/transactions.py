"""Tests of the sessions of a factory: when their transactions begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, InvalidRequestError, PendingRollbackError

from pytest_asyncdb.suite import sections as at
from pytest_asyncdb.suite.claims import OnPurposeError, raises
from pytest_asyncdb.suite.contract import Suite
from pytest_asyncdb.suite.tables import Author

if TYPE_CHECKING:
    from pytest_asyncdb.suite.case import Case

_LEVEL = text("SHOW transaction_isolation")
_OUT = "the connection is still checked out after"


class TransactionTests(Suite):
    """Of ``begin``, ``commit``, ``rollback``, ``close`` and their blocks."""

    @at.AUTO_BEGIN.says("there's no transactional state present")
    async def test_new_session_is_in_no_transaction(self, case: Case) -> None:
        """A new session has no transaction and no connection; the first statement begins one."""
        async with (await case.factory())() as session:
            assert not session.in_transaction(), "a new session is in a transaction"
            assert case.checked_out == 0, "a new session has a connection"
            await session.execute(text("SELECT 1"))
            assert session.in_transaction(), "a statement did not begin a transaction"

    @at.NO_AUTO_BEGIN.says("if an attempt to use the Session is made without first calling Session.begin()")
    async def test_autobegin_can_be_switched_off(self, case: Case) -> None:
        """With `autobegin=False` a session has to be told to begin."""
        async with (await case.factory(autobegin=False))() as session:
            with raises(InvalidRequestError, "a session with autobegin=False began by itself"):
                await session.execute(text("SELECT 1"))
            async with session.begin():
                await session.execute(text("SELECT 1"))

    @at.COMMITTING.says("COMMIT the actual database transaction that is in place")
    async def test_commit_makes_work_visible(self, case: Case) -> None:
        """What a session flushed is visible to others after `commit()`, and not before."""
        async with (await case.factory())() as session:
            session.add(case.new("one"))
            await session.flush()
            assert case.committed() == [], "work was visible to others before the commit"
            await session.commit()
            assert case.committed() == ["one"], "work is not visible to others after the commit"

    @at.COMMITTING.says("released back to the connection pool")
    async def test_commit_returns_the_connection(self, case: Case) -> None:
        """After `commit()` the connection is in the pool again."""
        async with (await case.factory())() as session:
            await session.execute(text("SELECT 1"))
            assert case.checked_out == 1, "a session at work should have one connection"
            await session.commit()
            assert case.checked_out == 0, f"{_OUT} commit()"

    @at.ROLLING_BACK.says("Database transactions are rolled back")
    async def test_rollback_undoes_work(self, case: Case) -> None:
        """`rollback()` undoes what was not committed, and the session can go on."""
        async with (await case.factory())() as session:
            session.add(case.new("undone"))
            await session.flush()
            await session.rollback()
            session.add(case.new("kept"))
            await session.commit()
        assert case.committed() == ["kept"], "rollback() did not undo what was not committed, or did more"

    @at.ROLLING_BACK.says("Database connections are released")
    async def test_rollback_returns_the_connection(self, case: Case) -> None:
        """After `rollback()` the connection is in the pool again."""
        async with (await case.factory())() as session:
            await session.execute(text("SELECT 1"))
            await session.rollback()
            assert case.checked_out == 0, f"{_OUT} rollback()"

    @at.ROLLING_BACK.says("the method passes silently")
    async def test_rollback_of_nothing(self, case: Case) -> None:
        """`rollback()` and `commit()` without a transaction do nothing."""
        async with (await case.factory())() as session:
            await session.rollback()
            await session.commit()
            assert case.loans.most == 0, "a connection was needed to end no transaction"

    @at.CLOSING.says("transactional state is rolled back as well")
    async def test_close_undoes_what_is_not_committed(self, case: Case) -> None:
        """`close()` does not commit."""
        session = (await case.factory())()
        session.add(case.new("one"))
        await session.flush()
        await session.close()
        assert case.committed() == [], "close() committed"

    @at.CLOSING.says("releases any transactional/connection resources")
    async def test_close_returns_the_connection(self, case: Case) -> None:
        """After `close()` the connection is in the pool again."""
        session = (await case.factory())()
        await session.execute(text("SELECT 1"))
        await session.close()
        assert case.checked_out == 0, f"{_OUT} close()"

    @at.CLOSING.says("may be used again")
    async def test_closed_session_can_be_used_again(self, case: Case) -> None:
        """A session that was closed is as it was when it was new."""
        session = (await case.factory())()
        await session.close()
        async with session:
            assert await session.scalar(text("SELECT 1")) == 1, "the session is of no use after close()"

    @at.CLOSING.says("cannot be reused after the method Session.close() has been called", since=(2, 0, 22))
    async def test_close_can_be_final(self, case: Case) -> None:
        """With `close_resets_only=False` a session that was closed refuses to work."""
        session = (await case.factory(close_resets_only=False))()
        await session.close()
        with raises(InvalidRequestError, "a session that was closed for good worked on"):
            await session.execute(text("SELECT 1"))

    @at.SYNOPSIS_ORM.says("automatically closed at the end of the block")
    async def test_block_closes_the_session(self, case: Case) -> None:
        """`async with factory() as session` closes the session at its end, and commits nothing."""
        async with (await case.factory())() as session:
            session.add(case.new("one"))
            await session.flush()
        assert case.checked_out == 0, f"{_OUT} the block"
        assert case.committed() == [], "the end of the block committed"

    @at.MANAGING_TRANSACTIONS.says("ensure that the scope of a Session object's use is scoped within a fixed block")
    async def test_exception_leaves_the_block(self, case: Case) -> None:
        """An exception that leaves the block of a session comes out as it is; the session is closed, nothing kept."""
        error, seen = OnPurposeError(), None
        try:
            async with (await case.factory())() as session:
                session.add(case.new("one"))
                await session.flush()
                raise error
        except OnPurposeError as caught:
            seen = caught
        assert seen is error, "the block kept the exception, or raised another"
        assert case.committed() == [], "work was committed although its block raised"
        assert case.checked_out == 0, f"{_OUT} a block that raised"

    @at.FRAMING.says("inner context calls session.commit(), if there were no exceptions")
    async def test_begin_commits_at_the_end(self, case: Case) -> None:
        """A block of `session.begin()` commits at its end, and the session can be used on."""
        async with (await case.factory())() as session:
            async with session.begin():
                session.add(case.new("one"))
            assert case.committed() == ["one"], "the block of begin() ended, and its object is not committed"
            assert case.checked_out == 0, f"{_OUT} the block of begin()"
            assert await session.scalar(text("SELECT 1")) == 1, "the session is of no use after the block of begin()"

    @at.MANAGING_TRANSACTIONS.says("If an exception was raised within the above block")
    async def test_begin_rolls_back_on_an_exception(self, case: Case) -> None:
        """A block of `session.begin()` that raises rolls back, and lets the exception out."""
        async with (await case.factory())() as session:
            with raises(OnPurposeError, "the block of begin() kept the exception to itself"):
                async with session.begin():
                    session.add(case.new("one"))
                    await session.flush()
                    raise OnPurposeError
            assert case.committed() == [], "an object was committed although its block raised"

    @at.EXPLICIT_BEGIN.says("has not already had a transaction begun")
    async def test_begin_after_a_statement_is_refused(self, case: Case) -> None:
        """`begin()` on a session whose transaction has begun raises `InvalidRequestError`."""
        async with (await case.factory())() as session:
            await session.execute(text("SELECT 1"))
            with raises(InvalidRequestError, "begin() was accepted in a transaction"):
                await session.begin()

    @at.SAVEPOINTS.says("The enclosing database transaction remains in progress")
    async def test_savepoint_is_undone_alone(self, case: Case) -> None:
        """To roll a savepoint back undoes what came after it, and nothing else."""
        async with (await case.factory())() as session:
            session.add(case.new("before"))
            nested = await session.begin_nested()
            session.add(case.new("inside"))
            await session.flush()
            await nested.rollback()
            await session.commit()
        assert case.committed() == ["before"], "a savepoint was not undone alone"

    @at.SAVEPOINTS.says("when using SAVEPOINT, the outer transaction is maintained")
    async def test_failed_savepoint_leaves_the_transaction(self, case: Case) -> None:
        """An error of the database in a block of `begin_nested()` undoes the block, and the transaction goes on."""
        async with (await case.factory())() as session:
            session.add(Author(name="taken"))
            await session.commit()
            session.add(Author(name="before"))
            with raises(IntegrityError, "the block of the savepoint kept an error to itself"):
                async with session.begin_nested():
                    session.add(Author(name="taken"))
            session.add(Author(name="later"))
            await session.commit()
        seen = case.authors()
        assert seen == ["before", "later", "taken"], "an error in a savepoint undid more than the savepoint"

    @at.NESTED_TRANSACTION.says("will always commit the outermost transaction")
    async def test_commit_ends_the_outermost_transaction(self, case: Case) -> None:
        """`session.commit()` commits everything, also while a savepoint is open."""
        async with (await case.factory())() as session:
            session.add(case.new("before"))
            await session.begin_nested()
            session.add(case.new("inside"))
            await session.commit()
            assert not session.in_transaction(), "the session is in a transaction after commit()"
        assert sorted(map(str, case.committed())) == ["before", "inside"], "commit() did not commit everything"

    @at.FLUSHING.says("an explicit call to rollback() is required after a flush fails")
    async def test_failed_flush_needs_a_rollback(self, case: Case) -> None:
        """After a flush that failed a session refuses to work until `rollback()`."""
        async with (await case.factory())() as session:
            session.add_all([Author(name="same"), Author(name="same")])
            with raises(IntegrityError, "a flush with a duplicate was accepted"):
                await session.flush()
            with raises(PendingRollbackError, "the session went on after a flush that failed"):
                await session.execute(text("SELECT 1"))
            await session.rollback()
            assert await session.scalar(text("SELECT 1")) == 1, "the session is of no use after the rollback"

    @at.ISOLATION_OF_A_TRANSACTION.says("at the start of a transaction")
    async def test_isolation_level_of_a_transaction(self, case: Case) -> None:
        """A transaction can be given an isolation level by `session.connection()`; the next one has the usual."""
        async with (await case.factory())() as session:
            await session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
            assert await session.scalar(_LEVEL) == "serializable", "the isolation level was not set"
            await session.commit()
            assert await session.scalar(_LEVEL) != "serializable", "the isolation level outlived its transaction"

    @at.EXTERNAL_TRANSACTION.says("leave the external transaction in the same state in which it was passed")
    async def test_transaction_of_others_is_left_to_them(self, case: Case) -> None:
        """A session on a connection in a transaction, with `create_savepoint`, commits and rolls back in it alone."""
        engine = await case.engine()
        factory = await case.factory(engine=engine)
        async with engine.connect() as connection:
            outer = await connection.begin()
            async with factory(bind=connection, join_transaction_mode="create_savepoint") as session:
                session.add(case.new("committed"))
                await session.commit()
                session.add(case.new("undone"))
                await session.flush()
                await session.rollback()
                model: Any = case.suite.model
                inside = (await session.scalars(select(model.name))).all()
            assert inside == ["committed"], "commit and rollback of the session did not work in the transaction"
            assert outer.is_active, "the session ended the transaction that it joined"
            await outer.rollback()
        assert case.committed() == [], "a commit of the session went through the transaction that it joined"
