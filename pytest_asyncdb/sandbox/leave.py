"""Phases of the boot and the ways in which it can end."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from pytest_asyncdb.sandbox.errors import exit_code
from pytest_asyncdb.sandbox.watchdog import COMPUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.guard import Refusals
    from pytest_asyncdb.sandbox.places import PlaceJson
    from pytest_asyncdb.sandbox.recorder import Recorder
    from pytest_asyncdb.sandbox.watchdog import Watchdog

_GRACE = 0.5
"""Seconds that a phase may take beyond its own deadline before the watchdog ends it."""


class Outcome:
    """How a phase went, filled while it runs."""

    def __init__(self) -> None:
        """All is well so far."""
        self.error: BaseException | None = None
        self.note = ""
        self.timed_out = False
        self.stuck_at: PlaceJson | None = None


class Phases:
    """Runs phases one after the other and ends the process.

    Args:
        recorder: where phases are told.
        refusals: settled before the end.
        mark: bytes that tell the reader of stdout and stderr that a phase begins.
    """

    watchdog: Watchdog

    def __init__(self, recorder: Recorder, refusals: Refusals, mark: str) -> None:
        """Start outside of any phase."""
        self._recorder = recorder
        self._refusals = refusals
        self._mark = mark
        self._running: str | None = None
        self.lifespan: object = None
        """That of the app, once it runs; its ``task`` waits in the event loop."""
        self._exit = os._exit

    @contextmanager
    def phase(self, name: str, seconds: float) -> Iterator[Outcome]:
        """Run a phase: what the project raises is recorded and goes no further, SystemExit ends the process."""
        self._begin(name)
        outcome = Outcome()
        self.watchdog.arm(seconds + _GRACE)
        try:
            yield outcome
        except BaseException as error:  # noqa: BLE001 - project code may raise anything, KeyboardInterrupt too
            outcome.error = error
        self.watchdog.disarm()
        self._done(outcome)
        ended = system_exit(outcome.error)
        if ended is not None:
            told = self._recorder.error(ended)
            self.end("exit", code=exit_code(ended), place=told["place"], detail=str(told["message"]))

    def _begin(self, name: str) -> None:
        self._flush()
        self._recorder.phase = self._running = name
        self._recorder.phase_started = time.perf_counter()
        self._recorder.emit("begin", name=name)
        for descriptor in (1, 2):
            try:
                os.write(descriptor, f"\n{self._mark}{name}\n".encode())
            except OSError:  # the project closed it
                continue

    def _done(self, outcome: Outcome) -> None:
        if self._running is None:
            return
        name, self._running = self._running, None
        self._recorder.emit(
            "phase",
            name=name,
            ok=outcome.error is None and not outcome.timed_out,
            seconds=time.perf_counter() - self._recorder.phase_started,
            error=None if outcome.error is None else self._recorder.error(outcome.error),
            timed_out=outcome.timed_out,
            stuck_at=outcome.stuck_at,
            note=outcome.note,
        )

    def end(self, how: str, *, code: int | None = None, place: Json = None, detail: str = "") -> NoReturn:
        """Tell how it ended and leave at once: no garbage collection, no exit handlers of the project."""
        self._refusals.settle()
        self._flush()
        self._recorder.emit("end", how=how, phase=self._recorder.phase, code=code, place=place, detail=detail)
        self._exit(0 if code is None else code)

    def bark(self, place: PlaceJson | None) -> None:
        """End a phase that does not end by itself (called by the watchdog)."""
        outcome = Outcome()
        outcome.timed_out, outcome.stuck_at = True, place
        outcome.note = COMPUTES if self.watchdog.computes() else ""
        name = self._running or self._recorder.phase
        self._done(outcome)
        detail = f"importing {self._recorder.module}" if self._recorder.module else f"{name} did not end in time"
        self.end("deadline", code=1, place=place, detail=detail)

    def watch_exit(self) -> None:
        """Record a call of ``os._exit`` before it happens."""

        def _exit(status: int) -> NoReturn:
            if self._recorder.is_offspring:
                self._exit(status)
            place = self._recorder.place()
            outcome = Outcome()
            outcome.note, outcome.stuck_at = f"the process was ended by os._exit({status})", place
            outcome.error = SystemExit(status)
            self._done(outcome)
            self.end("exit", code=status, place=place, detail="os._exit")

        os._exit = _exit

    def _flush(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # noqa: BLE001, S112 - the project may have put anything there, or closed it
                continue


def system_exit(error: BaseException | None) -> SystemExit | None:
    """Find the SystemExit in an error: itself, or what it was raised from."""
    while error is not None:
        if isinstance(error, SystemExit):
            return error
        error = error.__cause__
    return None
