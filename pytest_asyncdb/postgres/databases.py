"""Databases on a server: made fresh or copied, dropped when done, and never anything but our own."""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import TYPE_CHECKING, Self

from pytest_asyncdb.postgres.link import Link
from pytest_asyncdb.postgres.owner import abandoned, tag
from pytest_asyncdb.postgres.protocol import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    import asyncpg  # type: ignore[import-untyped]  # it has no annotations

    from pytest_asyncdb.model.server import Server

_NAME = re.compile(rf"{PREFIX}[a-z0-9_]{{1,{63 - len(PREFIX)}}}")
FILE_COPY_SINCE = 15
"""First version in which copying a template's files must be asked for; it is twice as fast as its new default."""
KEPT = "kept by --asyncdb-keep"
LEAVING = 2.0
"""Seconds for the processes of ended connections to be gone."""
STEP = 0.002
_LEFT = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = $1 AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
_UNFINISHED = (
    "SELECT datname FROM pg_database AS made WHERE starts_with(datname, $1) AND datname <> current_database()"
    " AND shobj_description(oid, 'pg_database') IS NULL"
    " AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = made.datname)"
)
_MADE = re.compile(rf"{PREFIX}[0-9a-f]{{12}}(_\w+)?")
"""Names that ``fresh_name`` makes, with what may follow."""
_OURS = (
    "SELECT datname, shobj_description(oid, 'pg_database') AS owner FROM pg_database"
    " WHERE starts_with(datname, $1) AND datname <> current_database()"
)


class Databases:
    """The databases of ours on a server, as a context manager; safe to use from any thread.

    Args:
        server: where; the connection goes to ``server.database``.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.link = Link(server)

    def __enter__(self) -> Self:
        """Do nothing yet: it connects when it is first used."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        self.link.close()

    def create(self, name: str = "", *, template: str | None = None) -> Server:
        """Create an empty database, or a copy of ``template``, to which nobody may be connected then.

        Args:
            name: begins with ``asyncdb_``; lower case letters, digits and underscores. A fresh one when empty.
            template: one of our own databases to copy.

        Returns:
            The same server with that database.

        Raises:
            ValueError: the name is not one of ours.
            ServerError: the server refused.
        """
        name = _ours(name or fresh_name())
        statement = f"CREATE DATABASE {name}"
        if template is not None:
            statement += f" TEMPLATE {_ours(template)}"
            if int(re.match(r"\d*", self.server.version)[0] or 0) >= FILE_COPY_SINCE:  # type: ignore[index]  # \d* always matches
                statement += " STRATEGY FILE_COPY"

        async def create(connection: asyncpg.Connection) -> None:
            # The server may outlive us, or be given to another run: say whose the database is, and until that is
            # said, have its maker known by something else.
            await connection.execute(f"SET application_name = '{name}'")
            await connection.execute(statement)
            await connection.execute(f"COMMENT ON DATABASE {name} IS '{self.server.owner or tag()}'")

        self.link.run(create)
        return self.server.with_database(name)

    def drop(self, name: str) -> None:
        """Drop a database of ours, if it exists, whoever is still connected to it.

        Args:
            name: begins with ``asyncdb_``, and is not ``server.database``.

        Raises:
            ValueError: the name is not one of ours.
            ServerError: the server refused.
        """
        _ours(name)
        self.link.run(lambda connection: drop(connection, name))

    def keep(self, name: str) -> None:
        """Have a database outlive the run, on a server that does: it is nobody's any more, and no run drops it.

        Raises:
            ValueError: the name is not one of ours.
            ServerError: the server refused.
        """
        _ours(name)
        self.link.run(lambda connection: connection.execute(f"COMMENT ON DATABASE {name} IS '{KEPT}'"))

    def drop_where(self, condemned: Callable[[str], bool]) -> tuple[str, ...]:
        """Drop those databases of ours whose comment is condemned, except ``server.database``; returns their names.

        Raises:
            ServerError: the server cannot be asked, or refuses.
        """

        async def sweep(connection: asyncpg.Connection) -> tuple[str, ...]:
            rows = await connection.fetch(_OURS, PREFIX)
            names = [
                row["datname"] for row in rows if _NAME.fullmatch(row["datname"]) and condemned(row["owner"] or "")
            ]
            for name in names:
                await drop(connection, name)
            return tuple(names)

        return self.link.run(sweep)

    def drop_unfinished(self) -> tuple[str, ...]:
        """Drop those whose maker was killed before it could say whose they are; returns their names.

        Raises:
            ServerError: the server cannot be asked, or refuses.
        """

        async def sweep(connection: asyncpg.Connection) -> tuple[str, ...]:
            seen = {row["datname"] for row in await connection.fetch(_UNFINISHED, PREFIX)}
            # Asked again: a maker may have finished between the look at the comments and that at the sessions.
            still = [row["datname"] for row in await connection.fetch(_UNFINISHED, PREFIX) if row["datname"] in seen]
            names = [name for name in still if _MADE.fullmatch(name)]
            for name in names:
                await drop(connection, name)
            return tuple(names)

        return self.link.run(sweep)


def fresh_name() -> str:
    """A name that no database has, with the prefix that marks it as ours."""
    return f"{PREFIX}{secrets.token_hex(6)}"


def create_database(server: Server, name: str, *, template: str | None = None) -> Server:
    """Create one database; see ``Databases.create``."""
    with Databases(server) as databases:
        return databases.create(name, template=template)


def drop_database(server: Server, name: str) -> None:
    """Drop one database; see ``Databases.drop``."""
    with Databases(server) as databases:
        databases.drop(name)


def drop_abandoned(server: Server) -> tuple[str, ...]:
    """Drop databases of ours whose run was on this machine and was killed; returns their names.

    Raises:
        ServerError: the server cannot be asked.
    """
    with Databases(server) as databases:
        return (*databases.drop_where(abandoned), *databases.drop_unfinished())


def server_version(server: Server) -> str:
    """The version as the server tells it, e.g. ``18.6``.

    Raises:
        ServerError: the server cannot be asked.
    """

    async def ask(connection: asyncpg.Connection) -> str:
        return str(await connection.fetchval("SHOW server_version")).split()[0]

    with Databases(server) as databases:
        return databases.link.run(ask)


async def drop(connection: asyncpg.Connection, name: str) -> None:
    """Drop a database, if it exists, without a stall.

    The server looks only every 100 ms (FORCE) or for 5 s (without) whether connections are gone; we look more often.
    """
    await send_away(connection, name)
    if await connection.fetchval("SELECT datistemplate FROM pg_database WHERE datname = $1", name):
        await connection.execute(f"ALTER DATABASE {name} IS_TEMPLATE false")
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def send_away(connection: asyncpg.Connection, name: str) -> None:
    """End all other connections to a database, and wait until their processes are gone."""
    end = asyncio.get_running_loop().time() + LEAVING
    while await connection.fetchval(_LEFT, name) and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - the event is in the server
        await asyncio.sleep(STEP)


def available_extensions(server: Server) -> frozenset[str]:
    """Names of the extensions that ``CREATE EXTENSION`` can have there.

    Raises:
        ServerError: the server cannot be asked.
    """

    async def ask(connection: asyncpg.Connection) -> frozenset[str]:
        return frozenset(row["name"] for row in await connection.fetch("SELECT name FROM pg_available_extensions"))

    with Databases(server) as databases:
        return databases.link.run(ask)


def _ours(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no database of ours: the name must begin with {PREFIX} and hold only a-z, 0-9 and _"
        )
    return name
