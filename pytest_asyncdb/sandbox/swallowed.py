"""Finds imports whose failure the project swallowed although what they ask for is there: circles that hide."""

from __future__ import annotations

import re
import sys
from importlib.util import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator
    from types import ModuleType

    from pytest_asyncdb.sandbox.recorder import Recorder
    from pytest_asyncdb.sandbox.watchdog import Watchdog

_LOOKS = re.compile(rb"^[ \t]*try:[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]+from[ \t]", re.MULTILINE)
_CATCHING = frozenset({"ImportError", "Exception", "BaseException"})
_MISSING = object()


def tell_swallowed(recorder: Recorder, watchdog: Watchdog) -> None:
    """Tell each ``from a import b`` in a ``try`` that left the module without ``b``, although ``a`` has it by now."""
    with watchdog.paused(), recorder.safely():
        for module in list(sys.modules.values()):
            path = recorder.sources.relative(getattr(module, "__file__", None) or "<none>")
            for statement in _guarded(module) if path is not None else ():
                for name, source in _lost(module, statement):
                    recorder.emit(
                        "swallowed",
                        module=module.__name__,
                        name=name,
                        source=source,
                        place={"path": path, "line": statement.lineno, "column": statement.col_offset + 1},
                    )


def _guarded(module: ModuleType) -> Iterator[ast.ImportFrom]:
    """The imports of names at a module's top level whose failure is caught."""
    try:
        with open(str(module.__file__), "rb") as file:  # noqa: PTH123 - pathlib may not be loaded
            data = file.read()
    except OSError:
        return
    if not _LOOKS.search(data):
        return
    import ast

    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return
    for node in tree.body:
        if isinstance(node, ast.Try) and any(_catches(one.type) for one in node.handlers):
            yield from (one for one in node.body if isinstance(one, ast.ImportFrom))


def _catches(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    names = [getattr(one, "id", "") for one in getattr(kind, "elts", [kind])]
    return not _CATCHING.isdisjoint(names)


def _lost(module: ModuleType, statement: ast.ImportFrom) -> Iterator[tuple[str, str]]:
    relative = f"{'.' * statement.level}{statement.module or ''}"
    try:
        origin = sys.modules.get(resolve_name(relative, module.__package__ or None))
    except ImportError:
        return
    for alias in statement.names:
        wanted = vars(origin).get(alias.name, _MISSING) if origin is not None and origin is not module else _MISSING
        found = vars(module).get(alias.asname or alias.name, _MISSING)
        if wanted is not _MISSING and wanted is not None and _is_stand_in(found, module):
            yield alias.name, str(getattr(origin, "__name__", ""))


def _is_stand_in(found: Any, module: ModuleType) -> bool:
    """Whether a name has nothing, or what the handler of the failure gave it."""
    if found is _MISSING or found is None or found is False:
        return True
    return getattr(found, "__module__", None) == module.__name__
