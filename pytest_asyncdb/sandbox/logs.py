"""Hears what the app logs, without a handler of its own: a handler would make ``basicConfig`` do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_asyncdb.sandbox.recorder import Recorder

_MESSAGE = 2000
_PER_PHASE = 500


class Logs:
    """A patch for ``logging``."""

    def __init__(self, recorder: Recorder) -> None:
        """Start with nothing heard."""
        self._recorder = recorder
        self._heard: dict[str, int] = {}

    def patch(self, module: Any) -> None:
        """Change ``logging``: every record that a logger lets pass comes by here, handlers or not."""
        call = module.Logger.callHandlers

        def callHandlers(this: Any, record: Any) -> None:  # noqa: N802 - the name of the method
            with self._recorder.safely():
                self._hear(record)
            call(this, record)

        module.Logger.callHandlers = callHandlers

    def _hear(self, record: Any) -> None:
        phase = self._recorder.phase
        heard = self._heard[phase] = self._heard.get(phase, 0) + 1
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is not None and self._recorder.on_error is not None:
            self._recorder.on_error(error)
        if heard > _PER_PHASE:
            return
        try:
            message = str(record.getMessage())
        except Exception:  # noqa: BLE001 - arguments that don't fit their format, or a __str__ that fails
            message = str(record.msg)
        if error is not None:
            message += f"\n{type(error).__name__}: {error}"
        self._recorder.emit(
            "log", phase=phase, source="logging", level=record.levelname, logger=record.name, message=message[:_MESSAGE]
        )
