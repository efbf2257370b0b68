"""What it costs to isolate a test: the fixtures against their peers and limits, interleaved, on one server.

Each way runs the same tests (20 tables, three inserts, a commit and a read, all tests on one event loop) in a pytest of
its own, which notes how long each test takes, its fixtures included, and how often a socket is written to:

- ``nothing``: an async test that does nothing; ``empty``: the same with ``asyncdb_session``, which it does not use;
- ``raw``: asyncpg's BEGIN and ROLLBACK around three inserts and a read;
- ``unisolated``: the same test, with a session of a fixture of its own that isolates nothing, so that the rows stay;
- ``no fixture``: the same, with a session that the test opens itself;
- ``rollback``: ``asyncdb_session``; ``recipe``: SQLAlchemy's documented recipe, a session that joins a transaction;
- ``truncate``: unisolated, and TRUNCATE of the tables that were touched; ``truncate all``: of all;
- ``database``: ``@pytest.mark.asyncdb(isolation="database")``, a copy of a template for each test;
- ``pytest-postgresql``, ``pytest-mock-resources``: their fixtures on the same server, when they are installed.

Two workers of pytest-xdist run ``unisolated``, ``rollback`` and ``database`` once more, with more tests, so that they
work side by side for seconds. They are compared with one process without xdist; the process that hands out the tests
and hears of each takes its part of the cores, too, and is what limits tests that take hardly longer than that.

Run ``python benchmarks/isolation.py [rounds] [tests]``, after ``pip install pytest-xdist pytest-postgresql
pytest-mock-resources python-on-whales psycopg2-binary``; the server is the one that ``--asyncdb-postgres=auto`` takes.
On a machine that does other work, the smallest CPU time and the writes are what can be compared.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from pytest_asyncdb.postgres.choose import choose

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.model.server import Server

CONFTEST = """
import asyncio.selector_events, json, os, time
import pytest, pytest_asyncio
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

METADATA = MetaData()
TABLES = [Table(f"t{n}", METADATA, Column("id", Integer, primary_key=True), Column("name", String)) for n in range(20)]
NOTED, WRITES = [], [0]
wrote = asyncio.selector_events._SelectorSocketTransport.write

def write(self, data):
    WRITES[0] += 1
    return wrote(self, data)

asyncio.selector_events._SelectorSocketTransport.write = write

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    began, before = time.time(), WRITES[0]
    took, worked = time.perf_counter(), time.process_time()
    result = yield
    took, worked = time.perf_counter() - took, time.process_time() - worked
    NOTED.append((took, worked, WRITES[0] - before, began, time.time()))
    return result

def pytest_sessionfinish(session):
    name = getattr(session.config, "workerinput", {}).get("workerid", "main")
    if NOTED:
        open(f"noted-{name}.json", "w").write(json.dumps(NOTED))

async def work(session):
    for table in TABLES[:3]:
        await session.execute(insert(table).values(name="one"))
    await session.commit()
    assert await session.scalar(select(TABLES[0].c.name).limit(1)) == "one"

@pytest.fixture(scope="session")
def asyncdb_metadata():
    return METADATA

@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine(asyncdb_url):
    engine = create_async_engine(asyncdb_url)
    yield engine
    await engine.dispose()
"""
HEAD = "import pytest\nfrom conftest import *\nMANY = pytest.mark.parametrize('time', range({tests}))\n\n"
UNISOLATED = """
@pytest_asyncio.fixture(loop_scope="session")
async def session(engine):
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session

@MANY
async def test_it(session, time):
    await work(session)
"""
NO_FIXTURE = """
@MANY
async def test_it(engine, time):
    async with AsyncSession(engine, expire_on_commit=False) as session:
        await work(session)
"""
TRUNCATE = (
    NO_FIXTURE
    + """        await session.execute(text("TRUNCATE {tables}"))
        await session.commit()
"""
)
MOCK = """
from pytest_mock_resources import PostgresConfig, create_postgres_fixture

@pytest.fixture(scope="session")
def pmr_postgres_config():
    where = dict(host={host!r}, port={port}, username={user!r}, password={password!r})
    return PostgresConfig(**where, root_database="postgres")

sessions = create_postgres_fixture(METADATA, async_=True, session=True)

@MANY
async def test_it(sessions, time):
    await work(sessions)
"""
PEER = """
from pytest_postgresql import factories

def load(**where):
    from sqlalchemy import create_engine
    url = "postgresql+psycopg://{{user}}:{{password}}@{{host}}:{{port}}/{{dbname}}".format(**where)
    engine = create_engine(url)
    METADATA.create_all(engine)
    engine.dispose()

server = factories.postgresql_noproc(
    host={host!r}, port={port}, user={user!r}, password={password!r}, dbname="peer", load=[load]
)
database = factories.postgresql("server")

@MANY
async def test_it(database, time):
    info = database.info
    url = f"postgresql+asyncpg://{{info.user}}:{{info.password}}@{{info.host}}:{{info.port}}/{{info.dbname}}"
    engine = create_async_engine(url)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        await work(session)
    await engine.dispose()
"""
WAYS = {
    "nothing": "@MANY\nasync def test_it(time): ...\n",
    "empty": "@MANY\nasync def test_it(asyncdb_session, time): ...\n",
    "raw": """
@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def connection(asyncdb_url):
    import asyncpg
    connection = await asyncpg.connect(asyncdb_url.libpq)
    yield connection
    await connection.close()

@MANY
async def test_it(connection, time):
    transaction = connection.transaction()
    await transaction.start()
    for number in range(3):
        await connection.execute(f"INSERT INTO t{{number}} (name) VALUES ($1)", "one")
    assert await connection.fetchval("SELECT name FROM t0 LIMIT 1") == "one"
    await transaction.rollback()
""",
    "unisolated": UNISOLATED,
    "no fixture": NO_FIXTURE,
    "rollback": "@MANY\nasync def test_it(asyncdb_session, time):\n    await work(asyncdb_session)\n",
    "recipe": """
@MANY
async def test_it(engine, time):
    async with engine.connect() as connection:
        outer = await connection.begin()
        async with AsyncSession(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session:
            await work(session)
        await outer.rollback()
""",
    "truncate": TRUNCATE.replace("{tables}", "t0, t1, t2"),
    "truncate all": TRUNCATE.replace("{tables}", ", ".join(f"t{number}" for number in range(20))),
    "database": """
@pytest.mark.asyncdb(isolation="database")
@MANY
async def test_it(asyncdb_session, time):
    await work(asyncdb_session)
""",
    "pytest-postgresql": PEER,
    "pytest-mock-resources": MOCK,
}
NEEDS = {"pytest-postgresql": "pytest_postgresql", "pytest-mock-resources": "pytest_mock_resources"}
SLOW = frozenset({"database", *NEEDS})
SIDE_BY_SIDE = ("unisolated", "rollback", "database")
MORE = 5
"""Times as many tests where workers are compared."""
WARM_UP = 5
INI = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
"""


@dataclass(frozen=True, slots=True)
class Took:
    """What one run noted."""

    seconds: float
    """A test, in the median."""
    cpu: float
    """Seconds of this process, without the server: what other load on the machine changes least."""
    writes: float
    """A test, in the median."""
    rate: float
    """Tests a second, of all workers."""


def main(rounds: int, tests: int) -> None:
    """Measure in turns, print medians and ratios."""
    with choose("auto").provider.serve() as server:
        ways = [way for way in WAYS if importlib.util.find_spec(NEEDS.get(way, "pytest"))]
        runs = [(way, 1) for way in ways] + [(way, 2) for way in SIDE_BY_SIDE]
        took: dict[tuple[str, int], list[Took]] = {run: [] for run in runs}
        for _ in range(rounds):
            for way, workers in runs:
                count = max(tests // 10, WARM_UP + 5) if way in SLOW else tests
                took[way, workers].append(_run(server, way, count * (MORE if workers > 1 else 1), workers))
    _print(took)


def _run(server: Server, way: str, tests: int, workers: int) -> Took:
    where = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "pytest.ini").write_text(INI)
        (directory / "conftest.py").write_text(CONFTEST)
        (directory / "test_it.py").write_text(HEAD.format(tests=tests) + WAYS[way].format(**where))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
        command += ["-n", str(workers)] if workers > 1 else []
        command += [f"--asyncdb-postgres={server.url()}"]
        env = os.environ | {"PYTHONPATH": os.pathsep.join([name, *filter(None, [os.environ.get("PYTHONPATH")])])}
        done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{way}:\n{done.stdout}{done.stderr}".replace(str(urlsplit(server.url()).password), "***"))
        noted = [json.loads(path.read_text())[WARM_UP:] for path in directory.glob("noted-*.json")]
    every = [one for worker in noted for one in worker]
    window = max(end for *_, end in every) - min(began for *_, began, _ in every)
    return Took(*(statistics.median(one[index] for one in every) for index in range(3)), len(every) / window)


def _print(took: dict[tuple[str, int], list[Took]]) -> None:
    base = statistics.median(one.seconds for one in took["rollback", 1])
    print(f"{'way':<22} {'ms a test':>9} {'smallest':>9} {'x rollback':>11} {'cpu ms':>7} {'writes':>7}")
    for (way, workers), several in took.items():
        if workers == 1:
            seconds = statistics.median(one.seconds for one in several)
            smallest = Took(*(min(values) for values in zip(*map(astuple, several), strict=True)))
            times = f"{seconds * 1000:>9.2f} {smallest.seconds * 1000:>9.2f} {seconds / base:>11.2f}"
            print(f"{way:<22} {times} {smallest.cpu * 1000:>7.2f} {smallest.writes:>7.0f}")
    print("\nof runs that followed each other, in the median (from, to); the goal")
    rounds = [dict(zip(took, one, strict=True)) for one in zip(*took.values(), strict=True)]
    for name, value, goal in GOALS:
        with suppress(KeyError):  # a peer that is not installed
            values = [value(one) for one in rounds]
            told = f"{statistics.median(values):.2f} ({min(values):.2f}, {max(values):.2f})"
            print(f"{name:<44} {told:>22}   {goal}")


Round: TypeAlias = dict[tuple[str, int], Took]
GOALS: tuple[tuple[str, Callable[[Round], float], str], ...] = (
    ("rollback / unisolated, time", lambda one: one["rollback", 1].seconds / one["unisolated", 1].seconds, "<= 1.10"),
    ("rollback / unisolated, CPU", lambda one: one["rollback", 1].cpu / one["unisolated", 1].cpu, ""),
    ("rollback / no fixture, time", lambda one: one["rollback", 1].seconds / one["no fixture", 1].seconds, ""),
    ("writes of rollback", lambda one: one["rollback", 1].writes, "<= 10"),
    ("empty - nothing, ms", lambda one: (one["empty", 1].seconds - one["nothing", 1].seconds) * 1000, "<= 0.4"),
    (
        "pytest-postgresql / rollback, time",
        lambda one: one["pytest-postgresql", 1].seconds / one["rollback", 1].seconds,
        ">= 15",
    ),
    ("-n 2 / one, unisolated, tests a second", lambda one: one["unisolated", 2].rate / one["unisolated", 1].rate, ""),
    ("-n 2 / one, rollback, tests a second", lambda one: one["rollback", 2].rate / one["rollback", 1].rate, ">= 1.6"),
    ("-n 2 / one, database, tests a second", lambda one: one["database", 2].rate / one["database", 1].rate, ""),
)


if __name__ == "__main__":
    main(*(int(one) for one in (sys.argv[1:] + ["3", "200"][len(sys.argv) - 1 :])))
