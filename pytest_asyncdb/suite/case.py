"""What a test of a suite works with: objects of the library under test, and ways to see what they did."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_asyncdb.suite.loans import Loans
from pytest_asyncdb.suite.tables import Author

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.ext.asyncio import AsyncEngine

    from pytest_asyncdb.fixtures.server import DatabaseURL
    from pytest_asyncdb.suite.contract import Suite
    from pytest_asyncdb.suite.witness import Witness

_PATIENCE = 2.0
"""Seconds for what the server notices a little later."""
_STEP = 0.005


class Case:
    """Made for one test, on one driver and server.

    Args:
        suite: the instance of the test.
        witness: of its database.
        driver: ``asyncpg`` or ``psycopg``.
    """

    def __init__(self, suite: Suite, witness: Witness, driver: str) -> None:
        """Begin with empty tables."""
        witness.clean()
        self.suite = suite
        self.witness = witness
        self.driver = driver
        self.keep_as = ""
        """The database in which what the test committed is to be kept."""
        self.loans = Loans()
        self._engines: list[AsyncEngine] = []

    def __repr__(self) -> str:
        """As it is called in the tests, for the messages of those that fail."""
        return "case"

    @property
    def checked_out(self) -> int:
        """How many connections are checked out of a pool, of whatever engine."""
        return len(self.loans)

    @property
    def url(self) -> DatabaseURL:
        """Of the database."""
        return self.witness.url(self.driver)

    async def engine(self, **options: Any) -> AsyncEngine:
        """An engine of the library; closed after the test."""
        engine: AsyncEngine = await self.made(self.suite.create_engine, self.url, **options)
        self._engines.append(engine)
        return engine

    async def factory(self, *, engine: AsyncEngine | None = None, **options: Any) -> Any:
        """A session factory of the library, on a new engine if none is given."""
        bind = engine or await self.engine()
        return await self.made(self.suite.create_session_factory, bind, **options)

    async def made(self, hook: Callable[..., Any], *arguments: object, **options: Any) -> Any:
        """What a method of the suite makes; one that does not take the options can't be judged by them."""
        try:
            inspect.signature(hook).bind(*arguments, **options)
        except TypeError as error:
            pytest.skip(f"{hook.__qualname__}: {error}; what it would do with {', '.join(options)} can't be tried")
        made = hook(*arguments, **options)
        if inspect.isawaitable(made):
            made = await made
        if made is None:
            pytest.fail(f"{hook.__qualname__}() returned None: return what it makes", pytrace=False)
        return made

    def new(self, name: str) -> Any:
        """An object that is in no session yet."""
        return self.suite.new(name)

    def committed(self) -> list[object]:
        """The names of the rows of the suite's model that everyone sees."""
        model: Any = self.suite.model
        return self.witness.names(model.__table__)

    def authors(self) -> list[object]:
        """The names of the authors that everyone sees."""
        author: Any = Author
        return self.witness.names(author.__table__)

    async def eventually(self, look: Callable[[], bool]) -> bool:
        """Whether something becomes true before patience ends."""
        end = asyncio.get_running_loop().time() + _PATIENCE
        while not look():
            if asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(_STEP)
        return True

    async def sleeping(self) -> None:
        """Wait until a connection executes ``pg_sleep``."""
        asleep = await self.eventually(lambda: any("pg_sleep" in one.query for one in self.witness.backends()))
        assert asleep, "the statement that was to be interrupted did not reach the server"

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """What is executed meanwhile, on any engine."""
        from sqlalchemy import Engine, event

        seen: list[str] = []

        def execute(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        event.listen(Engine, "before_cursor_execute", execute)
        try:
            yield seen
        finally:
            event.remove(Engine, "before_cursor_execute", execute)

    async def close(self) -> None:
        """Close what the test made and what it left open."""
        from sqlalchemy.util import greenlet_spawn

        await self.loans.close()
        for engine in self._engines:
            await greenlet_spawn(engine.sync_engine.dispose)  # the engine's own method is one of those under test
