"""Imports packages ahead of the project's code, and measures whether a process can still tell the difference."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import FrameType

    from pytest_asyncdb.sandbox.recorder import Recorder

_ALL = "*"
_BETWEEN = frozenset({"os", "_collections_abc", "collections.abc"})
"""Modules of the environment itself."""


class Preload:
    """One attempt to import packages so that copies of this process are as good as new ones.

    What a new process could tell apart is measured, not listed: ``fault`` says why copies would not do.

    Args:
        recorder: the project's files; told nothing yet.
        before: the modules that a new child has, too.
    """

    def __init__(self, recorder: Recorder, before: Iterable[str]) -> None:
        """Nothing is imported yet."""
        self._recorder = recorder
        self._before = frozenset(before)
        self._late = _Late()
        self._reads: set[str] = set()
        self._told: list[str] = []
        self.fault = ""
        """Why copies of this process would not behave like new ones; empty when they do."""

    def run(self, packages: Iterable[str]) -> None:
        """Import each package that is not the project's own."""
        recorder = self._recorder
        recorder.emit = lambda kind, **_fields: self._told.append(kind)  # type: ignore[method-assign]  # for now
        state = _state()
        self._watch()
        for name in packages:
            self.fault = self._load(name) or next(self._faults(state), "")
            if self.fault:
                break
        self._unwatch()
        del recorder.emit

    def differs(self, environ: Mapping[str, str], told: Mapping[str, Any]) -> str:
        """Why a boot would behave in another way than in a process without these packages; empty when it would not.

        Args:
            environ: the environment of that boot.
            told: its ``import_root``, and what its code could notice: ``sets`` and ``uses``.
        """
        names = {*environ, *os.environ}
        touched = {name for name in names if environ.get(name) != os.environ.get(name)}.union(told["sets"])
        noticed = touched if _ALL in touched | self._reads else touched & self._reads
        if noticed and self._reads:
            return f"a package has read what the project sets: {', '.join(sorted(noticed))}"
        unsafe = self._late.names.intersection(told["uses"])
        if unsafe:
            return f"used and perhaps not imported: {', '.join(sorted(unsafe))}"
        return self._hidden(str(told["import_root"]))

    def _load(self, name: str) -> str:
        """Import one; tells how that failed, unless it is not there."""
        try:
            if self._is_foreign(name.partition(".")[0]):
                import_module(name)
        except ModuleNotFoundError as error:
            if not f"{name}.".startswith(f"{error.name}."):
                return f"{name} lacks {error.name}"
        except BaseException as error:  # noqa: BLE001 - a package may raise anything; the app shall meet it itself
            return f"{name} raises {type(error).__name__}"
        return ""

    def _is_foreign(self, package: str) -> bool:
        """Whether it is there, and holds no file of the project."""
        spec = find_spec(package)
        if spec is None:
            return False
        folders = [f"{one}/__init__.py" for one in spec.submodule_search_locations or ()]
        return all(self._recorder.sources.relative(one) is None for one in (spec.origin or "<none>", *folders))

    def _watch(self) -> None:
        sys.meta_path.insert(0, self._late)
        os.environ.__class__ = _reading(self._reads)

    def _unwatch(self) -> None:
        os.environ.__class__ = os._Environ  # noqa: SLF001 - what it was
        sys.meta_path.remove(self._late)

    def _faults(self, before: tuple[object, ...]) -> Iterator[str]:
        if self._told:
            yield f"a package does more than to be imported: {', '.join(sorted(set(self._told)))}"
        if _state() != before:
            yield "a package changes the environment, handles signals, keeps a file open, or starts a thread"
        if _has_children():
            yield "a package starts processes"
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if any(os.fstat(descriptor).st_size for descriptor in (1, 2)):
            yield "a package prints"
        relative = self._recorder.sources.relative
        if any(relative(getattr(one, "__file__", None) or "<none>") is not None for one in list(sys.modules.values())):
            yield "a package imports the project"

    def _hidden(self, import_root: str) -> str:
        """Packages that the app would not get, because a module of its own has that name and comes first."""
        for name in {one.partition(".")[0] for one in sys.modules} - self._before:
            spec = PathFinder.find_spec(name, [import_root])
            if spec is not None and spec.loader is not None:
                return f"the project has a module {name}"
        return ""


class _Late:
    """A finder that finds nothing: notes modules that are not there as soon as their package is."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: object = None) -> None:
        package = name.rpartition(".")[0]
        spec = getattr(sys.modules.get(package), "__spec__", None)
        if package and not getattr(spec, "_initializing", False):
            self.names.add(name)


def _reading(reads: set[str]) -> type[Any]:
    """An environment that notes what packages read of it. Python's own modules pass it on and decide nothing by it."""

    class Environ(os._Environ):  # type: ignore[type-arg]  # noqa: SLF001 - there is no other class to stand in for
        def __getitem__(self, key: Any) -> Any:
            if _reader() not in sys.stdlib_module_names:
                reads.add(key)
            return super().__getitem__(key)

        def __iter__(self) -> Any:
            if _reader() not in sys.stdlib_module_names:
                reads.add(_ALL)
            return super().__iter__()

    return Environ


def _reader() -> str:
    """The top-level package whose code asks the environment for something."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - the documented way to walk frames
    while frame is not None and frame.f_globals.get("__name__") in _BETWEEN:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] if frame is not None else ""


def _state() -> tuple[object, ...]:
    """What a package must leave as it is: environment, signal handlers, open descriptors, the only thread."""
    environ = dict(os.environ._data)  # type: ignore[attr-defined]  # noqa: SLF001 - reading it so is not noted
    handlers = [signal.getsignal(one) for one in sorted(signal.valid_signals())]
    files = {one for one in _names("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{one}")}
    return environ, handlers, files, len(_names("/proc/self/task"))


def _names(directory: str) -> list[str]:
    return os.listdir(directory)  # noqa: PTH208 - pathlib may not be loaded


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
