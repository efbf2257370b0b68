"""Says what a run waits for when that takes long: a line at growing intervals, so that nobody takes it for dead."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from itertools import chain, count
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIRST = 10.0
"""Seconds until a run says for the first time what it waits for; then after three and six times that, and so on."""
_GLANCE = 0.25
_ANSWER = 0.3
"""Seconds for a child to say where it stands; one that lets no other thread run says nothing."""


class Work(Protocol):
    """Something that takes its time."""

    def doing(self) -> Iterator[tuple[str, str]]:
        """What it does just now, and where in it it is, if that is known."""

    def ask(self) -> None:
        """Find out where it is, for the next call of ``doing``."""


class Waiting:
    """Watches a run from a thread of its own.

    Args:
        tell: hears each line; None: nothing is said.
    """

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self._tell = tell
        self._works: list[Work] = []
        self._since: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="asyncdb-waiting", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        if self._tell is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Say nothing more."""
        self._over.set()
        if self._tell is not None:
            self._thread.join()

    @contextmanager
    def on(self, work: Work | str) -> Iterator[None]:
        """What is waited for in this block; blocks within it say more exactly what."""
        one = _Named(work) if isinstance(work, str) else work
        self._works.append(one)
        try:
            yield
        finally:
            self._works.remove(one)

    def _watch(self) -> None:
        begun = time.monotonic()
        for moment in moments():
            while (left := begun + moment - time.monotonic()) > 0:
                if self._over.wait(min(left, _GLANCE)):
                    return
                self._look()
            for work in tuple(self._works):
                work.ask()
            if self._over.wait(min(_ANSWER, FIRST)):
                return
            self._say(self._look())

    def _look(self) -> dict[str, str]:
        """What is being done, each with its place; and since when."""
        found: dict[str, str] = {}
        for work in tuple(self._works):
            for what, place in work.doing():
                found[what] = found.get(what) or place
        now = time.monotonic()
        self._since = {what: self._since.get(what, now) for what in found}
        return found

    def _say(self, found: dict[str, str]) -> None:
        now = time.monotonic()
        parts = []
        for what, place in found.items():
            details = [f"{now - self._since[what]:.0f} s", *([place] if place else [])]
            parts.append(f"{what} ({', '.join(details)})")
        if parts and self._tell is not None:
            self._tell(f"still {'; '.join(parts)}")


class _Named:
    """Work of which nothing more is known than its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def doing(self) -> Iterator[tuple[str, str]]:
        """Its name."""
        yield self._name, ""

    def ask(self) -> None:
        """Nobody knows."""


def moments() -> Iterator[float]:
    """When something is said, in seconds from the start."""
    return (FIRST * times for times in chain((1, 3), count(6, 6)))
