"""Takes in what a child sends: events, learned secrets, lines of output."""

from __future__ import annotations

import json
import os
import selectors
import threading
from collections import deque
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket

    from pytest_asyncdb.model.serial import Json

_LINES = 200
_LINE = 2000
_POLL = 0.02
_CHUNK = 65536


class Process(Protocol):
    """A child's process, whoever started it."""

    pid: int

    @property
    def returncode(self) -> int | None:
        """Its exit status, negative for a signal."""

    @property
    def stdout(self) -> IO[bytes] | None:
        """What it prints."""

    @property
    def stderr(self) -> IO[bytes] | None:
        """What it prints there."""

    def death(self) -> int:
        """Open a descriptor that can be read when it has ended; negative where there is none."""

    def poll(self) -> int | None:
        """Its exit status, if it has ended."""

    def wait(self) -> int:
        """Wait for its end."""

    def kill(self) -> None:
        """End it."""

    def communicate(self) -> object:
        """Wait for its end and close its pipes."""


class Line:
    """One line of output."""

    __slots__ = ("phase", "source", "text")

    def __init__(self, phase: str, source: str, text: str) -> None:
        """Take the line; it has not passed the redactor."""
        self.phase = phase
        self.source = source
        self.text = text


class _Stream:
    """Cuts one pipe into lines."""

    def __init__(self, descriptor: int, name: str) -> None:
        self.descriptor = descriptor
        self.name = name
        self.rest = b""
        self.phase = "import"

    def lines(self, data: bytes) -> list[bytes]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > _CHUNK and self.name != "events":
            lines, self.rest = [*lines, self.rest], b""
        return lines


class Gather:
    """A thread that reads until the child has ended.

    Args:
        process: the child, with pipes as stdout and stderr.
        control: socket on which learned secrets come.
        events: pipe on which events come.
        mark: what a line of output begins with when it says that a phase begins.
    """

    def __init__(self, process: Process, control: socket.socket, events: int, mark: str) -> None:
        """Begin to read."""
        self.events: list[dict[str, Json]] = []
        self.output: deque[Line] = deque(maxlen=_LINES)
        self.secrets: list[str] = []
        self.ended = threading.Event()
        """Set when the child has said its last word or is gone."""
        self._process = process
        self._mark = mark.encode()
        self._stop = threading.Event()
        self._selector = selectors.DefaultSelector()
        assert process.stdout is not None  # noqa: S101 - both are pipes
        assert process.stderr is not None  # noqa: S101
        self._files = (process.stdout, process.stderr)
        self._control = _Stream(os.dup(control.fileno()), "control")
        streams = (
            _Stream(events, "events"),
            _Stream(process.stdout.fileno(), "stdout"),
            _Stream(process.stderr.fileno(), "stderr"),
            self._control,
        )
        for stream in streams:
            self._selector.register(stream.descriptor, selectors.EVENT_READ, stream)
        self._death = process.death()
        if self._death >= 0:
            self._selector.register(self._death, selectors.EVENT_READ, None)
        self._events = events
        self._thread = threading.Thread(target=self._run, name="asyncdb-sandbox", daemon=True)
        self._thread.start()

    def secret(self, value: str) -> None:
        """Learn a secret."""
        self.secrets.append(value)

    def finish(self) -> None:
        """Read what is left; the child's whole group has been killed. May be called more than once."""
        self._stop.set()
        self._thread.join()
        self._process.wait()
        self.ended.set()  # nothing more will come, whoever waits for it

    def _run(self) -> None:
        while not self._stop.is_set():
            self._read(_POLL if self._death < 0 else None)
            if self._process.poll() is not None:
                self.ended.set()
                self._stop.wait()
        # Whatever was written before the end is in the pipes; a process that escaped may hold them open.
        if self._death >= 0:
            self._selector.unregister(self._death)
            os.close(self._death)
        while self._read(0):
            pass
        for stream in (key.data for key in list(self._selector.get_map().values())):
            self._lines(stream, [stream.rest] if stream.rest else [])
        self._selector.close()
        for file in self._files:
            file.close()
        os.close(self._events)
        os.close(self._control.descriptor)

    def _read(self, seconds: float | None) -> bool:
        ready = self._selector.select(seconds)
        for key, _ in ready:
            if key.data is None:
                continue
            data = self._take(key.fd)
            if data:
                self._lines(key.data, key.data.lines(data))
            else:
                self._lines(key.data, [key.data.rest] if key.data.rest else [])
                self._selector.unregister(key.fd)
        return bool(ready)

    @staticmethod
    def _take(descriptor: int) -> bytes:
        try:
            return os.read(descriptor, _CHUNK)
        except OSError:  # the other end of a socket was killed
            return b""

    def _lines(self, stream: _Stream, lines: list[bytes]) -> None:
        for line in lines:
            if stream.name == "events":
                self._event(line)
            elif stream.name == "control":
                self.secrets.append(json.loads(line)["secret"])
            elif line.startswith(self._mark):
                stream.phase = line[len(self._mark) :].decode()
            elif line.strip():
                self.output.append(
                    Line(stream.phase, stream.name, line.decode("utf-8", "replace").rstrip("\r")[:_LINE])
                )

    def _event(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:  # cut off by the death of its writer
            return
        self.events.append(event)
        if event.get("t") == "end":
            self.ended.set()
