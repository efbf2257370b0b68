"""The front's TLS, on its own: importing it takes as long as starting a server, and a client may ask for none."""

from __future__ import annotations

import socket
import ssl

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

WAITS = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""What a socket raises that can't go on just now."""


class Tls:
    """The server's side of TLS with one certificate."""

    def __init__(self, certificate: str) -> None:
        """Read the PEM file ``certificate``, private key and chain.

        Raises:
            OSError: it is none.
        """
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._context.set_alpn_protocols(["postgresql"])
        self.certificate = _first_certificate(certificate)

    def wrap(self, plain: _socket.socket, seconds: float) -> ssl.SSLSocket:
        """Do the handshake; the socket given is not to be used any more.

        Raises:
            OSError: the client does not go along.
        """
        client = socket.socket(fileno=plain.detach())
        try:
            client.settimeout(seconds)
            return self._context.wrap_socket(client, server_side=True)
        except OSError:
            client.close()
            raise


def _first_certificate(path: str) -> bytes:
    with open(path, encoding="ascii") as file:  # noqa: PTH123 - this package imports no pathlib
        pem = file.read()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(pem[pem.index(begin) : pem.index(end) + len(end)])
