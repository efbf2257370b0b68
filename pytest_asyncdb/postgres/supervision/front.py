"""The front: a TCP port on 127.0.0.1 that does TLS, and channel binding, for a server that cannot.

One thread a connection. Whoever asks for no TLS is passed on as it is; passwords are always the server's
business, except that a client that binds its SCRAM conversation to the TLS channel has it with the front, which
holds that channel, and the front has another one with the server.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time

from pytest_asyncdb.postgres.supervision import scram
from pytest_asyncdb.postgres.supervision.pump import pump

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
LONGEST_STARTUP = 10_000
TLS_HANDSHAKE = b"\x16"
PATIENCE = 60.0
"""Seconds a client has to say who it is, as with the server itself."""
PAUSE = 0.01
SASL, SASL_CONTINUE, SASL_FINAL = 10, 11, 12

TYPE_CHECKING = False
if TYPE_CHECKING:
    Upstream = str | tuple[str, int]


class ProtocolError(Exception):
    """The other side does not speak the protocol."""


class Front:
    """A listening front; connections are served by threads of their own."""

    def __init__(self, upstream: Upstream, certificate: str, user: str, keys: scram.Keys | None) -> None:
        """Listen on a free port.

        Args:
            upstream: path of the server's socket, or its address.
            certificate: PEM file with private key and chain.
            user: the role whose password is known here.
            keys: that password's; None where nobody's is known, and so no channel binding is offered.

        Raises:
            OSError: there is no port, or the certificate is none.
        """
        self._upstream = upstream
        self._user = user
        self._keys = keys
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        self._tls.set_alpn_protocols(["postgresql"])
        self._certificate = _first_certificate(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no longer; connections end with the server's."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept() where the system can
        self._listener.close()

    def _accept(self) -> None:
        while self._listener.fileno() >= 0:
            try:
                client, _ = self._listener.accept()
            except OSError:  # the client is gone again, or there are too many: the next may be served
                time.sleep(PAUSE)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ProtocolError, ValueError, KeyError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.settimeout(PATIENCE)
            try:
                client, startup = self._negotiate(client)
                with connected(self._upstream) as server:
                    server.sendall(startup)
                    if self._keys and isinstance(client, ssl.SSLSocket) and self._is_ours(startup):
                        self._bind(client, server, self._keys)
                    pump(client, server)
            finally:
                client.close()

    def _negotiate(self, client: socket.socket) -> tuple[socket.socket, bytes]:
        """Do what the client asks for before its startup message, and return that."""
        asked = set()
        if client.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
            asked.add(SSL_REQUEST)
            client = self._tls.wrap_socket(client, server_side=True)
            if client.selected_alpn_protocol() != "postgresql":
                raise ProtocolError("TLS without asking first needs ALPN")
        while True:
            head = _exactly(client, 8)
            length, code = struct.unpack("!II", head)
            if not 8 <= length <= LONGEST_STARTUP or code in asked:  # noqa: PLR2004 - the head itself
                raise ProtocolError("no startup message")
            if code not in (SSL_REQUEST, GSS_REQUEST):
                return client, head + _exactly(client, length - 8)
            asked.add(code)
            client.sendall(b"S" if code == SSL_REQUEST else b"N")
            if code == SSL_REQUEST:
                client = self._tls.wrap_socket(client, server_side=True)

    def _is_ours(self, startup: bytes) -> bool:
        words = startup[8:].split(b"\0")
        return (b"user", self._user.encode()) in zip(words[::2], words[1::2], strict=False)

    def _bind(self, client: socket.socket, server: socket.socket, keys: scram.Keys) -> None:
        """Offer channel binding beside what the server offers, and have the conversation if the client takes it."""
        offer = _message(server)
        while offer[:1] == b"v":  # a word about the protocol's version comes before
            client.sendall(offer)
            offer = _message(server)
        if offer != _authentication(SASL, scram.MECHANISM.encode() + b"\0\0"):
            client.sendall(offer)
            return
        both = f"{scram.BOUND_MECHANISM}\0{scram.MECHANISM}\0\0"
        client.sendall(_authentication(SASL, both.encode()))
        answer = _message(client)
        mechanism, _, rest = answer[5:].partition(b"\0")
        if mechanism != scram.BOUND_MECHANISM.encode():
            server.sendall(answer)
            return
        ours = scram.BoundServer(keys, self._certificate, rest[4:].decode())
        client.sendall(_authentication(SASL_CONTINUE, ours.first.encode()))
        accepted = ours.accepts(_message(client)[5:].decode())
        refusal = _authenticate(server, keys, honest=accepted)
        client.sendall(refusal or _authentication(SASL_FINAL, ours.final.encode()))


def _authenticate(server: socket.socket, keys: scram.Keys, *, honest: bool) -> bytes:
    """Say the password upstream; returns the server's refusal, or nothing."""
    theirs = scram.PlainClient(keys)
    first = theirs.first.encode()
    server.sendall(_response(scram.MECHANISM.encode() + b"\0" + struct.pack("!I", len(first)) + first))
    challenge = _message(server)
    if challenge[:1] != b"R":
        return challenge
    server.sendall(_response(theirs.final(challenge[9:].decode(), honest=honest).encode()))
    verdict = _message(server)
    return b"" if verdict[:9] == _authentication(SASL_FINAL, verdict[9:])[:9] else verdict


def connected(upstream: Upstream, seconds: float = PATIENCE) -> socket.socket:
    """A connection to a server.

    Raises:
        OSError: nobody listens there.
    """
    if not isinstance(upstream, str):
        return socket.create_connection(upstream, seconds)
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(upstream)
    except OSError:
        server.close()
        raise
    return server


def _first_certificate(path: str) -> bytes:
    with open(path, encoding="ascii") as file:  # noqa: PTH123 - this package imports no pathlib
        pem = file.read()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(pem[pem.index(begin) : pem.index(end) + len(end)])


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = source.recv(count - len(data))
        if not more:
            raise ProtocolError("closed in the middle of a message")
        data += more
    return data


def _message(source: socket.socket) -> bytes:
    """One message: type, length, body."""
    head = _exactly(source, 5)
    (length,) = struct.unpack("!I", head[1:])
    if not 4 <= length <= 1 << 20:  # noqa: PLR2004 - the length counts itself
        raise ProtocolError("no message of an authentication")
    return head + _exactly(source, length - 4)


def _authentication(kind: int, body: bytes) -> bytes:
    return b"R" + struct.pack("!II", 8 + len(body), kind) + body


def _response(body: bytes) -> bytes:
    return b"p" + struct.pack("!I", 4 + len(body)) + body
