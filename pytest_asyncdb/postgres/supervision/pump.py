"""Bytes from one socket to another, both ways at once, without ever waiting for one side only."""

from __future__ import annotations

import contextlib
import select
import ssl

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

CHUNK = 1 << 16
FULL = 1 << 18
"""Bytes waiting for one side at which the other is no longer read."""
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class _Flow:
    """What goes one way."""

    __slots__ = ("_sink", "_source", "open", "waiting")

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self._source = source
        self._sink = sink
        self.open = True
        self.waiting = b""

    def move(self) -> None:
        """Read what is there and write what goes."""
        while len(self.waiting) < FULL and self.open:
            try:
                more = self._source.recv(CHUNK)
            except WOULD_BLOCK:
                break
            self.waiting += more
            self.open = bool(more)
            if not isinstance(self._source, ssl.SSLSocket) or not self._source.pending():
                break
        if self.waiting:
            with contextlib.suppress(*WOULD_BLOCK):
                self.waiting = self.waiting[self._sink.send(self.waiting) :]

    @property
    def over(self) -> bool:
        """Whether nothing more will come, and nothing is left to pass on."""
        return not self.open and not self.waiting


def _show_interest(poll: select.poll, number: int, reading: _Flow, writing: _Flow) -> None:
    """Ask only for what can be dealt with, or poll() would never sleep."""
    wanted = select.POLLIN if reading.open and len(reading.waiting) < FULL else 0
    wanted |= select.POLLOUT if writing.waiting else 0
    if wanted:
        poll.register(number, wanted)
    else:
        with contextlib.suppress(KeyError):
            poll.unregister(number)


def pump(client: socket.socket, server: socket.socket) -> None:
    """Pass everything on until one side closes.

    Raises:
        OSError: the connection broke.
    """
    client.settimeout(0)
    server.settimeout(0)
    up, down = _Flow(client, server), _Flow(server, client)
    sockets = {client.fileno(): (up, down), server.fileno(): (down, up)}
    poll = select.poll()
    up.move()  # TLS may have read ahead what poll() cannot see
    while not (up.over or down.over):
        for number, (reading, writing) in sockets.items():
            _show_interest(poll, number, reading, writing)
        for number, event in poll.poll():
            reading, writing = sockets[number]
            if event & select.POLLOUT:
                writing.move()
            if event & ~select.POLLOUT:
                reading.move()
    if isinstance(client, ssl.SSLSocket):
        with contextlib.suppress(OSError):
            client.unwrap()  # tells the client that this end is meant
