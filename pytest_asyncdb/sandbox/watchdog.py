"""Ends a phase that does not end by itself, and says where the project's code stood."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_asyncdb.sandbox.places import PlaceJson
    from pytest_asyncdb.sandbox.recorder import Recorder


COMPUTES = "the deadline passed while it was computing, not waiting"
_WORTH_IT = 0.2
"""Seconds below which nothing is added."""
_MOSTLY = 0.7


class Watchdog(threading.Thread):
    """A thread that watches the main thread.

    Args:
        recorder: tells which frames are the project's.
        bark: called in this thread when a deadline has passed, with where the project stood; it ends the process.
    """

    def __init__(self, recorder: Recorder, bark: Callable[[PlaceJson | None], None]) -> None:
        """Watch the thread that makes it."""
        super().__init__(name="asyncdb-watchdog", daemon=True)
        self._recorder = recorder
        self._bark = bark
        self._main = threading.get_ident()
        self._schedule = f"/proc/self/task/{threading.get_native_id()}/schedstat"
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._waited = self._patience = 0.0
        self._armed = (0.0, 0.0)

    def arm(self, seconds: float) -> None:
        """Bark unless ``disarm`` is called in time; time in which it could run and got no core does not count."""
        with self._changed:
            self._deadline = time.monotonic() + seconds
            had, self._waited = self._cores()
            self._patience, self._armed = seconds, (time.monotonic(), had + self._waited)
            self._changed.notify()

    def disarm(self) -> None:
        """Stay quiet."""
        with self._changed:
            self._deadline = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock."""
        started = time.monotonic()
        with self._changed:
            deadline, self._deadline = self._deadline, None
        try:
            yield
        finally:
            if deadline is not None:
                self.arm(deadline - started)

    def computes(self) -> bool:
        """Whether the thread has done little but compute, or wait for a core to do so, since it is watched."""
        since, before = self._armed
        return sum(self._cores()) - before > _MOSTLY * (time.monotonic() - since)

    def _extended(self) -> bool:
        """Add what the thread had to wait for a core, once as long as the deadline itself at most."""
        _, waited = self._cores()
        more = min(waited - self._waited, self._patience)
        if self._deadline is None or more < _WORTH_IT:
            return False
        self._deadline += more
        self._waited, self._patience = waited, self._patience - more
        return True

    def _cores(self) -> tuple[float, float]:
        """Seconds that the main thread had a core, and that it waited for one; 0 where the system does not tell."""
        try:
            with open(self._schedule, encoding="ascii") as file:  # noqa: PTH123 - nothing is imported for it
                had, waited, *_ = file.read().split()
            return int(had) / 1e9, int(waited) / 1e9
        except (OSError, ValueError):
            return 0.0, 0.0

    def run(self) -> None:
        """Wait for the deadline, whenever there is one."""
        while True:
            with self._changed:
                left = None if self._deadline is None else self._deadline - time.monotonic()
                if left is None or left > 0 or self._extended():
                    self._changed.wait(left if left is None or left > 0 else 0)
                    continue
            frame = sys._current_frames().get(self._main)  # noqa: SLF001 - the documented way to see another thread
            self._bark(self._recorder.sources.caller(frame))
            return
