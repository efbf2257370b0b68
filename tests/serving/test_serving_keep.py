"""``--asyncdb-keep``: what a failed test had can be looked at after the run, for a while."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import time
from pathlib import Path

import psycopg
import pytest

from pytest_asyncdb.postgres.choose import choose
from pytest_asyncdb.postgres.databases import drop_abandoned, drop_database

TESTS = """
import asyncio
import pytest
from conftest import query

@pytest.mark.parametrize("number", range(4))
def test_it(seen, asyncdb_url, number):
    query(asyncdb_url, f"CREATE TABLE test_{number} ()")
    assert number != 2

def test_idle():
    assert 0
"""
PSQL = re.compile(r"^    (?:PGPASSFILE=(\S+) )?psql -h (\S+) -p (\d+) -U postgres (asyncdb_\w+)$", re.MULTILINE)
END = re.compile(r"lives until \d\d:\d\d; to end it now: rm (\S+)$", re.MULTILINE)


@pytest.fixture
def failing(project):
    project.write(test_it=TESTS)
    yield project
    for workspace in {one[2] for one in project.seen}:
        Path(workspace, "keep").unlink(missing_ok=True)


def connect(passfile, host, port, database):
    return psycopg.connect(host=host, port=port, user="postgres", dbname=database, passfile=passfile)


def wait_until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    assert condition()


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_the_database_of_a_failed_test_outlives_the_run_until_it_is_let_go(failing, workers):
    run = failing.pytest("--asyncdb-keep", workers)
    assert run.code == 1
    run.says("asyncdb: kept databases", "\ntest_it.py::test_it[2]\n    PGPASSFILE=")
    assert "test_idle\n" not in run.output
    (found,) = PSQL.findall(run.output)
    with connect(*found) as connection:
        assert connection.execute("SELECT to_regclass('test_2')").fetchone() == ("test_2",)
    passfile = Path(found[0])
    assert passfile.stat().st_mode & 0o077 == 0
    assert passfile.read_text().rpartition(":")[2].strip() not in run.output
    Path(*shlex.split(END.search(run.output)[1])).unlink()
    wait_until(lambda: not passfile.parents[1].exists())
    assert not listens(found[2])


def listens(port):
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", int(port))) == 0


@pytest.mark.parametrize("provider", ["embedded", "docker"])
def test_its_time_is_limited(failing, provider, request):
    if provider == "docker":
        request.getfixturevalue("docker")
    run = failing.pytest("--asyncdb-keep", f"--asyncdb-postgres={provider}", PYTEST_ASYNCDB_KEEP_MINUTES="0.08")
    (found,) = PSQL.findall(run.output)
    with connect(*found) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    wait_until(lambda: not Path(found[0]).parents[1].exists(), 20)
    assert not listens(found[2])


@pytest.fixture
def docker():
    from pytest_asyncdb.postgres.docker import Docker

    why = Docker(pull=False).unusable()
    if why and os.environ.get("CI") == "true":
        pytest.fail(f"docker must be testable in CI: {why}")
    if why:
        pytest.skip(why)


def test_of_databases_of_a_tests_own_those_of_failed_tests_are_kept(failing):
    failing.write(
        test_it="""
        import pytest
        from sqlalchemy import text

        @pytest.mark.asyncdb(isolation="database")
        @pytest.mark.parametrize("number", range(3))
        @pytest.mark.asyncio
        async def test_own(asyncdb_session, seen, number):
            await asyncdb_session.execute(text(f"CREATE TABLE own_{number} ()"))
            await asyncdb_session.commit()
            assert number != 1

        @pytest.mark.asyncio
        async def test_made(asyncdb_database):
            made = asyncdb_database()
            async with made.engine.begin() as connection:
                await connection.execute(text("CREATE TABLE made ()"))
            assert 0
        """
    )
    run = failing.pytest("--asyncdb-keep", "-p", "no:randomly")
    run.says("2 failed, 2 passed", "\ntest_it.py::test_own[1]\n", "\ntest_it.py::test_made\n")
    tables = set()
    for found in PSQL.findall(run.output):
        with connect(*found) as connection:
            query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            tables |= {name for (name,) in connection.execute(query)}
    assert tables == {"own_1", "made"}
    with connect(*found) as connection:
        left = {name for (name,) in connection.execute("SELECT datname FROM pg_database") if "asyncdb" in name}
    assert len(left) == 3  # and the one that all tests share


IN_A_TRANSACTION = """
import psycopg
import pytest
from sqlalchemy import (
    JSON, Column, Computed, ForeignKey, Identity, Integer, MetaData, String, Table, insert, select, text
)

METADATA = MetaData()
A = Table(
    "a", METADATA, Column("id", Integer, Identity(always=True), primary_key=True), Column("x, y", String, unique=True),
    Column("twice", Integer, Computed("id * 2")), Column("more", JSON),
)
B = Table("b", METADATA, Column("id", Integer, primary_key=True), Column("a", ForeignKey("a.id")))

@pytest.fixture(scope="session")
def asyncdb_metadata():
    return METADATA

@pytest.fixture(scope="session", autouse=True)
def seeded(asyncdb_url):
    with psycopg.connect(asyncdb_url.libpq) as connection:
        connection.execute('INSERT INTO a ("x, y") VALUES (%s)', ["seeded"])

async def add(session, value):
    values = {"x, y": value, "more": {"a": [1, None]}}
    number = await session.scalar(insert(A).values(values).returning(A.c.id))
    await session.execute(insert(B).values(id=number, a=number))

@pytest.mark.asyncio
async def test_uncommitted(asyncdb_session):
    await add(asyncdb_session, "it's \\\\ (1,)")
    assert 0

@pytest.mark.asyncio
async def test_aborted(asyncdb_session):
    await add(asyncdb_session, "committed")
    await asyncdb_session.commit()
    await add(asyncdb_session, "not committed")
    await add(asyncdb_session, "not committed")

@pytest.mark.asyncio
async def test_first_statement(asyncdb_session):
    await add(asyncdb_session, "seeded")

def test_sync(asyncdb_sync_session):
    asyncdb_sync_session.execute(text("DELETE FROM a"))
    assert 0

@pytest.mark.asyncio
async def test_own_table(asyncdb_session):
    await asyncdb_session.execute(text("CREATE TABLE own AS SELECT 1 AS number"))
    assert 0

@pytest.mark.asyncio
async def test_nothing(asyncdb_session):
    assert 0

@pytest.mark.asyncio
async def test_passes(asyncdb_session):
    assert (await asyncdb_session.scalars(select(A.c["x, y"]))).all() == ["seeded"]

@pytest.mark.asyncio
async def test_left(asyncdb_session):
    await add(asyncdb_session, "left")
    test_left.kept = await asyncdb_session.bind.connect()

@pytest.mark.asyncio
async def test_connected(asyncdb_session, asyncdb_url):
    await add(asyncdb_session, "other")
    test_connected.other = psycopg.connect(asyncdb_url.libpq)
    assert 0
"""


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_what_a_failed_test_saw_in_its_transaction_is_kept(failing, workers, request):
    failing.write(test_it=IN_A_TRANSACTION)
    run = failing.pytest("--asyncdb-keep", "-p", "no:randomly", "--dist=loadfile", workers)
    request.addfinalizer(Path(*shlex.split(END.search(run.output)[1])).unlink)
    run.says("7 failed, 2 passed, 2 errors")
    saw = {}
    for test, *found in re.findall(rf"^test_it.py::(\w+)\n{PSQL.pattern[1:-1]}$", run.output, re.MULTILINE):
        with connect(*found) as connection:
            rows = connection.execute('SELECT a."x, y", twice - 2 * a.id, more, b.a FROM a LEFT JOIN b ON b.a = a.id')
            saw[test] = {row[0]: row[1:3] if row[3] else () for row in rows}
    more = (0, {"a": [1, None]})
    assert saw == {
        "test_uncommitted": {"seeded": (), "it's \\ (1,)": more},
        "test_aborted": {"seeded": (), "committed": more},
        "test_first_statement": {"seeded": ()},
        "test_sync": {},
    }
    for test, reason in {
        "test_own_table": "the tables that the test made are gone with its transaction: public.own",
        "test_nothing": "the transaction of the test is empty: it wrote nothing, or rolled it back itself",
        "test_left": "the test failed in its teardown, which is too late to keep what it saw",
        "test_connected": "the database of `asyncdb_url` cannot be copied while other connections to it are open",
    }.items():
        run.says(f"test_it.py::{test}\n    not kept: {reason}\n")
    run.says('asyncdb: a test with @pytest.mark.asyncdb(isolation="database") is kept in any case')


def test_nothing_is_kept_when_nothing_failed_or_nobody_asked(failing):
    run = failing.pytest("--asyncdb-keep", "--deselect=test_it.py::test_it[2]", "--deselect=test_it.py::test_idle")
    assert (run.code, "kept databases" in run.output) == (0, False)
    assert "kept databases" not in failing.pytest().output
    for _, _, workspace in failing.seen:
        wait_until(lambda directory=Path(workspace).parent: not directory.exists())


def test_a_killed_run_keeps_nothing(failing):
    failing.write(test_that="import time\ndef test_that(): time.sleep(60)")
    process = failing.start("--asyncdb-keep", "test_it.py", "test_that.py")
    try:
        wait_until(lambda: len(failing.seen) == 4, 30)
        process.send_signal(signal.SIGKILL)
        process.wait()
    finally:
        process.kill()
        process.stdout.close()
    wait_until(lambda: not Path(failing.seen[0][2]).parent.exists())


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_on_a_server_of_the_user_the_database_stays_and_no_later_run_drops_it(failing, workers):
    with choose("embedded").provider.serve() as server:
        run = failing.pytest("--asyncdb-keep", workers, PYTEST_ASYNCDB_POSTGRES=server.url())
        run.says("asyncdb: these databases stay on your server until you drop them", "\ntest_it.py::test_it[2]\n")
        ((_, host, port, database),) = PSQL.findall(run.output)
        assert (host, int(port)) == (server.host, server.port)
        assert server.password not in run.output
        with psycopg.connect(server.with_database(database).url()) as connection:
            assert connection.execute("SELECT to_regclass('test_2')").fetchone() == ("test_2",)
            names = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        assert names == {"postgres", "template0", "template1", database}
        assert drop_abandoned(server) == ()
        drop_database(server, database)


def test_a_wrong_limit_is_refused(failing):
    run = failing.pytest("--asyncdb-keep", PYTEST_ASYNCDB_KEEP_MINUTES="soon")
    assert run.code == 4
    run.says("PYTEST_ASYNCDB_KEEP_MINUTES: 'soon' is no number of minutes above 0")
