"""Where the children of one run come from: new interpreters, and copies of one that has the packages loaded."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Self

from pytest_asyncdb.sandbox.launch import spawn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_asyncdb.sandbox.forked import Preloaded
    from pytest_asyncdb.sandbox.launch import Child
    from pytest_asyncdb.sandbox.request import BootRequest, Habits, Packages


class Children:
    """Children for the boots of a run; a ``with`` block ends what they are copied from.

    The first boot of an app is one of a new interpreter: nothing is there but what the app itself imports. What
    that takes most of its time for need not be done again where a later boot could not tell the difference.

    Args:
        python: interpreter; empty means the running one.
    """

    def __init__(self, python: str = "") -> None:
        """Start nothing yet."""
        self._python = python
        self._preloaded: Preloaded | None = None
        self._of: tuple[str, Path] | None = None

    def fresh(self) -> Child:
        """A new interpreter.

        Raises:
            OSError: it can't be started.
        """
        return spawn(self._python)

    def prepare(self, request: BootRequest, packages: Callable[[], Packages]) -> None:
        """Begin to load what an app imports; nothing is begun for a copy of the same app, or where it would be no gain.

        Args:
            request: how the app is booted.
            packages: tells what to load.
        """
        app = (request.target, request.import_root.relative_to(request.project))
        if self._of == app or not _is_worth_it():
            return
        from pytest_asyncdb.sandbox.forked import Preloaded

        self._end()
        self._of = app
        try:
            self._preloaded = Preloaded(request, packages())
        except OSError:  # then each boot has an interpreter of its own
            self._preloaded = None

    def child(self, request: BootRequest, habits: Callable[[], Habits]) -> Child:
        """A child for a boot after the first.

        Args:
            request: how the app is booted.
            habits: tells what its code could notice.

        Raises:
            OSError: the interpreter can't be started.
        """
        copied = self._preloaded.child(request, habits()) if self._preloaded is not None else None
        return copied or self.fresh()

    def __enter__(self) -> Self:
        """Ready."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process that is copied."""
        self._end()

    def _end(self) -> None:
        if self._preloaded is not None:
            self._preloaded.end()
            self._preloaded = None


def _is_worth_it() -> bool:
    """Whether this system can do it, and has a core that would have nothing else to do meanwhile."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and len(os.sched_getaffinity(0)) > 1
