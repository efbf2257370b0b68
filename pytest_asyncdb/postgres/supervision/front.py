"""The front: a TCP port on 127.0.0.1 that does TLS, and channel binding, for a server that cannot.

One thread a connection. Whoever asks for no TLS is passed on as it is; passwords are always the server's
business, except that a client that binds its SCRAM conversation to the TLS channel has it with the front, which
holds that channel, and the front has another one with the server.
"""

from __future__ import annotations

import _socket  # socket itself imports enum and selectors: 4 ms before the server is ready
import _thread  # likewise
import struct
import time

from pytest_asyncdb.postgres.supervision.pump import pump

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
LONGEST_STARTUP = 10_000
TLS_HANDSHAKE = b"\x16"
PATIENCE = 60.0
"""Seconds a client has to say who it is, as with the server itself."""
PAUSE = 0.01
SOON = 0.1
"""Seconds after which TLS is loaded: who is waiting for the server connects before."""
SASL, SASL_CONTINUE, SASL_FINAL = 10, 11, 12

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

    from pytest_asyncdb.postgres.supervision.scram import Keys
    from pytest_asyncdb.postgres.supervision.tls import Tls

    Socket = _socket.socket | ssl.SSLSocket
    Upstream = str | tuple[str, int]


class ProtocolError(Exception):
    """The other side does not speak the protocol."""


class Front:
    """A listening front; connections are served by threads of their own."""

    def __init__(
        self, upstream: Upstream, certificate: str, user: str, keys: tuple[bytes, int, bytes, bytes] | None
    ) -> None:
        """Listen on a free port.

        Args:
            upstream: path of the server's socket, or its address.
            certificate: PEM file with private key and chain.
            user: the role whose password is known here.
            keys: that password's, as a message; None where nobody's is known, and so no channel binding is offered.

        Raises:
            OSError: there is no port.
        """
        self._upstream = upstream
        self._certificate = certificate
        self._user = user
        self._keys = keys
        self._tls: Tls | None = None
        self._loading = _thread.allocate_lock()
        self._listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        self._listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        self.port: int = self._listener.getsockname()[1]
        _thread.start_new_thread(self._accept, ())

    def close(self) -> None:
        """Listen no longer; connections end with the server's."""
        try:  # noqa: SIM105 - contextlib takes 2 ms to import
            self._listener.shutdown(_socket.SHUT_RDWR)  # wakes accept() where the system can
        except OSError:
            pass
        self._listener.close()

    def expect_tls(self) -> None:
        """Get ready, aside and soon, for the first client that asks for TLS."""
        _thread.start_new_thread(self._load_tls, (SOON,))

    def _load_tls(self, after: float = 0.0) -> Tls:
        time.sleep(after)
        with self._loading:
            if self._tls is None:
                from pytest_asyncdb.postgres.supervision.tls import Tls

                self._tls = Tls(self._certificate)
        return self._tls

    def _accept(self) -> None:
        while self._listener.fileno() >= 0:
            try:
                descriptor, _ = self._listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001 - accept() is socket's
            except OSError:  # the client is gone again, or there are too many: the next may be served
                time.sleep(PAUSE)
                continue
            _thread.start_new_thread(self._serve, (_socket.socket(fileno=descriptor),))

    def _serve(self, plain: _socket.socket) -> None:
        client: Socket = plain
        server = None
        try:
            plain.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            plain.settimeout(PATIENCE)
            client, startup = self._negotiate(plain)
            server = connected(self._upstream)
            server.sendall(startup)
            if client is plain:
                pump(client, server)
            else:
                self._serve_encrypted(client, server, startup)
        except (OSError, ProtocolError, ValueError, KeyError):
            pass  # either side went away, or never spoke the protocol
        finally:
            client.close()
            if server is not None:
                server.close()

    def _serve_encrypted(self, client: Socket, server: _socket.socket, startup: bytes) -> None:
        from pytest_asyncdb.postgres.supervision.scram import Keys
        from pytest_asyncdb.postgres.supervision.tls import WAITS

        if self._keys and self._is_ours(startup):
            self._bind(client, server, Keys(*self._keys))
        pump(client, server, WAITS)

    def _negotiate(self, plain: _socket.socket) -> tuple[Socket, bytes]:
        """Do what the client asks for before its startup message, and return that."""
        asked = set()
        client: Socket = plain
        if plain.recv(1, _socket.MSG_PEEK) == TLS_HANDSHAKE:
            asked.add(SSL_REQUEST)
            client = encrypted = self._load_tls().wrap(plain, PATIENCE)
            if encrypted.selected_alpn_protocol() != "postgresql":
                encrypted.close()
                raise ProtocolError("TLS without asking first needs ALPN")
        while True:
            head = _exactly(client, 8)
            length, code = struct.unpack("!II", head)
            if not 8 <= length <= LONGEST_STARTUP or code in asked:  # noqa: PLR2004 - the head itself
                client.close()
                raise ProtocolError("no startup message")
            if code not in (SSL_REQUEST, GSS_REQUEST):
                return client, head + _exactly(client, length - 8)
            asked.add(code)
            if code == GSS_REQUEST:
                client.sendall(b"N")
            else:
                tls = self._load_tls()
                client.sendall(b"S")
                client = tls.wrap(plain, PATIENCE)

    def _is_ours(self, startup: bytes) -> bool:
        words = startup[8:].split(b"\0")
        return (b"user", self._user.encode()) in zip(words[::2], words[1::2], strict=False)

    def _bind(self, client: Socket, server: _socket.socket, keys: Keys) -> None:
        """Offer channel binding beside what the server offers, and have the conversation if the client takes it."""
        from pytest_asyncdb.postgres.supervision import scram

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
        ours = scram.BoundServer(keys, self._load_tls().certificate, rest[4:].decode())
        client.sendall(_authentication(SASL_CONTINUE, ours.first.encode()))
        accepted = ours.accepts(_message(client)[5:].decode())
        refusal = _authenticate(server, keys, honest=accepted)
        client.sendall(refusal or _authentication(SASL_FINAL, ours.final.encode()))


def _authenticate(server: _socket.socket, keys: Keys, *, honest: bool) -> bytes:
    """Say the password upstream; returns the server's refusal, or nothing."""
    from pytest_asyncdb.postgres.supervision import scram

    theirs = scram.PlainClient(keys)
    first = theirs.first.encode()
    server.sendall(_response(scram.MECHANISM.encode() + b"\0" + struct.pack("!I", len(first)) + first))
    challenge = _message(server)
    if challenge[:1] != b"R":
        return challenge
    server.sendall(_response(theirs.final(challenge[9:].decode(), honest=honest).encode()))
    verdict = _message(server)
    return b"" if verdict[:9] == _authentication(SASL_FINAL, verdict[9:])[:9] else verdict


def connected(upstream: Upstream) -> _socket.socket:
    """A connection to a server.

    Raises:
        OSError: nobody listens there.
    """
    if not isinstance(upstream, str):
        import socket

        return socket.create_connection(upstream, PATIENCE)
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        server.connect(upstream)
    except OSError:
        server.close()
        raise
    return server


def _exactly(source: Socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = source.recv(count - len(data))
        if not more:
            raise ProtocolError("closed in the middle of a message")
        data += more
    return data


def _message(source: Socket) -> bytes:
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
