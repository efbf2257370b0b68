"""One attempt of a driver to connect: what was asked for, and how it ended."""

from __future__ import annotations

import sys
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.recorder import Recorder

CERTIFICATE = "the server's certificate was not judged: the throwaway server's own was trusted"
CURRENT: ContextVar[Attempt | None] = ContextVar("asyncdb_attempt", default=None)
"""The attempt that the running code belongs to."""
PROBING: ContextVar[bool] = ContextVar("asyncdb_probing", default=False)
"""Whether the sandbox itself, not the app, asks for connections."""


class Attempt:
    """A context manager around one connect call of a driver.

    Args:
        recorder: where it is told.
        driver: ``asyncpg``, ``psycopg`` or ``psycopg2``.
        arguments: what the project passed, passwords and all; they are learned and left out here.
    """

    def __init__(self, recorder: Recorder, driver: str, arguments: dict[str, object]) -> None:
        """Note who asks, before anything can fail."""
        self._recorder = recorder
        self._driver = driver
        self._arguments = recorder.pairs(arguments)
        self._place = recorder.place(sys._getframe(2))  # noqa: SLF001 - the documented way to walk frames
        self._asked = _asked(arguments)
        self._started = 0.0
        self._phase = recorder.phase
        self.notes: list[Json] = []

    def asked(self, host: object, port: object, database: object, user: object) -> None:
        """Take the address that the driver made of all its sources."""
        self._asked = {
            "host": _joined(host),
            "port": _joined(port),
            "database": str(database or ""),
            "user": str(user or ""),
        }

    def note(self, text: str) -> None:
        """Say what was not passed on as it was, and why."""
        self.notes.append(text)

    def __enter__(self) -> Self:
        """Become the current attempt."""
        self._token = CURRENT.set(self)
        self._started = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Tell the outcome; the error goes on."""
        seconds = time.perf_counter() - self._started
        CURRENT.reset(self._token)
        told: dict[str, Json] | None = self._recorder.error(error) if error is not None else None
        self._recorder.emit(
            "connection",
            driver=self._driver,
            phase=self._phase,
            arguments=self._arguments,
            place=self._place,
            ok=error is None,
            error=told,
            seconds=seconds,
            by_probe=PROBING.get(),
            notes=self.notes,
            **self._asked,
        )


def _joined(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def _asked(arguments: dict[str, Any]) -> dict[str, Json]:
    names = {"host": ("host",), "port": ("port",), "database": ("database", "dbname"), "user": ("user",)}
    return {
        name: next((_joined(arguments[key]) for key in keys if arguments.get(key) is not None), "")
        for name, keys in names.items()
    }
