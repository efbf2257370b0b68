"""A server that the user gave for this purpose: only databases of our own are made there, and dropped again."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.model.server import Server
from pytest_asyncdb.postgres.certificates import certificates
from pytest_asyncdb.postgres.databases import create_database, drop_abandoned, drop_database, fresh_name, server_version
from pytest_asyncdb.postgres.greeting import greeting, upstream
from pytest_asyncdb.postgres.owner import tag
from pytest_asyncdb.postgres.protocol import TIMEOUT, ServerError
from pytest_asyncdb.postgres.supervised import GRACE, bases, environment, supervised
from pytest_asyncdb.urls.parse import InvalidURL, parse_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_asyncdb.postgres.greeting import Greeting
    from pytest_asyncdb.postgres.supervised import Value

DEFAULT_PORT = 5432
NO_TLS = (
    "the server given has no TLS: it is offered in front of it, so that `ssl=require` works, "
    "but channel binding needs the server's own TLS and was not tried"
)
NO_BINDING = "the server given has TLS and offers no channel binding (no SCRAM password), so that was not tried"


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
        greeted = greeting(given)
        with supervised() as supervisor:
            supervisor.tell(_request(given, greeted))
            if not greeted.tls:
                import platformdirs

                supervisor.tell(certificates(platformdirs.user_cache_path("pytest-asyncdb")))
            ready = supervisor.hear("ready", self.timeout + GRACE)
            try:
                version = server_version(given)
                drop_abandoned(given)
                database = fresh_name()
                created = create_database(given, database)
            except ServerError as error:
                raise ServerError(f"the server given with --asyncdb-postgres does not serve: {error}") from None
            try:
                server = _behind(created, greeted, ready)
                yield replace(server, version=version, seconds=time.perf_counter() - began, owner=f"{tag()}#{database}")
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


def _request(given: Server, greeted: Greeting) -> dict[str, Value]:
    return {
        "mode": "workspace",
        "owner": os.getpid(),
        "bases": bases(),
        "environment": environment(),
        "upstream": None if greeted.tls else upstream(given),
        "user": given.user,
        "keys": None,
    }


def _behind(server: Server, greeted: Greeting, ready: Mapping[str, str]) -> Server:
    """The server as its users reach it: directly, or through the front that does TLS for it."""
    directory = Path(ready["directory"])
    here = replace(server, workspace=directory / "work", channel_binding=greeted.channel_binding)
    if not greeted.tls:
        ca_file = os.fspath(directory / "ca.pem")
        return replace(here, host="127.0.0.1", port=int(ready["port"]), ca_file=ca_file, limits=(NO_TLS,))
    return here if greeted.channel_binding else replace(here, limits=(NO_BINDING,))
