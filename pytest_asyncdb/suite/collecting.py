"""How pytest runs a suite: which async plugin, on which drivers, and which tests are expected to fail.

A plugin that is registered when the first suite of a run is collected; runs without one do not load it.
"""

from __future__ import annotations

import sys
from contextlib import closing
from difflib import get_close_matches
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from pytest_asyncdb.suite.contract import DRIVERS, Suite
from pytest_asyncdb.suite.statements import statement_of
from pytest_asyncdb.suite.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.model.server import Server

_NAME = "asyncdb-suite"
_INSTALL = {"asyncpg": "pip install asyncpg", "psycopg": "pip install 'pytest-asyncdb[psycopg]'"}


def prepare(collector: pytest.Collector, found: type) -> None:
    """Have the tests of a suite run by the async plugin that is there.

    Marks of the project decide; without any it is pytest-asyncio, in whichever mode, or else anyio's plugin.
    """
    if not issubclass(found, Suite):
        return
    plugins = collector.config.pluginmanager
    if not plugins.hasplugin(_NAME):
        plugins.register(sys.modules[__name__], _NAME)
    own = vars(found).get("pytestmark", [])
    marks = own if isinstance(own, list) else [own]
    chosen = {mark.name for mark in [*marks, *collector.iter_markers()]} & {"asyncio", "anyio"}
    if not chosen:
        mark = pytest.mark.asyncio if plugins.hasplugin("asyncio") else pytest.mark.anyio
        setattr(found, "pytestmark", [*marks, mark])  # noqa: B010 - a class of the project, which has no such attribute


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of a suite on each driver."""
    suite = metafunc.cls
    if suite is None or not issubclass(suite, Suite) or "driver" not in metafunc.fixturenames:
        return
    check(suite)
    test = metafunc.function
    metafunc.parametrize("driver", [_driver(suite, test, name) for name in suite.drivers], scope="class")
    if "anyio_backend" in metafunc.fixturenames:  # SQLAlchemy's async drivers know no other
        metafunc.parametrize("anyio_backend", ["asyncio"], ids=[pytest.HIDDEN_PARAM], scope="module")


def check(suite: type[Suite]) -> None:
    """Refuse names that mean nothing: a deviation of no test would hide nothing, and nobody would notice.

    Raises:
        pytest.UsageError: there is one.
    """
    for driver in suite.drivers:
        if driver not in DRIVERS:
            raise pytest.UsageError(f"{suite.__name__}.drivers: {driver!r} is none of {', '.join(DRIVERS)}")
    tests = [name for name in dir(suite) if name.startswith("test")]
    known = [*tests, *(f"{name}[{driver}]" for name in tests for driver in suite.drivers)]
    for name in suite.deviations:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise pytest.UsageError(f"{suite.__name__}.deviations: {name!r} is no test of it{hint}")


@pytest.fixture(scope="class")
def _asyncdb_suite(request: pytest.FixtureRequest, asyncdb_server: Server) -> Iterator[Witness]:
    """A database for the tests of a class, and who looks at it from outside."""
    from pytest_asyncdb.postgres.databases import fresh_name
    from pytest_asyncdb.serving import Serving

    serving = Serving.of(request.config)
    server = serving.databases(asyncdb_server).create(fresh_name())
    try:
        with closing(Witness(server)) as witness:
            witness.make(request.cls.metadata())
            yield witness
    finally:
        serving.release(asyncdb_server, server.database)


def _driver(suite: type[Suite], test: object, name: str) -> object:
    """The driver as a parameter, with what is known of the test on it."""
    marks: list[pytest.MarkDecorator] = []
    title = getattr(test, "__name__", "")
    why = suite.deviations.get(title) or suite.deviations.get(f"{title}[{name}]")
    if why:
        marks.append(pytest.mark.xfail(strict=True, reason=why))
    missing = _missing(test, name)
    if missing:
        marks.append(pytest.mark.skip(reason=missing))
    return pytest.param(name, marks=marks)


def _missing(test: object, driver: str) -> str:
    """Why a test cannot run on a driver in this environment."""
    import sqlalchemy

    if find_spec(driver) is None:
        return f"the driver {driver} is not installed: {_INSTALL[driver]}"
    statement = statement_of(test)
    version = tuple(int(part) for part in sqlalchemy.__version__.split(".") if part.isdigit())
    if statement is not None and statement.since > version:
        wanted = ".".join(map(str, statement.since))
        return f"documented since SQLAlchemy {wanted}, and {sqlalchemy.__version__} is installed"
    return ""
