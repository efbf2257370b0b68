"""The fixtures as pytest sees them: names, scopes and what needs what. Bodies import what they need when they run."""

from __future__ import annotations

import os
import sys
from types import ModuleType

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from contextlib import AbstractContextManager
    from os import PathLike
    from typing import TypedDict

    from httpx import AsyncClient
    from sqlalchemy import Engine, MetaData
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
    from sqlalchemy.orm import Session

    from pytest_asyncdb.fixtures.current import Database, DatabaseFactory
    from pytest_asyncdb.fixtures.isolation import Isolation
    from pytest_asyncdb.fixtures.server import DatabaseURL
    from pytest_asyncdb.model.server import Server

    class Parameters(TypedDict, total=False):
        """Of a fixture."""

        params: tuple[str, ...]
        ids: list[str]


def fixtures(config: pytest.Config) -> ModuleType:
    """The fixtures, as a module that pytest reads them from.

    Their bodies live in ``pytest_asyncdb.fixtures`` and are imported by the first test that uses one. They are
    synchronous, so that they are the same whichever plugin runs a test; only the event loop of a test is had from a
    fixture of that plugin, which is taken from those that pytest has loaded already, never imported here.
    """
    module = ModuleType("asyncdb_fixtures")
    named = vars(module)
    function: Callable[..., object]
    named["asyncdb_server"] = pytest.fixture(scope="session", **_each_server(config))(asyncdb_server)
    for function in (asyncdb_metadata, asyncdb_migrations, asyncdb_url, asyncdb_database_factory):
        named[function.__name__] = pytest.fixture(scope="session")(function)
    for function in (
        _asyncdb_test,
        asyncdb_engine,
        asyncdb_sessionmaker,
        asyncdb_session,
        asyncdb_sync_engine,
        asyncdb_sync_session,
        asyncdb_database,
        asyncdb_redirect,
        asyncdb_app,
        asyncdb_client,
    ):
        named[function.__name__] = pytest.fixture(function)
    if config.pluginmanager.hasplugin("asyncio"):
        fixture: Callable[..., Callable[..., object]] = sys.modules["pytest_asyncio"].fixture
        for scope in ("function", "class", "module", "package", "session"):
            named[f"_asyncdb_{scope}_loop"] = fixture(scope=scope, loop_scope=scope)(_running_loop())
    if config.pluginmanager.hasplugin("anyio"):
        named["_asyncdb_anyio_loop"] = pytest.fixture(_asyncdb_anyio_loop)
    return module


def _each_server(config: pytest.Config) -> Parameters:
    """What parametrises `asyncdb_server` when several servers are asked for; a URL may have commas, too."""
    asked: str | None = config.getoption("asyncdb_postgres") or os.environ.get("PYTEST_ASYNCDB_POSTGRES")
    if "," not in (asked or config.getini("asyncdb_postgres")):
        return {}
    from pytest_asyncdb.options import requests_of
    from pytest_asyncdb.postgres.request import label

    requests = requests_of(config)
    return {"params": requests, "ids": [label(one) for one in requests]} if len(requests) > 1 else {}


def _running_loop() -> Callable[[], Awaitable[AbstractEventLoop]]:
    """A function that gives the event loop it runs in; a new one for each scope, because pytest-asyncio marks it."""

    async def loop() -> AbstractEventLoop:
        from asyncio import get_running_loop

        return get_running_loop()

    return loop


async def _asyncdb_anyio_loop(anyio_backend: object) -> AsyncIterator[AbstractEventLoop]:  # noqa: ARG001 - has anyio run it
    """The event loop in which anyio runs the test, open until the fixtures are done."""
    from asyncio import get_running_loop

    yield get_running_loop()


def asyncdb_server(request: pytest.FixtureRequest) -> Server:
    """A throwaway Postgres: address, credentials, version. One a run, shared by all xdist workers."""
    from pytest_asyncdb.fixtures.server import server_of

    return server_of(request.config, getattr(request, "param", None))


def asyncdb_metadata() -> MetaData | None:
    """Where the tables come from: override it to return `Base.metadata`. Without it there are none."""
    return None


def asyncdb_migrations() -> str | PathLike[str] | Callable[[str], object] | None:
    """Where the tables come from instead: override it to return alembic's directory, or a function that takes a URL."""
    return None


def asyncdb_url(asyncdb_server: Server, request: pytest.FixtureRequest) -> Iterator[DatabaseURL]:
    """URL of a database on `asyncdb_server`, for asyncpg (`.psycopg`, `.libpq`); one a session and xdist worker.

    Fixtures that are needed once are asked for by the body: pytest goes through those in the arguments in each test.
    """
    from pytest_asyncdb.fixtures.copies import serve

    yield from serve(asyncdb_server, request)


def asyncdb_database_factory(
    asyncdb_url: DatabaseURL,  # noqa: ARG001 - its server is the one
    request: pytest.FixtureRequest,
) -> Callable[..., AbstractContextManager[Database]]:
    """A function that lends real databases with the project's tables, for fixtures of several tests: `with` one."""
    from pytest_asyncdb.fixtures.current import lender

    return lender(request.config)


def asyncdb_app(request: pytest.FixtureRequest) -> object:
    """The ASGI app of `asyncdb_client`: what the setting `asyncdb_app` names, or a fixture of the project."""
    from pytest_asyncdb.fixtures.client import app_of

    return app_of(request.config)


def _asyncdb_test(request: pytest.FixtureRequest, asyncdb_url: DatabaseURL) -> Iterator[Isolation]:
    """What the fixtures of one test share: its event loop, and its transaction or database."""
    from pytest_asyncdb.fixtures.current import isolate

    yield from isolate(request, asyncdb_url)


def asyncdb_engine(_asyncdb_test: Isolation) -> AsyncEngine:
    """An async engine whose connections all work inside the transaction of the test."""
    from pytest_asyncdb.fixtures.engines import engine_of

    return engine_of(_asyncdb_test)


def asyncdb_sessionmaker(asyncdb_engine: AsyncEngine, _asyncdb_test: Isolation) -> async_sessionmaker[AsyncSession]:
    """A session factory on `asyncdb_engine`."""
    from pytest_asyncdb.fixtures.engines import make_sessionmaker

    return make_sessionmaker(_asyncdb_test, asyncdb_engine)


def asyncdb_session(asyncdb_sessionmaker: async_sessionmaker[AsyncSession], _asyncdb_test: Isolation) -> AsyncSession:
    """A session whose work is gone after the test, committed or not."""
    from pytest_asyncdb.fixtures.engines import open_session

    return open_session(_asyncdb_test, asyncdb_sessionmaker)


def asyncdb_sync_engine(_asyncdb_test: Isolation) -> Engine:
    """A synchronous engine whose connections all work inside the transaction of the test."""
    from pytest_asyncdb.fixtures.engines import sync_engine_of

    return sync_engine_of(_asyncdb_test)


def asyncdb_sync_session(asyncdb_sync_engine: Engine, _asyncdb_test: Isolation) -> Session:
    """A synchronous session whose work is gone after the test, committed or not."""
    from pytest_asyncdb.fixtures.engines import open_sync_session

    return open_sync_session(_asyncdb_test, asyncdb_sync_engine)


def asyncdb_database(_asyncdb_test: Isolation) -> Iterator[DatabaseFactory]:
    """A function that makes real databases with the project's tables, for real commits or several connections."""
    from pytest_asyncdb.fixtures.current import factory

    yield from factory(_asyncdb_test)


def asyncdb_redirect(_asyncdb_test: Isolation, request: pytest.FixtureRequest) -> Iterator[None]:
    """Has every SQLAlchemy engine on Postgres, whatever its URL, work on the database of the test."""
    from pytest_asyncdb.fixtures.redirect import redirect
    from pytest_asyncdb.options import settings_of

    yield from redirect(_asyncdb_test, lambda: settings_of(request.config).allow)


def asyncdb_client(
    asyncdb_redirect: None,  # noqa: ARG001 - before the app is imported
    asyncdb_app: object,
    _asyncdb_test: Isolation,
    request: pytest.FixtureRequest,
) -> Iterator[AsyncClient]:
    """An httpx client on the app of `asyncdb_app`, whose lifespan has really run."""
    from pytest_asyncdb.fixtures.client import serve_client

    yield from serve_client(asyncdb_app, _asyncdb_test, request.config)
