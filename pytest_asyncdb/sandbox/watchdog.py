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
        self._changed = threading.Condition()
        self._deadline: float | None = None

    def arm(self, seconds: float) -> None:
        """Bark unless ``disarm`` is called in time."""
        with self._changed:
            self._deadline = time.monotonic() + seconds
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

    def run(self) -> None:
        """Wait for the deadline, whenever there is one."""
        while True:
            with self._changed:
                left = None if self._deadline is None else self._deadline - time.monotonic()
                if left is None or left > 0:
                    self._changed.wait(left)
                    continue
            frame = sys._current_frames().get(self._main)  # noqa: SLF001 - the documented way to see another thread
            self._bark(self._recorder.sources.caller(frame))
            return
