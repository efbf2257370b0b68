"""The child's end of the control socket: the request, the server when it is ready, and the leash."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from pytest_asyncdb.model.serial import Json

_F_SETSIG = 10
"""Linux only; Python's fcntl module does not name it."""


class Address:
    """The throwaway server as drivers need it. Its ``repr`` is the default one, without any value."""

    def __init__(self, told: dict[str, Json]) -> None:
        """Take what the parent sent."""
        self.host = str(told["host"])
        self.port = int(str(told["port"]))
        self.user = str(told["user"])
        self.password = str(told["password"])
        self.database = str(told["database"])
        self.ca_file = str(told["ca_file"])
        self.channel_binding = bool(told["channel_binding"])
        self.version = str(told["version"])

    @property
    def direct_tls(self) -> bool:
        """Whether TLS without the plain-text greeting is understood: PostgreSQL 17 on, doing TLS itself."""
        major = self.version.split(".")[0]
        return self.channel_binding and major.isdecimal() and int(major) >= 17  # noqa: PLR2004 - the version

    def told(self) -> dict[str, Json]:
        """The values again, for a Python program that the project starts."""
        return dict(vars(self))


class Control:
    """Reads what the parent sends and ends this process group when the parent goes away."""

    def __init__(self, connection: socket.socket) -> None:
        """Take the connected socket; nothing is read yet."""
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._told = threading.Event()
        self._address: Address | None = None
        self.reason = ""
        self.on_rest: Callable[[dict[str, Json]], None] | None = None
        """Called with the rest of a request that came in two parts."""
        self.on_where: Callable[[], None] | None = None
        """Called when the parent wants to know where the project's code stands."""
        self._lock = threading.Lock()

    def request(self) -> dict[str, Json]:
        """Read the request, which is the first line."""
        request: dict[str, Json] = json.loads(self._stream.readline())
        return request

    def listen(self) -> None:
        """Begin to take what comes after the request."""
        threading.Thread(target=self._listen, name="asyncdb-control", daemon=True).start()

    def server(self) -> Address | None:
        """Wait for the server; None when there is none, and ``reason`` says why."""
        self._told.wait()
        return self._address

    @property
    def known(self) -> Address | None:
        """The server, if it is known already."""
        return self._address

    def learned(self, secret: str) -> None:
        """Tell the parent a secret that it must mask in what it captured itself."""
        with self._lock:
            try:
                self._connection.sendall(json.dumps({"secret": secret}).encode() + b"\n")
            except OSError:
                return

    def _listen(self) -> None:
        for line in self._stream:
            told = json.loads(line)
            if "rest" in told:
                if self.on_rest is not None:
                    self.on_rest(told["rest"])
                continue
            if "where" in told:
                if self.on_where is not None:
                    self.on_where()
                continue
            if "server" in told:
                self._address = Address(told["server"])
            self.reason = told.get("no_server", "")
            self._told.set()
        os.killpg(0, signal.SIGKILL)


def leash(descriptor: int) -> None:
    """Have the kernel kill this whole process group when the other end of a pipe closes.

    It also reaches code that never lets another thread run. Where the kernel can't (not Linux), the end of the
    control socket does it.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC)
    except (OSError, AttributeError):
        return
