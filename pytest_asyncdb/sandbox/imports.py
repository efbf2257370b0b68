"""Imports the app, and after it every further module of the project."""

from __future__ import annotations

import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_asyncdb.sandbox.recorder import Recorder


class NoSuchAppError(Exception):
    """The target's module has no such attribute, or what it has is no app."""


def load(target: str) -> Any:
    """Import ``module:attribute``; without an attribute the module itself is the result.

    Raises:
        NoSuchAppError: the module has no such attribute.
        BaseException: whatever the module raises while it is imported.
    """
    name, _, attribute = target.partition(":")
    found: Any = import_module(name)
    for part in attribute.split(".") if attribute else ():
        try:
            found = getattr(found, part)
        except AttributeError:
            raise NoSuchAppError(f"module {name!r} has no attribute {attribute!r}") from None
    return found


def tell_imported(recorder: Recorder, modules: Iterable[tuple[str, str]]) -> None:
    """Tell which of the project's modules the app brought in."""
    for name, path in modules:
        if name in sys.modules:
            recorder.emit("import", module=name, path=path, ok=True, by_app=True)


def import_rest(recorder: Recorder, modules: Iterable[tuple[str, str]], seconds: float, arm: Callable[[], None]) -> str:
    """Import what the app did not; the failure of a module stays its own.

    Args:
        recorder: where each import is told.
        modules: dotted names with their paths.
        seconds: after which none is begun any more.
        arm: called before each, to watch over it.

    Returns:
        A note about what was not imported, or empty.
    """
    left = [one for one in modules if one[0] not in sys.modules]
    until = time.monotonic() + seconds
    while left and time.monotonic() < until:
        name, path = left.pop(0)
        recorder.module = name
        arm()
        error: BaseException | None = None
        try:
            import_module(name)
        except BaseException as caught:  # noqa: BLE001 - a script may end the process when it is imported
            error = caught
        recorder.emit(
            "import", module=name, path=path, ok=error is None, error=None if error is None else recorder.error(error)
        )
    recorder.module = None
    return f"{len(left)} modules were not imported: no time left" if left else ""
