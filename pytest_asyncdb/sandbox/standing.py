"""Says where the project's code stands, when the parent asks on behalf of somebody who waits."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

    from pytest_asyncdb.sandbox.leave import Phases
    from pytest_asyncdb.sandbox.places import PlaceJson
    from pytest_asyncdb.sandbox.recorder import Recorder

_PACKAGES = ("site-packages/", "dist-packages/", f"python{sys.version_info[0]}.{sys.version_info[1]}/")


class Standing:
    """Looks at the thread that makes it.

    Args:
        recorder: where it is told.
        phases: know the lifespan that runs.
    """

    def __init__(self, recorder: Recorder, phases: Phases) -> None:
        """Remember the thread."""
        self._recorder = recorder
        self._phases = phases
        self._main = threading.get_ident()

    def tell(self) -> None:
        """Tell the project's innermost line, and the line of a package that it called; from any other thread."""
        frame = sys._current_frames().get(self._main)  # noqa: SLF001 - the documented way to see another thread
        own = self._recorder.sources.caller(frame)
        package = _package(frame) if own is None or not self._is_own(frame) else ""
        if own is None and (suspended := self._suspended()) is not None:
            own, package = suspended, ""
        self._recorder.emit("at", place=own, package=package)

    def _is_own(self, frame: FrameType | None) -> bool:
        return frame is not None and self._recorder.sources.relative(frame.f_code.co_filename) is not None

    def _suspended(self) -> PlaceJson | None:
        """The project's line at which its startup or shutdown waits in the event loop."""
        task = getattr(self._phases.lifespan, "task", None)
        if task is None:
            return None
        from pytest_asyncdb.sandbox.asgi import where

        own = [frame for frame in where(task) if self._is_own(frame)]
        return self._recorder.place(own[-1]) if own else None


def _package(frame: FrameType | None) -> str:
    """The innermost line outside of the import system, as ``package/module.py:34``."""
    while frame is not None and frame.f_code.co_filename.startswith("<"):
        frame = frame.f_back
    if frame is None:
        return ""
    path = frame.f_code.co_filename.replace("\\", "/")
    for folder in _PACKAGES:
        path = path.rpartition(folder)[2]
    return f"{path}:{frame.f_lineno}"
