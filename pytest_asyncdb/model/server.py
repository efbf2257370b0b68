"""A running Postgres that the tool may use."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """Address and credentials of the throwaway server, and a directory that goes away with it."""

    provider: str
    """``embedded``, ``docker``, ``local`` or ``url``."""
    version: str
    """Server version, e.g. ``18.6``."""
    seconds: float
    """From request to ready."""
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str = "postgres"
    ca_file: str = ""
    """PEM file of the CA that signed the server's certificate; empty when that is the user's own."""
    channel_binding: bool = False
    """Whether SCRAM-SHA-256-PLUS is offered."""
    limits: tuple[str, ...] = ()
    """What cannot be tried on this server as in production, each in a sentence for the user."""
    socket: str = ""
    """Directory of the server's own Unix socket (port 5432, same password, no TLS): the shortest way in, for our own
    connections on this machine; empty where there is none."""
    owner: str = ""
    """Names the run, when the server is not ours: databases on it may outlive the run, and say so."""
    workspace: Path = field(default_factory=Path)
    """Private directory (mode 0700), removed with the server, also after SIGKILL of the owner."""

    def with_database(self, database: str) -> Server:
        """The same server, another database."""
        return replace(self, database=database)

    def url(self, scheme: str = "postgresql") -> str:
        """A URL with the password in it: hand it to a driver, never to a person."""
        from urllib.parse import quote

        user, password = quote(self.user, safe=""), quote(self.password, safe="")
        return f"{scheme}://{user}:{password}@{self.host}:{self.port}/{self.database}"
