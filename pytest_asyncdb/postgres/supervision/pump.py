"""Bytes from one socket to another, both ways at once, without ever waiting for one side only."""

from __future__ import annotations

import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    import ssl

    Socket = _socket.socket | ssl.SSLSocket
    Waits = tuple[type[OSError], ...]

CHUNK = 1 << 16
FULL = 1 << 18
"""Bytes waiting for one side at which the other is no longer read."""


class _Flow:
    """What goes one way."""

    __slots__ = ("_pending", "_sink", "_source", "_waits", "open", "waiting")

    def __init__(self, source: Socket, sink: Socket, waits: Waits) -> None:
        self._source = source
        self._sink = sink
        self._waits = waits
        self._pending = getattr(source, "pending", int)  # TLS may hold what poll() cannot see
        self.open = True
        self.waiting = b""

    def move(self) -> None:
        """Read what is there and write what goes."""
        while len(self.waiting) < FULL and self.open:
            try:
                more = self._source.recv(CHUNK)
            except self._waits:
                break
            self.waiting += more
            self.open = bool(more)
            if not self._pending():
                break
        if self.waiting:
            try:
                sent = self._sink.send(self.waiting)
            except self._waits:
                return
            self.waiting = self.waiting[sent:]

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
        try:  # noqa: SIM105 - contextlib takes 2 ms to import
            poll.unregister(number)
        except KeyError:
            pass


def pump(client: Socket, server: Socket, waits: Waits = (BlockingIOError,)) -> None:
    """Pass everything on until one side closes.

    Args:
        client: on one side.
        server: on the other side.
        waits: what the sockets raise that can't go on just now.

    Raises:
        OSError: the connection broke.
    """
    client.settimeout(0)
    server.settimeout(0)
    up, down = _Flow(client, server, waits), _Flow(server, client, waits)
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
    unwrap = getattr(client, "unwrap", None)
    if unwrap is not None:
        try:
            unwrap()  # tells the client that this end is meant
        except OSError:
            return
