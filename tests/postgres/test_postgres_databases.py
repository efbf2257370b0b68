"""Databases of our own on a server, and nobody else's."""

import signal
import subprocess
import time
from dataclasses import replace

import psycopg
import pytest

from pytest_asyncdb.postgres.choose import choose
from pytest_asyncdb.postgres.databases import Databases, create_database, drop_abandoned, drop_database, fresh_name
from pytest_asyncdb.postgres.owner import abandoned, tag
from pytest_asyncdb.postgres.protocol import ServerError
from pytest_asyncdb.postgres.thread import DatabaseThread


def connect(server, **changes):
    return psycopg.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        dbname=changes.pop("dbname", server.database),
        **changes,
    )


def names(server):
    with connect(server) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def test_create_use_copy_and_drop(given_server):
    before = names(given_server)
    first = create_database(given_server, fresh_name())
    assert (first.port, first.password) == (given_server.port, given_server.password)
    with connect(first) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    second = create_database(given_server, fresh_name(), template=first.database)
    with connect(second) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (42,)
    assert names(given_server) - before == {first.database, second.database}
    for one in (first, second):
        drop_database(given_server, one.database)
    assert names(given_server) == before


def test_a_database_in_use_is_dropped_all_the_same(given_server):
    database = create_database(given_server, fresh_name())
    with connect(database):
        drop_database(given_server, database.database)
    assert database.database not in names(given_server)
    drop_database(given_server, database.database)


def test_one_that_is_made_beside_other_work_goes_where_the_server_stays(given_server):
    before = names(given_server)
    stays = replace(given_server, provider="url")
    with DatabaseThread(stays) as beside, DatabaseThread(replace(stays, password="wrong")) as refused:
        made = beside.server()
        assert names(given_server) - before == {made.database}
        with pytest.raises(ServerError, match=r"postgres@127\.0\.0\.1"):
            refused.server()
    assert names(given_server) == before


@pytest.mark.parametrize(
    "name", ["postgres", "production", "asyncdb_", 'asyncdb_"; DROP DATABASE x', "ASYNCDB_X", "asyncdb_" + "x" * 60]
)
def test_only_names_of_ours_are_touched(given_server, name):
    with pytest.raises(ValueError, match="no database of ours"):
        create_database(given_server, name)
    with pytest.raises(ValueError, match="no database of ours"):
        drop_database(given_server, name)


def test_what_the_server_refuses_is_told(given_server):
    name = fresh_name()
    create_database(given_server, name)
    with pytest.raises(ServerError, match=rf"postgres@127.0.0.1:{given_server.port}/postgres: .*already exists"):
        create_database(given_server, name)
    drop_database(given_server, name)


def test_works_beside_a_running_event_loop_in_a_thread(given_server):
    import asyncio

    async def run():
        return await asyncio.to_thread(create_database, given_server, fresh_name())

    drop_database(given_server, asyncio.run(run()).database)


def test_the_given_server_is_left_as_it_was(given_server):
    before = names(given_server)
    with choose(given_server.url("postgresql+asyncpg")).provider.serve() as server:
        assert server.database.startswith("asyncdb_")
        assert names(given_server) - before == {server.database}
        assert (server.host, server.port, server.ca_file) == (given_server.host, given_server.port, "")
    assert names(given_server) == before


def test_a_killed_owners_database_is_dropped_at_the_next_start(given_server, own):
    before = names(given_server)
    owner = own(given_server.url())
    owner.ready()
    (left,) = names(given_server) - before
    owner.process.send_signal(signal.SIGKILL)
    owner.process.wait()
    owner.assert_gone()
    assert left in names(given_server)
    with choose(given_server.url()).provider.serve():
        assert left not in names(given_server)
    assert names(given_server) == before


def test_two_runs_of_one_process_do_not_clear_each_others_databases_away(given_server):
    url = given_server.url()
    with choose(url).provider.serve() as one, choose(url).provider.serve() as two:
        made = create_database(one, fresh_name())
        assert not abandoned(one.owner)
        with Databases(two) as databases:
            assert databases.drop_where(two.owner.__eq__) == ()
        with Databases(one) as databases:
            assert databases.drop_where(one.owner.__eq__) == (made.database,)


def test_only_abandoned_databases_are_swept(given_server):
    machine, _, began = tag().split("/")
    process = subprocess.Popen(["true"])
    process.wait()
    comments = {
        "asyncdb_living": tag(),
        "asyncdb_elsewhere": f"another-machine/{process.pid}/{began}",
        "asyncdb_users_own": "the team's shared fixtures",
        "asyncdb_dead": f"{machine}/{process.pid}/{began}#asyncdb_0123456789ab",
    }
    with connect(given_server, autocommit=True) as connection:
        for name in (*comments, "asyncdb_silent"):
            connection.execute(f"CREATE DATABASE {name}")
        for name, comment in comments.items():
            connection.execute(f"COMMENT ON DATABASE {name} IS '{comment.replace(chr(39), chr(39) * 2)}'")
        connection.execute("ALTER DATABASE asyncdb_dead ALLOW_CONNECTIONS false IS_TEMPLATE true")
    try:
        assert drop_abandoned(given_server) == ("asyncdb_dead",)
        assert {"asyncdb_living", "asyncdb_elsewhere", "asyncdb_users_own", "asyncdb_silent"} <= names(given_server)
    finally:
        for name in (*comments, "asyncdb_silent"):
            drop_database(given_server, name)


def test_a_database_whose_maker_was_killed_before_its_comment_is_swept_too(given_server):
    dead, being_made = "asyncdb_0123456789ab", "asyncdb_ba9876543210_gw0"
    with connect(given_server, autocommit=True) as maker:
        for name in (dead, being_made, "asyncdb_0123456789"):
            maker.execute(f"CREATE DATABASE {name}")
        maker.execute(f"SET application_name = '{being_made}'")
        assert drop_abandoned(given_server) == (dead,)
    for name in (being_made, "asyncdb_0123456789"):
        assert name in names(given_server)
        drop_database(given_server, name)


def test_who_makes_a_database_is_known_before_it_exists(given_server):
    with choose(given_server.url()).provider.serve() as server, Databases(server) as databases:
        made = databases.create()
        with connect(given_server) as other:
            asked = other.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [made.database])
            assert asked.fetchone() == (1,)
        databases.drop(made.database)


def test_a_server_that_does_not_answer_is_told_without_the_password():
    provider = choose("postgresql://somebody:hunter2@127.0.0.1:1/x").provider
    with pytest.raises(ServerError, match=r"somebody@127.0.0.1:1/x") as caught, provider.serve():
        pass
    assert "hunter2" not in str(caught.value)


def test_a_refused_password_is_told_without_it(given_server):
    url = given_server.url().replace(given_server.password, "hunter2")
    began = time.monotonic()
    with pytest.raises(ServerError, match="password authentication failed") as caught, choose(url).provider.serve():
        pass
    assert "hunter2" not in str(caught.value)
    assert time.monotonic() - began < 10
