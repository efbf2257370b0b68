"""One server for a whole run, however its tests are spread over processes, and whatever becomes of these."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import psycopg
import pytest

from pytest_asyncdb.postgres.choose import choose

TESTS = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_it(seen, number): ...
"""


@pytest.mark.parametrize(
    ("arguments", "databases"),
    [
        ((), 1),
        (("-p", "no:xdist"), 1),
        (("-n0",), 1),
        (("-n2",), 2),
        (("-n2", "--dist=loadfile"), 2),
        (("-n2", "--dist=loadscope"), 2),
        (("-n2", "--dist=worksteal"), 2),
        (("--dist=each", "--tx=2*popen"), 2),
    ],
    ids=lambda value: " ".join(value) or "alone" if isinstance(value, tuple) else str(value),
)
def test_one_server_and_a_database_for_each_worker(project, arguments, databases):
    project.write(test_one=TESTS, test_two=TESTS)
    run = project.pytest(*arguments)
    assert run.code == 0, run.output
    ports, names, workspaces = (set(column) for column in zip(*project.seen, strict=True))
    assert (len(ports), len(names)) == (1, databases)
    assert {name.rpartition("_")[2] for name in names} == ({"gw0", "gw1"} if databases == 2 else {"main"})
    run.says("asyncdb: Postgres ", "ready in ", "driver asyncpg ")
    assert run.output.count("asyncdb: Postgres ") == 1
    assert not Path(*workspaces).exists()


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_no_server_is_started_unless_a_test_asks(project, workers):
    project.write(test_idle="def test_it(): ...", test_other="def test_it(asyncdb_server): ...")
    wrong = "--asyncdb-postgres=nothing"
    idle = project.pytest(workers, wrong, "test_idle.py")
    assert (idle.code, "asyncdb: " in idle.output) == (0, False)
    asked = project.pytest(workers, wrong)
    assert asked.code == 1
    asked.says("1 passed, 1 error", "is none of auto, embedded, docker, local")
    assert "Traceback" not in asked.output


@pytest.mark.parametrize(("workers", "databases"), [("-n1", {2}), ("-n2", {2, 3})])
def test_a_killed_worker_loses_nothing(project, workers, databases):
    project.write(
        test_it="""
        import os, pytest, signal

        @pytest.mark.parametrize("number", range(12))
        def test_it(seen, number):
            if number == 5:
                os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    run = project.pytest(workers)
    run.says("1 failed, 11 passed", "crashed")
    assert len(project.seen) == 12
    assert len({port for port, *_ in project.seen}) == 1
    assert len({database for _, database, _ in project.seen}) in databases


def test_the_first_failure_ends_the_run_and_the_server(project):
    project.write(test_it="def test_it(seen): assert 0\ndef test_that(seen): assert 0")
    run = project.pytest("-n2", "--maxfail=1")
    assert run.code in {1, 2}
    assert_gone(*project.seen[0])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["SIGKILL", "Ctrl-C"])
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_killed_run_leaves_nothing(project, workers, number):
    project.write(test_it="import time\ndef test_it(seen): time.sleep(60)\ndef test_that(seen): time.sleep(60)")
    process = project.start(workers)
    wanted = 2 if workers == "-n2" else 1
    try:
        end = time.monotonic() + 30
        while len(project.seen) < wanted and time.monotonic() < end:
            time.sleep(0.05)
        if number == signal.SIGINT:  # a terminal sends it to all of them
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        process.wait(timeout=90)  # xdist takes its time to end its workers
    finally:
        process.kill()
        process.stdout.close()
    assert len(project.seen) == wanted
    for one in project.seen:
        assert_gone(*one)


def assert_gone(port, _database, workspace, seconds=10.0):
    end = time.monotonic() + seconds
    directory = Path(workspace).parent
    while time.monotonic() < end and (directory.exists() or listens(port)):
        time.sleep(0.02)
    assert (directory.exists(), listens(port)) == (False, False)


def listens(port):
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", int(port))) == 0


def test_on_a_server_of_the_user_killed_workers_leave_no_databases(project):
    project.write(
        test_it="""
        import os, pytest, signal

        @pytest.mark.parametrize("number", range(4))
        def test_it(seen, number):
            if number == 1:
                os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    with choose("embedded").provider.serve() as server:
        run = project.pytest("-n2", PYTEST_ASYNCDB_POSTGRES=server.url())
        run.says("1 failed, 3 passed", "(url), ready in")
        assert server.password not in run.output
        with psycopg.connect(server.url()) as connection:
            names = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
    assert len(project.seen) == 4
    assert names == {"postgres", "template0", "template1"}


def test_what_is_told_of_the_server_follows_the_verbosity(project):
    project.write(test_it="def test_it(asyncdb_server): ...")
    loud = project.pytest("-v", "--asyncdb-postgres=embedded")
    loud.says(
        "-- asyncdb fixtures --",
        "-\nasyncdb: Postgres ",
        "(embedded)",
        "asyncdb: docker not used: embedded was asked for",
    )
    assert "asyncdb: " not in project.pytest("-q").output


def test_no_password_is_shown(project):
    project.write(
        test_it="""
        from pathlib import Path
        from dataclasses import replace

        def test_it(asyncdb_server):
            Path(__file__).with_name("password").write_text(asyncdb_server.password)
            assert asyncdb_server == replace(asyncdb_server, port=1)

        def test_repr(asyncdb_server):
            assert not asyncdb_server
        """
    )
    run = project.pytest("-vv", "--showlocals", "-n2")
    run.says("2 failed", "Server(provider=")
    password = project.root.joinpath("password").read_text()
    assert len(password) > 8
    assert password not in run.output


def test_a_worker_that_cannot_reach_its_controller_has_a_server_of_its_own(project):
    """As on another machine."""
    project.write(
        test_it="def test_it(seen): ...",
        elsewhere="""
        def pytest_configure(config):
            if hasattr(config, "workerinput"):
                config.workerinput["asyncdb_broker"]["socket"] = "/nowhere/at/all"
        """,
    )
    run = project.pytest("-n2", "-p", "elsewhere", PYTHONPATH=os.fspath(project.root))
    assert run.code == 0, run.output
    assert_gone(*project.seen[0])
