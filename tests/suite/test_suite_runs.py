"""The suites on what SQLAlchemy itself makes: under each async plugin, with workers, on several servers."""

from __future__ import annotations

import re

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from pytest_asyncdb.suite import SessionFactorySuite
from pytest_asyncdb.suite.case import Case
from pytest_asyncdb.suite.collecting import check

ALL = """
import pytest_asyncdb

class TestSessions(pytest_asyncdb.suite.SessionFactorySuite): ...

class TestEngines(pytest_asyncdb.suite.EngineSuite): ...

class TestDependency(pytest_asyncdb.suite.DependencySuite): ...

class TestApp(pytest_asyncdb.suite.ASGISuite): ...
"""
MIXED = """
import pytest
import pytest_asyncdb

class Few(pytest_asyncdb.suite.DependencySuite): ...

class TestUnmarked(Few): ...

@pytest.mark.asyncio(loop_scope="class")
class TestClassLoop(Few): ...

@pytest.mark.asyncio(loop_scope="session")
class TestSessionLoop(Few): ...

@pytest.mark.anyio
class TestAnyio(Few): ...
"""
LIFESPAN = """
from contextvars import ContextVar
import pytest_asyncdb
from pytest_asyncdb.suite.plain import PlainApp

PREFIX = ContextVar("PREFIX")

class WithVariables(PlainApp):
    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            PREFIX.set("set at startup")
            scope["state"]["also"] = "state"
        else:
            assert PREFIX.get() == "set at startup"
            assert scope["state"] == {"also": "state"}
        await super().__call__(scope, receive, send)

class TestApp(pytest_asyncdb.suite.ASGISuite):
    def create_app(self, url, work):
        return WithVariables(self.create_engine(url), work)
"""
FEW = ("-k", "own_commit or cancelled")


@pytest.fixture(scope="module")
def drivers():
    pytest.importorskip("psycopg")
    return ("asyncpg", "psycopg")


def test_what_sqlalchemy_makes_conforms(suites, drivers):
    run = suites(ALL, "-p", "no:anyio")
    assert run.code == 0, run.output
    names = {test for _, test in run.tests("PASSED")}
    assert {"test_commit_makes_work_visible", "test_dispose_closes_what_is_in_the_pool"} <= names
    assert run.output.count("[asyncpg] PASSED") == run.output.count("[psycopg] PASSED") > len(drivers)


@pytest.mark.parametrize(
    ("mode", "arguments"), [("strict", ()), ("auto", ("-n", "2"))], ids=["strict", "auto, two workers"]
)
def test_each_async_plugin_and_loop_scope_runs_them(suites, mode, arguments):
    run = suites(MIXED, *arguments, *FEW, ini=f"asyncio_mode = {mode}")
    assert run.code == 0, run.output
    tests = run.output.count("::TestUnmarked::test_own_commit_is_kept[asyncpg]")
    assert tests > 0
    for name in ("TestClassLoop", "TestSessionLoop", "TestAnyio"):
        assert run.output.count(f"::{name}::test_own_commit_is_kept[asyncpg]") == tests, run.output
    assert "trio" not in run.output


def test_requests_have_what_the_lifespan_has_set(suites):
    run = suites(LIFESPAN, "-k", "asyncpg")
    assert run.code == 0, run.output
    assert ("TestApp", "test_session_is_closed_at_the_end") in run.tests("PASSED")


def test_anyio_alone_runs_them(suites):
    tests = "import pytest_asyncdb\nclass TestAnyio(pytest_asyncdb.suite.DependencySuite): ...\n"
    run = suites(tests, "-p", "no:asyncio", *FEW, **{"pytest.ini": "[pytest]\n"})
    assert run.code == 0, run.output
    assert "::TestAnyio::test_own_commit_is_kept[psycopg] PASSED" in run.output


def test_each_server_of_the_run_is_tried(suites):
    tests = "import pytest_asyncdb\nclass TestEngines(pytest_asyncdb.suite.EngineSuite): ...\n"
    run = suites(tests, "--asyncdb-postgres=embedded,local", "-k", "begin_commits and asyncpg")
    assert run.code == 0, run.output
    for name in ("[asyncpg-embedded]", "[asyncpg-local]"):
        assert f"test_begin_commits_at_the_end{name} PASSED" in run.output


HALF = """
import pytest_asyncdb
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker

class TestHalf(pytest_asyncdb.suite.SessionFactorySuite):
    deviations = {
        "test_commit_expires_objects_by_default": "objects are kept, as is advised for asyncio",
        "test_bind_is_the_engine": "nothing differs",
    }

    async def create_session_factory(self, engine):
        return async_sessionmaker(engine, expire_on_commit=False)

    async def test_own(self, case, tmp_path):
        engine = await case.engine()
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1
        assert case.driver in case.url
        type(self).engine = engine

    async def test_own_is_closed_afterwards(self, case):
        assert self.engine.pool.checkedin() == 0
"""
WITHOUT_PSYCOPG = """
from importlib.util import find_spec
from pytest_asyncdb.suite import collecting

collecting.find_spec = lambda name: None if name == "psycopg" else find_spec(name)
"""


def test_what_a_maintainer_says_about_the_library_is_heeded(suites):
    chosen = "by_default or bind_is_the_engine or configuration_holds or own or begin_commits_and"
    run = suites(HALF, "-rxs", "-k", chosen, **{"conftest.py": WITHOUT_PSYCOPG})
    assert run.code == 1, run.output
    assert "test_commit_expires_objects_by_default[asyncpg] XFAIL" in run.output
    assert "objects are kept, as is advised for asyncio" in run.output
    assert "[XPASS(strict)] nothing differs" in run.output
    assert "test_own[asyncpg] PASSED" in run.output
    assert "test_own_is_closed_afterwards[asyncpg] PASSED" in run.output
    said = " ".join(run.output.split())
    assert "the driver psycopg is not installed: pip install 'pytest-asyncdb[psycopg]'" in said
    assert "TestHalf.create_session_factory: got an unexpected keyword argument 'autoflush'" in said
    assert "what it would do with autoflush, expire_on_commit can't be tried" in said


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            {"deviations": {"test_comit_returns_the_connection": "why"}},
            "did you mean 'test_commit_returns_the_connection'?",
        ),
        (
            {"deviations": {"test_stream[sqlite]": "why"}},
            "TestWrong.deviations: 'test_stream[sqlite]' is no test of it",
        ),
        ({"drivers": ("asyncpg", "psycopg2")}, "TestWrong.drivers: 'psycopg2' is none of asyncpg, psycopg"),
    ],
)
def test_names_that_mean_nothing_are_refused(said, told):
    with pytest.raises(pytest.UsageError, match=re.escape(told)):
        check(type("TestWrong", (SessionFactorySuite,), said))
    check(
        type("TestRight", (SessionFactorySuite,), {"deviations": {"test_stream[asyncpg]": "why", "test_merge": "why"}})
    )


@pytest.mark.asyncio
async def test_a_method_that_returns_nothing_is_named():
    class TestForgets(SessionFactorySuite):
        def create_session_factory(self, engine, **options):
            async_sessionmaker(engine, **options)

    witness = type("Nobody", (), {"clean": lambda _: None, "url": lambda *_: "postgresql+asyncpg://"})()
    with pytest.raises(pytest.fail.Exception, match=r"TestForgets\.create_session_factory\(\) returned None: return"):
        await Case(TestForgets(), witness, "asyncpg").factory()
