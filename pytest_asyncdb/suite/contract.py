"""What all suites have in common: what a maintainer says about the library, and where its tests run."""

from __future__ import annotations

from inspect import iscoroutinefunction, signature
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from pytest_asyncdb.suite.case import Case
from pytest_asyncdb.suite.kept import keep
from pytest_asyncdb.suite.statements import closed, statement_of
from pytest_asyncdb.suite.tables import Author, Base

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import MetaData
    from sqlalchemy.ext.asyncio import AsyncEngine

    from pytest_asyncdb.suite.witness import Witness

DRIVERS = ("asyncpg", "psycopg")


class Suite:
    """Tests of what SQLAlchemy documents. Each runs on each driver that is installed, and on each server of the run.

    A subclass says how the library under test makes its objects; its tests then are those of the suite, and its own.
    Methods that make something may be ``async``. Options that a method does not take are not tried: the tests that
    need them are skipped, with that reason.
    """

    drivers: ClassVar[tuple[str, ...]] = DRIVERS
    """What the tests run on."""
    deviations: ClassVar[Mapping[str, str]] = {}
    """Why the library differs in what a test expects, on purpose: by the test's name, ``test_...``, or by that and a
    driver, ``test_...[psycopg]``. Such a test is expected to fail; when it passes, that is told."""
    model: ClassVar[type] = Author
    """A mapped class with the columns ``id`` (a generated primary key) and ``name``, for libraries with classes of
    their own."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Have the tests that a subclass adds close what they made."""
        super().__init_subclass__(**options)
        for name, test in tuple(vars(cls).items()):
            added = name.startswith("test") and iscoroutinefunction(test) and statement_of(test) is None
            if added and "case" in signature(test).parameters:
                setattr(cls, name, closed(test))

    def new(self, name: str) -> Any:
        """An object of ``model`` with a name, in no session."""
        return self.model(name=name)

    def create_engine(self, url: str, **options: Any) -> AsyncEngine:
        """An async engine of the library. The options are those of ``create_async_engine``."""
        from sqlalchemy.ext.asyncio import create_async_engine

        return create_async_engine(url, **options)

    def create_session_factory(self, engine: AsyncEngine, **options: Any) -> Any:
        """A session factory of the library. The options are those of ``async_sessionmaker``."""
        from sqlalchemy.ext.asyncio import async_sessionmaker

        return async_sessionmaker(engine, **options)

    @classmethod
    def metadata(cls) -> tuple[MetaData, ...]:
        """Of the tables that the tests need."""
        model: Any = cls.model
        return tuple({id(one): one for one in (Base.metadata, model.metadata)}.values())

    @pytest.fixture
    def case(self, driver: str, _asyncdb_suite: Witness, request: pytest.FixtureRequest) -> Iterator[Case]:
        """What a test works with; a test of one's own in the class may ask for it, too."""
        case = Case(self, _asyncdb_suite, driver)
        yield case
        if case.keep_as:
            keep(request, case)
