"""The child's end of the event pipe: JSON lines, redacted where they are made, one write each."""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_asyncdb.sandbox.errors import describe
from pytest_asyncdb.urls.redact import Redactor, secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.places import PlaceJson, Sources

_PIPE_BUF = 4096
_FROM_FORKS = frozenset({"connection", "refused", "sample"})
_AT_ONCE = frozenset({"begin", "at"})
"""Events in which nothing secret can be, told before all secrets are known."""
_REPR = 300


class Recorder:
    """Tells the parent what happens.

    Nothing but the begin of a phase, and where it stands, is told before ``hide`` was called.

    Args:
        events: file descriptor of the event pipe.
        sources: the project's own files.
    """

    def __init__(self, events: int, sources: Sources) -> None:
        """Begin in the phase ``import``."""
        self.take_over(events, sources)
        os.register_at_fork(after_in_child=self._forked)

    def take_over(self, events: int, sources: Sources) -> None:
        """Begin anew: in a copy of a process that had loaded packages and told nothing."""
        self.events = events
        self.sources = sources
        self.phase = "import"
        self.phase_started = 0.0
        self.module: str | None = None
        """The module that is being imported in the phase ``modules``."""
        self.on_error: Callable[[BaseException], None] | None = None
        """Called with each exception that the app logs."""
        self.on_secret: Callable[[str], None] | None = None
        """Called with each secret that is found on the way; it must not go through the event pipe."""
        self.is_offspring = False
        """Whether this is another program or a forked copy, which speaks only of its own attempts."""
        self._redactor = Redactor()
        self._known: set[str] = set()
        self._complete = threading.Event()
        """Set once the parent has told what is secret in the project."""
        self._lock = threading.Lock()
        # Numbers of several processes meet in one pipe.
        self._numbers = os.getpid() * 1_000_000

    def _forked(self) -> None:
        self._lock = threading.Lock()
        self._numbers = os.getpid() * 1_000_000
        self.is_offspring = True
        self.on_secret = None
        self._complete.set()  # no thread of this copy would; the parent masks what it gets once more

    def hide(self, secrets: Iterable[str]) -> None:
        """Take the project's secrets, and begin to tell."""
        for one in secrets:
            self._known.add(one)
            self._redactor.add(one)
        self._complete.set()

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that is hidden, for a guarded program: through a pipe only."""
        self._complete.wait()
        return self._redactor.secrets

    def emit(self, kind: str, /, **fields: Json) -> None:
        """Send one event. Offspring may only tell what it did to the network, in one indivisible write."""
        if kind not in _AT_ONCE:
            self._complete.wait()
        line = json.dumps({"t": kind, **self._clean(fields)}).encode() + b"\n"
        if self.is_offspring and (kind not in _FROM_FORKS or len(line) > _PIPE_BUF):
            return
        with self._lock:
            try:
                while line:
                    line = line[os.write(self.events, line) :]
            except OSError:  # the parent is gone, and the leash is about to end this process
                return

    @contextmanager
    def safely(self) -> Iterator[None]:
        """Keep what goes wrong in watching away from the app, which must run as it does without being watched."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - anything: objects of unknown versions are looked at here
            self.own_fault(error)

    def own_fault(self, error: BaseException) -> None:
        """Tell that the sandbox could not see something."""
        told = describe(error, self.sources)
        message = f"the sandbox could not see everything: {told['type']}: {told['message']}"
        self.emit("log", phase=self.phase, source="logging", level="WARNING", logger="pytest_asyncdb", message=message)

    def number(self) -> int:
        """Count engines, factories and refusals, from 1."""
        self._numbers += 1
        return self._numbers

    def secret(self, value: object) -> None:
        """Hide a value from now on, here and in the parent."""
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, str) and value and value not in self._known:
            self._known.add(value)
            self._redactor.add(value)
            if self.on_secret is not None:
                self.on_secret(value)

    def secrets_in(self, name: str, value: object) -> None:
        """Hide what is secret in a setting, a URL or a connection string."""
        if isinstance(value, str):
            for secret in secrets_of(name, value):
                self.secret(secret)

    def text(self, value: str) -> str:
        """Redact one text."""
        return self._redactor.text(value)

    def repr(self, name: str, value: object) -> str:
        """Tell the bounded ``repr`` of an argument; what is secret in it is learned first."""
        self.secrets_in(name, value)
        if isinstance(value, type):
            return f"{value.__module__}.{value.__qualname__}"
        try:
            return repr(value)[:_REPR]
        except Exception:  # noqa: BLE001 - the project's own __repr__ may raise anything
            return f"<{type(value).__name__}>"

    def pairs(self, values: dict[str, object], *, without: tuple[str, ...] = ()) -> Json:
        """Tell named arguments; passwords are learned and left out."""
        told: list[Json] = []
        for name, value in values.items():
            if name in ("password", "passwd", "sslpassword"):
                self.secret(value)
            elif name not in without:
                told.append([name, self.repr(name, value)])
        return told

    def error(self, error: BaseException) -> dict[str, Json]:
        """Describe an exception."""
        return describe(error, self.sources)

    def place(self, frame: FrameType | None = None) -> PlaceJson | None:
        """Find the project's innermost frame at this moment."""
        return self.sources.caller(frame or sys._getframe(1))  # noqa: SLF001 - the documented way to walk frames

    def _clean(self, value: dict[str, Json]) -> dict[str, Json]:
        return {name: self._clean_one(one) for name, one in value.items()}

    def _clean_one(self, value: Json) -> Json:
        if isinstance(value, str):
            return self._redactor.text(value)
        if isinstance(value, list | tuple):
            return [self._clean_one(one) for one in value]
        return self._clean(value) if isinstance(value, dict) else value
