"""The owner's end of the line: starts the supervisor, tells it what to do, and lets go of it."""

from __future__ import annotations

import json
import marshal
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pytest_asyncdb.postgres.protocol import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Value: TypeAlias = "str | int | float | bytes | tuple[Value, ...] | Mapping[str, str] | None"

SUPERVISOR = Path(__file__).with_name("supervisor.py")
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
"""Environment that programs may need to run at all; everything else may hold a secret and stays here."""
GRACE = 5.0
"""Seconds beyond the server's own limit after which the supervisor itself is taken for stuck."""
STOP = 10.0


class Supervised:
    """A supervisor process, as its owner sees it."""

    def __init__(self) -> None:
        """Start the process.

        Raises:
            ServerError: there is no interpreter to start it with.
        """
        if not sys.executable:
            raise ServerError("this Python does not know its own interpreter (sys.executable is empty)")
        utf8 = f"utf8={sys.flags.utf8_mode}"  # paths must mean the same on both ends
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-X", utf8, os.fspath(SUPERVISOR)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            start_new_session=True,
            bufsize=0,
        )
        self._said = b""

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def tell(self, message: Mapping[str, Value]) -> None:
        """Send a message; a supervisor that is gone is found out by ``hear``."""
        data = marshal.dumps(dict(message))
        assert self._process.stdin is not None  # noqa: S101 - it was asked for above
        with suppress(BrokenPipeError):
            rest = len(data).to_bytes(4, "big") + data
            while rest:
                rest = rest[self._process.stdin.write(rest) or 0 :]

    def hear(self, event: str, seconds: float) -> dict[str, str]:
        """Wait for an event.

        Raises:
            ServerError: it failed, ended or kept silent instead.
        """
        end = time.monotonic() + seconds
        noise = []
        while (line := self._line(end)) is not None:
            try:
                reply: dict[str, str] = json.loads(line)
            except ValueError:
                noise.append(line.decode(errors="replace"))
                continue
            if reply["event"] == event:
                return reply
            if reply["event"] == "failed":
                raise ServerError(_failure(reply["reason"], reply["log"]))
        raise ServerError(
            _failure(f"the process that holds the server ended or said nothing for {seconds:g} s", "\n".join(noise))
        )

    def _line(self, end: float) -> bytes | None:
        """The next line; None when there is no other, or not in time."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for above
        poll = select.poll()
        poll.register(self._process.stdout, select.POLLIN)
        while b"\n" not in self._said:
            if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
                return None
            more = self._process.stdout.read(1 << 16)
            if not more:
                return None
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        return line

    def close(self) -> None:
        """Let go: the server stops at once, and its directory is removed, which is not waited for."""
        assert self._process.stdin is not None  # noqa: S101 - it was asked for above
        assert self._process.stdout is not None  # noqa: S101 - as above
        self.tell({})
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        with suppress(ServerError):
            self.hear("stopped", STOP)
        self._process.stdout.close()
        threading.Thread(target=self._process.wait, name="asyncdb-reap", daemon=True).start()


@contextmanager
def supervised() -> Iterator[Supervised]:
    """A supervisor for the time of the ``with`` block."""
    process = Supervised()
    try:
        yield process
    finally:
        process.close()


def environment() -> dict[str, str]:
    """What a program gets of our environment."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def bases() -> tuple[str, ...]:
    """Directories in which a server's own may be made, best first."""
    return tuple(dict.fromkeys(("/dev/shm", tempfile.gettempdir(), "/tmp", "/var/tmp")))  # noqa: S108 - a private one is made inside


def _failure(reason: str, log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()][-20:]
    tail = "".join(f"\n    {line}" for line in lines)
    return f"{reason}; its last words:{tail}" if tail else reason
