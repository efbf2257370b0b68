"""Tests of an async engine: its connections and their transactions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import IntegrityError, InvalidRequestError

from pytest_asyncdb.suite import sections as at
from pytest_asyncdb.suite.claims import OnPurposeError, raises
from pytest_asyncdb.suite.contract import Suite
from pytest_asyncdb.suite.tables import Author

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

    from pytest_asyncdb.suite.case import Case

_LEVEL = text("SHOW transaction_isolation")
_PID = text("SELECT pg_backend_pid()")
_TABLE: Any = Author.__table__


async def _add(connection: AsyncConnection, *names: str) -> None:
    await connection.execute(insert(_TABLE), [{"name": name} for name in names])


class ConnectionTests(Suite):
    """Of ``connect()``, ``begin()`` and what they give."""

    @at.SYNOPSIS_CORE.says("deliver a buffered Result")
    async def test_execute_buffers_its_result(self, case: Case) -> None:
        """What `execute()` returns holds all rows: they can be read without `await`, also after the connection."""
        engine = await case.engine()
        async with engine.connect() as connection:
            result = await connection.execute(text("SELECT generate_series(1, 3)"))
        rows = result.scalars().all()
        assert rows == [1, 2, 3], "the rows of a buffered result were not there"

    @at.BEGIN_FROM_THE_ENGINE.says("transaction is committed, and Connection is released")
    async def test_begin_commits_at_the_end(self, case: Case) -> None:
        """A block of `engine.begin()` that ends normally commits."""
        engine = await case.engine()
        async with engine.begin() as connection:
            await _add(connection, "one")
            assert case.authors() == [], "a row was visible to others before the end of the block"
        assert case.authors() == ["one"], "the block of engine.begin() ended, and its row is not committed"

    @at.BEGIN_ONCE.says("emit a rollback if an exception is raised, before propagating the exception outwards")
    async def test_begin_rolls_back_on_an_exception(self, case: Case) -> None:
        """A block of `engine.begin()` that an exception leaves rolls back, and lets the exception out."""
        engine = await case.engine()
        with raises(OnPurposeError, "the block kept the exception to itself"):
            async with engine.begin() as connection:
                await _add(connection, "one")
                raise OnPurposeError
        assert case.authors() == [], "a row was committed although its block raised"

    @at.BEGIN_FROM_THE_ENGINE.says("and Connection is released")
    async def test_begin_returns_the_connection(self, case: Case) -> None:
        """After a block of `engine.begin()` its connection is in the pool again, whether it raised or not."""
        engine = await case.engine()
        async with engine.begin() as connection:
            await connection.execute(_PID)
        assert case.checked_out == 0, "a connection is still checked out after a block that ended normally"
        with raises(OnPurposeError, "the block kept the exception to itself"):
            async with engine.begin() as connection:
                await connection.execute(_PID)
                raise OnPurposeError
        assert case.checked_out == 0, "a connection is still checked out after a block that raised"

    @at.BASIC_USAGE.says("automatically invoked at the end of the block")
    async def test_connect_closes_at_the_end(self, case: Case) -> None:
        """A block of `engine.connect()` closes its connection, which goes back to the pool."""
        engine = await case.engine()
        async with engine.connect() as connection:
            await connection.execute(_PID)
            assert not connection.closed, "the connection was closed inside its block"
        assert connection.closed, "the connection is open after its block"
        assert case.checked_out == 0, "the connection is still checked out after its block"

    @at.COMMIT_AS_YOU_GO.says("until the Connection.commit() or Connection.rollback() methods are called")
    async def test_connect_does_not_commit(self, case: Case) -> None:
        """What was not committed in a block of `engine.connect()` is gone after it."""
        engine = await case.engine()
        async with engine.connect() as connection:
            await _add(connection, "one")
        assert case.authors() == [], "a row was committed that nobody committed"

    @at.COMMIT_AS_YOU_GO.says("a new transaction begins implicitly")
    async def test_commit_as_you_go(self, case: Case) -> None:
        """Each `commit()` or `rollback()` ends a transaction, and the next statement begins another."""
        engine = await case.engine()
        async with engine.connect() as connection:
            assert not connection.in_transaction(), "a connection is in a transaction before its first statement"
            await _add(connection, "kept")
            await connection.commit()
            await _add(connection, "undone")
            await connection.rollback()
            await _add(connection, "kept too")
            await connection.commit()
        assert case.authors() == ["kept", "kept too"], "commits and rollbacks did not end one transaction each"

    @at.BEGIN_ONCE.says("it will commit itself when the block ends normally")
    async def test_begin_of_a_connection(self, case: Case) -> None:
        """A block of `connection.begin()` commits at its end, and the connection stays open."""
        engine = await case.engine()
        async with engine.connect() as connection:
            async with connection.begin():
                await _add(connection, "one")
            assert case.authors() == ["one"], "the block of connection.begin() ended, and its row is not committed"
            assert not connection.closed, "the connection was closed with its transaction"

    @at.MIXING_STYLES.says("the library will raise InvalidRequestError if a transaction was already")
    async def test_begin_after_a_statement_is_refused(self, case: Case) -> None:
        """`begin()` on a connection whose transaction has begun by itself raises `InvalidRequestError`."""
        engine = await case.engine()
        async with engine.connect() as connection:
            await connection.execute(_PID)
            with raises(InvalidRequestError, "begin() was accepted in a transaction"):
                await connection.begin()

    @at.NESTED_TRANSACTION.says("must be used to commit or rollback the SAVEPOINT")
    async def test_savepoint(self, case: Case) -> None:
        """A block of `connection.begin_nested()` that raises undoes its own work alone."""
        engine = await case.engine()
        async with engine.begin() as connection:
            await _add(connection, "one")
            with raises(IntegrityError, "the block of the savepoint kept an error to itself"):
                async with connection.begin_nested():
                    await _add(connection, "two", "one")
            await _add(connection, "three")
        assert case.authors() == ["one", "three"], "a savepoint did not undo its own work alone"

    @at.ISOLATION_OF_A_CONNECTION.says("set for the duration of that Connection object")
    async def test_isolation_level_of_a_connection(self, case: Case) -> None:
        """An isolation level in a connection's execution options holds for it alone, until it is returned."""
        engine = await case.engine()
        async with engine.connect() as connection:
            usual = await connection.scalar(_LEVEL)
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="SERIALIZABLE")
            assert await connection.scalar(_LEVEL) == "serializable", "the isolation level was not set"
        async with engine.connect() as connection:
            assert await connection.scalar(_LEVEL) == usual, "the isolation level outlived its connection"

    @at.ISOLATION_OF_AN_ENGINE.says("isolation level setting for all subsequent operations")
    async def test_isolation_level_of_an_engine(self, case: Case) -> None:
        """An engine made with an isolation level has each connection work in it."""
        engine = await case.engine(isolation_level="REPEATABLE READ")
        async with engine.connect() as connection:
            assert await connection.scalar(_LEVEL) == "repeatable read", "the isolation level was not set"

    @at.SEVERAL_ISOLATION_LEVELS.says("shares the dialect and connection pool of the original engine")
    async def test_engine_with_other_options(self, case: Case) -> None:
        """`engine.execution_options()` makes an engine on the same pool, and leaves the first as it was."""
        engine = await case.engine()
        other = engine.execution_options(isolation_level="SERIALIZABLE")
        assert other.pool is engine.pool, "the engine with other options has a pool of its own"
        async with other.connect() as connection:
            assert await connection.scalar(_LEVEL) == "serializable", "the other engine does not have its options"
        async with engine.connect() as connection:
            assert await connection.scalar(_LEVEL) != "serializable", "the first engine has them, too"

    @at.AUTOCOMMIT.says("all statements are committed to the database immediately")
    async def test_autocommit(self, case: Case) -> None:
        """With `AUTOCOMMIT` each statement is committed at once, and a rollback undoes nothing."""
        engine = await case.engine()
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await _add(connection, "one")
            assert case.authors() == ["one"], "a statement in AUTOCOMMIT is not visible to others at once"
            await connection.rollback()
        assert case.authors() == ["one"], "a rollback undid what AUTOCOMMIT had committed"

    @at.CONNECTION_STREAM.says("AsyncResult")
    async def test_stream(self, case: Case) -> None:
        """`stream()` gives a result that is read with `async for`, from a cursor on the server."""
        engine = await case.engine()
        async with engine.connect() as connection:
            result = await connection.stream(text("SELECT generate_series(1, 2000)"))
            numbers = [row[0] async for row in result]
        assert numbers == list(range(1, 2001)), "streamed rows are missing, or in another order"
        assert case.checked_out == 0, "the connection of a streamed result was not returned"

    @at.INSPECTOR.says("leveraging the AsyncConnection.run_sync() method")
    async def test_run_sync(self, case: Case) -> None:
        """`connection.run_sync()` calls a function with the synchronous connection, and returns what it returns."""

        def tables(connection: Connection) -> list[str]:
            return inspect(connection).get_table_names()

        engine = await case.engine()
        async with engine.connect() as connection:
            assert "suite_author" in await connection.run_sync(tables), "the function did not see the database"

    @at.EVENTS.says("associating the event with the sync attribute that refers to the proxied object")
    async def test_events(self, case: Case) -> None:
        """Listeners on `engine.sync_engine` are told what the async engine does."""
        from sqlalchemy import event

        engine, heard = await case.engine(), list[str]()

        def listener(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            heard.append(statement)

        event.listen(engine.sync_engine, "before_cursor_execute", listener)
        async with engine.connect() as connection:
            await connection.execute(select(_TABLE.c.name))
        assert any("suite_author" in one for one in heard), f"the listener was told {heard}"

    @at.BASIC_USAGE.says("intended to be called upon in a concurrent fashion")
    async def test_tasks_have_connections_of_their_own(self, case: Case) -> None:
        """Tasks that use an engine at the same time have a connection each."""
        engine = await case.engine()

        async def backend() -> object:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT pg_sleep(0.02)"))
                return await connection.scalar(_PID)

        first, second = await asyncio.gather(backend(), backend())
        assert first != second, "two tasks worked on one connection at the same time"
        assert case.checked_out == 0, "a connection was not returned"

    @at.URLS.says("The password is not shown")
    async def test_password_is_not_shown(self, case: Case) -> None:
        """Neither an engine nor its URL shows the password when it is printed."""
        engine = await case.engine()
        password = case.witness.server.password
        shown = {"repr(engine)": repr(engine), "str(engine.url)": str(engine.url), "repr(engine.url)": repr(engine.url)}
        telling = [name for name, value in shown.items() if password in value]
        assert telling == [], "a password can be read"
