"""A schema is built once on a server, whoever asks for it, and copied after that."""

from __future__ import annotations

import threading
import time

import asyncpg
import psycopg
import pytest
from sqlalchemy import Column, Computed, Enum, ForeignKey, Integer, MetaData, Table, Text

from pytest_asyncdb.model.server import Server
from pytest_asyncdb.postgres.databases import Databases
from pytest_asyncdb.postgres.protocol import ServerError
from pytest_asyncdb.postgres.templates import key_of_files, key_of_metadata, template_for


class Builder:
    """Counts how often it had to build."""

    def __init__(self, seconds=0.0):
        self.built = []
        self._seconds = seconds

    def __call__(self, server):
        assert isinstance(server, Server)
        with connect(server) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
        time.sleep(self._seconds)
        self.built.append(server.database)


def connect(server):
    return psycopg.connect(server.url())


def names(server):
    with connect(server) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


@pytest.fixture
def databases(given_server):
    before = names(given_server)
    with Databases(given_server) as opened:
        yield opened
        for name in names(given_server) - before:
            opened.drop(name)
    assert names(given_server) == before


def test_on_every_provider_a_schema_is_built_once_and_its_copies_are_independent(served):
    build = Builder()
    with Databases(served) as databases:
        template = template_for(databases, "every", build)
        assert template.startswith("asyncdb_tpl_")
        assert template_for(databases, "every", build) == template
        one, two = (databases.create(template=template) for _ in range(2))
        with connect(one) as connection:
            connection.execute("UPDATE kept SET number = 1")
        with connect(two) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (42,)
        assert len(build.built) == 1
        with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
            connect(served.with_database(template))
        for name in (one.database, two.database, template):
            databases.drop(name)
        assert not {name for name in names(served) if name in (one.database, two.database, template)}


def test_of_many_who_ask_at_once_one_builds(given_server, databases):
    before, build, asked = names(given_server), Builder(0.2), []

    def ask():
        with Databases(given_server) as own:
            asked.append(template_for(own, "many", build))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 6
    assert len(set(asked)) == len(build.built) == 1
    assert names(databases.server) - before == set(asked)


def test_who_looked_just_before_it_was_there_does_not_build(given_server, databases, monkeypatch):
    build, fetchval = Builder(), asyncpg.Connection.fetchval

    async def late(connection, query, *arguments):
        if "pg_try_advisory_lock" in query:
            monkeypatch.undo()
            with Databases(given_server) as other:
                template_for(other, "late", build)
        return await fetchval(connection, query, *arguments)

    monkeypatch.setattr(asyncpg.Connection, "fetchval", late)
    assert template_for(databases, "late", build) == template_for(databases, "late", build)
    assert len(build.built) == 1


def test_another_run_that_was_faster_is_no_harm(databases):
    """Advisory locks are of one database, and another run on the same server is connected to another one."""
    asked = []

    def build(server):
        with Databases(databases.create()) as other:
            asked.append(template_for(other, "race", Builder()))
        Builder()(server)

    asked.append(template_for(databases, "race", build))
    assert len(asked) == 2
    assert len(set(asked)) == 1
    assert [name for name in names(databases.server) if name.startswith("asyncdb_tpl_")] == asked[:1]


def test_a_schema_that_cannot_be_built_leaves_nothing_and_can_be_tried_again(databases):
    before = names(databases.server)

    def fail(server):
        Builder()(server)
        raise ValueError("of the migration")

    with pytest.raises(ValueError, match="of the migration"):
        template_for(databases, "failing", fail)
    assert names(databases.server) == before
    build = Builder()
    template_for(databases, "failing", build)
    assert len(build.built) == 1


def test_a_builder_that_goes_away_makes_way_for_the_next(given_server, databases):
    """As when its process is killed: its connection, and with that its turn, ends."""
    own = Databases(given_server)
    holds = threading.Event()

    def die(_server):
        holds.set()
        own.link.run(lambda connection: connection.close())
        raise SystemExit

    def ask():
        with pytest.raises(SystemExit):
            template_for(own, "dying", die)

    thread = threading.Thread(target=ask)
    thread.start()
    holds.wait(10)
    build = Builder()
    template_for(databases, "dying", build)
    thread.join()
    own.link.close()
    assert len(build.built) == 1


def test_a_connection_that_the_builder_leaves_open_is_ended(databases):
    left = []

    def build(server):
        left.append(connect(server))

    began = time.monotonic()
    databases.create(template=template_for(databases, "open", build))
    assert time.monotonic() - began < 2
    with pytest.raises(psycopg.OperationalError):
        left[0].execute("SELECT 1")
    left[0].close()


def test_a_database_in_use_is_dropped_without_a_stall(databases):
    seconds = []
    for _ in range(5):
        made = databases.create()
        connection = connect(made)
        began = time.monotonic()
        databases.drop(made.database)
        seconds.append(time.monotonic() - began)
        connection.close()
    assert min(seconds) < 0.08  # the server's own step is 0.1 s


def test_a_lost_connection_is_opened_again(databases):
    databases.link.run(lambda connection: connection.close())
    databases.drop(databases.create().database)


def test_a_name_that_is_not_ours_is_no_template(databases):
    with pytest.raises(ValueError, match="no database of ours"):
        databases.create(template="template1")


def test_a_server_that_is_gone_is_told(given_server):
    from dataclasses import replace

    with Databases(replace(given_server, socket="", port=1)) as databases, pytest.raises(ServerError, match=":1/"):
        template_for(databases, "gone", Builder())


def schema(*more, name="item"):
    metadata = MetaData()
    Table("owner", metadata, Column("id", Integer, primary_key=True))
    kind = Enum("a", "b", name="kind")
    Table(
        name,
        metadata,
        Column("id", Integer, primary_key=True),
        Column("kind", kind),
        Column("owner", ForeignKey("owner.id"), index=True),
        *more,
    )
    return metadata


def test_the_key_of_a_schema_follows_its_ddl():
    key = key_of_metadata(schema())
    assert key == key_of_metadata(schema())
    for part in (
        "CREATE TYPE kind AS ENUM ('a', 'b')",
        "CREATE TABLE item",
        "CREATE INDEX ix_item_owner",
        "REFERENCES",
    ):
        assert part in key
    others = [schema(name="thing"), schema(Column("note", Text)), schema(Column("sum", Integer, Computed("id + 1")))]
    assert len({key, *map(key_of_metadata, others)}) == 4


def test_the_key_of_migrations_follows_the_files(tmp_path):
    folder, single = tmp_path / "versions", tmp_path / "alembic.ini"
    (folder / "sub").mkdir(parents=True)
    (folder / "one.py").write_text("1")
    single.write_text("a")
    keys = [key_of_files([folder, single])]
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "one.pyc").write_text("of this run")
    assert key_of_files([folder, single]) == keys[0]
    (folder / "one.py").write_text("2")
    keys.append(key_of_files([folder, single]))
    (folder / "one.py").rename(folder / "sub" / "one.py")
    keys.append(key_of_files([folder, single]))
    single.write_text("b")
    keys.append(key_of_files([folder, single]))
    assert len(set(keys)) == 4
