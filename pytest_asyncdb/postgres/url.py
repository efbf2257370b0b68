"""A server that the user gave for this purpose: only databases of our own are made there, and dropped again."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.model.server import Server
from pytest_asyncdb.postgres.databases import create_database, drop_abandoned, drop_database, fresh_name, server_version
from pytest_asyncdb.postgres.protocol import TIMEOUT, ServerError
from pytest_asyncdb.postgres.supervised import GRACE, bases, environment, supervised
from pytest_asyncdb.urls.parse import InvalidURL, parse_url

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_PORT = 5432


@dataclass
class Url:
    """The server behind a URL, whatever its driver; its database serves only to connect and create others from."""

    text: str = field(repr=False)
    timeout: float = TIMEOUT
    name = "url"

    def unusable(self) -> str | None:
        """Why it cannot serve: what is missing in the URL; whether it answers is seen when it serves."""
        try:
            self._server()
        except (InvalidURL, ValueError) as error:
            return str(error)
        return None

    @contextmanager
    def serve(self) -> Iterator[Server]:
        """Serve a fresh database there; see ``Provider``."""
        began = time.perf_counter()
        given = self._server()
        with supervised() as supervisor:
            supervisor.tell({"mode": "workspace", "owner": os.getpid(), "bases": bases(), "environment": environment()})
            directory = Path(supervisor.hear("ready", self.timeout + GRACE)["directory"])
            try:
                version = server_version(given)
                drop_abandoned(given)
                database = fresh_name()
                server = create_database(given, database)
            except ServerError as error:
                raise ServerError(f"the server given with --asyncdb-postgres does not serve: {error}") from None
            try:
                yield Server(
                    provider=self.name,
                    version=version,
                    seconds=time.perf_counter() - began,
                    host=server.host,
                    port=server.port,
                    user=server.user,
                    password=server.password,
                    database=database,
                    workspace=directory / "work",
                )
            finally:
                with suppress(ServerError):  # the next start drops what could not be dropped now
                    drop_database(given, database)

    def _server(self) -> Server:
        """The server as given.

        Raises:
            ValueError: the URL lacks something; the text does not show the password.
        """
        parsed = parse_url(self.text)
        if not parsed.host:
            raise ValueError(f"{parsed.masked} names no host")
        port = parsed.port or str(DEFAULT_PORT)
        if not port.isdecimal():
            raise ValueError(f"{parsed.masked} has a port that is no number")
        user = parsed.username or "postgres"
        return Server(
            provider=self.name,
            version="",
            seconds=0.0,
            host=parsed.host,
            port=int(port),
            user=user,
            password=parsed.password or "",
            database=parsed.database or user,
        )
