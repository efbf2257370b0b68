"""Databases on a server: made fresh, dropped when done, and never anything but our own."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, TypeVar

from pytest_asyncdb.postgres.owner import abandoned, tag
from pytest_asyncdb.postgres.protocol import PREFIX, ServerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import asyncpg  # type: ignore[import-untyped]  # it has no annotations

    from pytest_asyncdb.model.server import Server

T = TypeVar("T")

_NAME = re.compile(rf"{PREFIX}[a-z0-9_]{{1,{63 - len(PREFIX)}}}")
PATIENCE = 20.0
"""Seconds to connect, and for one statement."""
FAREWELL = 0.05
"""Seconds for a refused TLS connection to close: asyncpg does not wait, and an open transport is a warning."""
FILE_COPY_SINCE = 15
"""First version in which copying a template's files must be asked for; it is twice as fast as its new default."""


def fresh_name() -> str:
    """A name that no database has, with the prefix that marks it as ours."""
    return f"{PREFIX}{secrets.token_hex(6)}"


def create_database(server: Server, name: str, *, template: str | None = None) -> Server:
    """Create an empty database, or a copy of ``template``, to which nobody may be connected then.

    Args:
        server: where; the connection goes to ``server.database``.
        name: begins with ``asyncdb_``; lower case letters, digits and underscores.
        template: one of our own databases to copy.

    Returns:
        The same server with that database.

    Raises:
        ValueError: the name is not one of ours.
        ServerError: the server refused.
    """
    statement = f"CREATE DATABASE {_ours(name)}"
    if template is not None:
        statement += f" TEMPLATE {_ours(template)}"
        if int(re.match(r"\d*", server.version)[0] or 0) >= FILE_COPY_SINCE:  # type: ignore[index]  # \d* always matches
            statement += " STRATEGY FILE_COPY"

    async def create(connection: asyncpg.Connection) -> None:
        await connection.execute(statement)
        if server.provider == "url":  # it may outlive us there: say whose it is
            await connection.execute(f"COMMENT ON DATABASE {name} IS '{tag()}'")

    _run(server, create)
    return server.with_database(name)


def drop_database(server: Server, name: str) -> None:
    """Drop a database of ours, if it exists, whoever is still connected to it.

    Args:
        server: where; ``server.database`` must be another one.
        name: begins with ``asyncdb_``.

    Raises:
        ValueError: the name is not one of ours.
        ServerError: the server refused.
    """
    _ours(name)

    async def drop(connection: asyncpg.Connection) -> None:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    _run(server, drop)


def drop_abandoned(server: Server) -> tuple[str, ...]:
    """Drop databases of ours whose maker ran on this machine and was killed; returns their names.

    Raises:
        ServerError: the server cannot be asked.
    """
    dropped: list[str] = []

    async def sweep(connection: asyncpg.Connection) -> None:
        rows = await connection.fetch(
            "SELECT datname, shobj_description(oid, 'pg_database') AS owner"
            " FROM pg_database WHERE starts_with(datname, $1)",
            PREFIX,
        )
        for row in rows:
            if _NAME.fullmatch(row["datname"]) and abandoned(row["owner"] or ""):
                await connection.execute(f"DROP DATABASE IF EXISTS {row['datname']} WITH (FORCE)")
                dropped.append(row["datname"])

    _run(server, sweep)
    return tuple(dropped)


def server_version(server: Server) -> str:
    """The version as the server tells it, e.g. ``18.6``.

    Raises:
        ServerError: the server cannot be asked.
    """

    async def ask(connection: asyncpg.Connection) -> str:
        return str(await connection.fetchval("SHOW server_version")).split()[0]

    return _run(server, ask)


def available_extensions(server: Server) -> frozenset[str]:
    """Names of the extensions that ``CREATE EXTENSION`` can have there.

    Raises:
        ServerError: the server cannot be asked.
    """

    async def ask(connection: asyncpg.Connection) -> frozenset[str]:
        return frozenset(row["name"] for row in await connection.fetch("SELECT name FROM pg_available_extensions"))

    return _run(server, ask)


def _ours(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no database of ours: the name must begin with {PREFIX} and hold only a-z, 0-9 and _"
        )
    return name


def _run(server: Server, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """Do something on a connection, in an event loop that is nobody else's business."""
    import asyncio

    import asyncpg

    async def connected() -> T:
        try:
            connection = await asyncpg.connect(
                host=server.host,
                port=server.port,
                user=server.user,
                password=server.password,
                database=server.database,
                ssl="prefer" if server.provider == "url" else False,  # ours is on this machine
                timeout=PATIENCE,
                command_timeout=PATIENCE,
            )
        except Exception:
            await asyncio.sleep(FAREWELL)
            raise
        try:
            return await work(connection)
        finally:
            await connection.close(timeout=PATIENCE)

    try:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            return runner.run(connected())
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        where = f"{server.user}@{server.host}:{server.port}/{server.database}"
        raise ServerError(f"{where}: {error or 'no answer in time'} ({type(error).__name__})") from error
