"""How xdist's workers ask their controller for a server: a socket of its own, with a secret that only they know.

What a worker is given, it is given when it starts; the server must not be started for that, because perhaps no test
needs one. So it is told where to ask.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_asyncdb.model.server import Server

PATIENCE = 10.0
"""Seconds for a worker to say what it wants."""
PAUSE = 0.01
LONGEST = 1 << 16
"""Bytes of a question."""
PREFIX = "asyncdb-"
"""Of the directory, which is swept like those of servers when its owner was killed: nobody holds its lock then."""


class NobodyListensError(Exception):
    """There is no controller at the address."""


class Broker:
    """Answers workers until it is closed; one thread a question.

    Args:
        serve: gives the server for a request, however long that takes.
    """

    def __init__(self, serve: Callable[[str], Server]) -> None:
        self._serve = serve
        self._token = secrets.token_hex(32)
        self._directory = None if sys.platform == "linux" else _Directory()
        # An abstract name is gone with its process, whatever becomes of that.
        name = f"\0{PREFIX}{secrets.token_hex(16)}" if self._directory is None else self._directory.socket
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(name)
        self._listener.listen(128)
        self.address = {"socket": name, "token": self._token}
        threading.Thread(target=self._accept, name="asyncdb-broker", daemon=True).start()

    def close(self) -> None:
        """Listen no longer."""
        if self._listener.fileno() < 0:
            return
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._listener.close()
        if self._directory is not None:
            self._directory.remove()

    def _accept(self) -> None:
        while self._listener.fileno() >= 0:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed, or the worker is gone again, or there are too many files open just now
                time.sleep(PAUSE)
                continue
            threading.Thread(target=self._answer, args=(connection,), name="asyncdb-answer", daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, ValueError):  # a worker that was killed asks no more
            connection.settimeout(PATIENCE)
            question = _question(connection)
            if _is_ours(connection) and secrets.compare_digest(question.pop("token", ""), self._token):
                connection.settimeout(None)
                connection.sendall(json.dumps(self._outcome(**question)).encode())

    def _outcome(self, request: str) -> dict[str, object]:
        from dataclasses import asdict

        try:
            server = self._serve(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker has to hear it
            return {"error": str(error), "kind": type(error).__name__}
        return {"server": {**asdict(server), "workspace": os.fspath(server.workspace)}}


def ask(address: Mapping[str, str], request: str) -> Server:
    """Ask the controller for a server, and wait until it is ready.

    Raises:
        NobodyListensError: there is no controller at the address.
        NoProviderError, ServerError: it has no server for us; the text is its own.
    """
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.postgres.choose import NoProviderError
    from pytest_asyncdb.postgres.protocol import ServerError

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(address["socket"])
        except OSError as error:
            raise NobodyListensError from error
        with suppress(OSError):  # then there is no answer either
            connection.sendall(json.dumps({"token": address["token"], "request": request}).encode() + b"\n")
        said = _all(connection)
    if not said:
        raise ServerError("the controller of this run went away before it had a server")
    answer = json.loads(said)
    if "error" in answer:
        raise (NoProviderError if answer["kind"] == NoProviderError.__name__ else ServerError)(answer["error"])
    told = answer["server"]
    return Server(**{**told, "workspace": Path(told["workspace"]), "limits": tuple(told["limits"])})


def _all(connection: socket.socket) -> bytes:
    said = b""
    with suppress(OSError):
        while more := connection.recv(LONGEST):
            said += more
    return said


def _question(connection: socket.socket) -> dict[str, str]:
    said = b""
    while not said.endswith(b"\n"):
        more = connection.recv(LONGEST)
        if not more or len(said) > LONGEST:
            raise ValueError("no question")
        said += more
    question = json.loads(said)
    if not isinstance(question, dict) or not all(isinstance(value, str) for value in question.values()):
        raise ValueError("no question")
    return question


def _is_ours(connection: socket.socket) -> bool:
    """Whether a process of this user asks; only Linux tells."""
    if sys.platform != "linux":
        return True  # the directory of the socket keeps others out
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(uid == os.geteuid())


class _Directory:
    """A private, locked directory with a socket in it, where sockets cannot be without one."""

    def __init__(self) -> None:
        import fcntl
        import tempfile

        self._path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.socket = os.fspath(self._path / "ask")
        self._lock = os.open(self._path, os.O_RDONLY)
        with suppress(OSError):  # a file system without locks: the sweep leaves it alone
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def remove(self) -> None:
        """Remove it."""
        import shutil

        shutil.rmtree(self._path, ignore_errors=True)
        os.close(self._lock)
