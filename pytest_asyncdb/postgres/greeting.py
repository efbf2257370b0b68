"""What a server says before anybody is let in: whether it has TLS, and whether it offers to bind a password to it."""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.postgres.supervision import scram
from pytest_asyncdb.postgres.supervision.front import SSL_REQUEST

if TYPE_CHECKING:
    from pytest_asyncdb.model.server import Server

PATIENCE = 5.0
PROTOCOL_3 = 196608
SASL = b"\x00\x00\x00\x0a"


@dataclass(frozen=True, slots=True)
class Greeting:
    """The server's side of a connection's first steps."""

    tls: bool = False
    channel_binding: bool = False


def greeting(server: Server) -> Greeting:
    """Greet the server; one that does not answer is found out by whoever connects next."""
    with suppress(OSError, ValueError), _connected(upstream(server)) as plain:
        plain.settimeout(PATIENCE)
        plain.sendall(struct.pack("!II", 8, SSL_REQUEST))
        if plain.recv(1) != b"S":
            return Greeting()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # whether it is to be trusted is the app's business
        with context.wrap_socket(plain, server_hostname=server.host) as tls:
            words = f"user\0{server.user}\0database\0{server.database}\0\0".encode()
            tls.sendall(struct.pack("!II", 8 + len(words), PROTOCOL_3) + words)
            said = tls.recv(1000)  # a type, a length, the kind of authentication, the mechanisms
            offered = said[9:].split(b"\0") if said[:1] == b"R" and said[5:9] == SASL else []
            return Greeting(tls=True, channel_binding=scram.BOUND_MECHANISM.encode() in offered)
    return Greeting()


def upstream(server: Server) -> str | tuple[str, int]:
    """Where the server listens: the path of a socket, or host and port."""
    return f"{server.host}/.s.PGSQL.{server.port}" if server.host.startswith("/") else (server.host, server.port)


def _connected(where: str | tuple[str, int]) -> socket.socket:
    if not isinstance(where, str):
        return socket.create_connection(where, PATIENCE)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    try:
        connection.connect(where)
    except OSError:
        connection.close()
        raise
    return connection
