"""The parent's side of the process that copies itself: what it loads, and each copy as a child like any other."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Self

from pytest_asyncdb.sandbox.interpreter import begin
from pytest_asyncdb.sandbox.launch import Pipes

if TYPE_CHECKING:
    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.launch import Child
    from pytest_asyncdb.sandbox.request import BootRequest, Habits, Packages

_PATIENCE = 10.0
"""Seconds that loading the packages may take; after that it would be no gain."""
_ANSWER = 2.0
"""Seconds that a copy takes at most, once they are loaded: some milliseconds on an idle machine."""
_MESSAGE = 1 << 16


class Preloaded:
    """A process that loads packages and is copied for each boot.

    Where packages do more than to be imported, or a boot could notice, there are no copies: ``child`` gives None.

    Args:
        request: how the app is booted.
        packages: what to load.

    Raises:
        OSError: the interpreter can't be started.
    """

    def __init__(self, request: BootRequest, packages: Packages) -> None:
        """Start it; it loads while others work."""
        self._orders, childs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        leash, self._leash = os.pipe()
        self._orders.setblocking(True)  # noqa: FBT003 - it takes no keyword
        self._until = time.monotonic() + _PATIENCE
        self._ending = threading.Lock()
        try:
            handed = (childs.fileno(), leash)
            self._process = begin(request.python, "nursery", handed, subprocess.DEVNULL)
        except BaseException:
            self._orders.close()
            os.close(self._leash)
            raise
        finally:
            childs.close()
            os.close(leash)
        told = request.told("", complete=False)
        with suppress(OSError):  # it is gone already, and there will be no copies
            self._orders.send(json.dumps({**told, "packages": asdict(packages)}).encode())

    def child(self, request: BootRequest, habits: Habits) -> Child | None:
        """A copy that waits for its request; None where a new interpreter is needed."""
        order: dict[str, Json] = {
            "import_root": str(request.import_root),
            "env": [[name, value] for name, value in request.env],
            "uses": list(habits.uses),
            "sets": list(habits.sets),
        }
        with Pipes() as pipes, _Outputs() as outputs:
            handed = [*pipes.handed, *outputs.handed]
            try:
                socket.send_fds(self._orders, [json.dumps(order).encode()], handed)
            except OSError:  # it is gone
                return None
            answer = outputs.answer(max(_ANSWER, self._until - time.monotonic()))
            if answer is None:
                self.end()
            pid = (answer or {}).get("pid")
            return pipes.kept(outputs.kept(pid)) if isinstance(pid, int) else None

    def end(self) -> None:
        """End it; its copies are ended by whoever asked for them."""
        with self._ending:  # two that wait for a copy may find out at once that there will be none
            if self._process.returncode is not None:
                return
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._orders.close()
            os.close(self._leash)


class _Outputs:
    """What a copy gets besides the pipes of every child, while it is being made: both ends."""

    def __init__(self) -> None:
        self._status, self._childs_status = socket.socketpair()
        self._out, self._childs_out = os.pipe()
        self._err, self._childs_err = os.pipe()
        self._is_kept = False

    @property
    def handed(self) -> tuple[int, ...]:
        return self._childs_out, self._childs_err, self._childs_status.fileno()

    def answer(self, seconds: float) -> dict[str, Json] | None:
        """What the order came to; None when there is no answer."""
        self._childs_status.close()
        self._status.settimeout(seconds)
        try:
            told: dict[str, Json] = json.loads(self._status.recv(_MESSAGE))
        except (OSError, ValueError):
            return None
        self._status.settimeout(None)
        return told

    def kept(self, pid: int) -> Forked:
        self._is_kept = True
        return Forked(pid, self._status, os.fdopen(self._out, "rb"), os.fdopen(self._err, "rb"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._childs_status.close()
        os.close(self._childs_out)
        os.close(self._childs_err)
        if not self._is_kept:
            self._status.close()
            os.close(self._out)
            os.close(self._err)


class Forked:
    """A process that another one forked for this one, with what is needed of ``Popen``.

    Args:
        pid: its process id, which is that of its group, too.
        status: where its end is told; as long as this side is open, nobody else gets its number.
        stdout: what it prints.
        stderr: what it prints there.
    """

    def __init__(self, pid: int, status: socket.socket, stdout: IO[bytes], stderr: IO[bytes]) -> None:
        """It runs."""
        self.pid = pid
        self.returncode: int | None = None
        self.stdout = stdout
        self.stderr = stderr
        self._status = status

    def death(self) -> int:
        """Open a descriptor that can be read when it has ended."""
        return os.dup(self._status.fileno())

    def poll(self) -> int | None:
        """Its exit status, if it has ended."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self) -> int:
        """Wait for its end."""
        if self.returncode is None:
            told = self._status.recv(_MESSAGE)
            # Where the process that forked it is gone, nobody can tell.
            self.returncode = int(json.loads(told)["status"]) if told else -signal.SIGKILL
            self._status.close()
        return self.returncode

    def kill(self) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def communicate(self) -> object:
        """Wait for its end and close its pipes."""
        self.stdout.close()
        self.stderr.close()
        return self.wait()
