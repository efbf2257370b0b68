"""Which of the project's modules production would import: those the sandbox imports after the app."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.graph import text_imports

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.facts.project import App

_SERVES = re.compile(rb"^(?:\w+\.)?(?:run|serve|run_until_complete|main|cli)\(", re.MULTILINE)
_LEFT_OUT = frozenset({"__main__", "conftest", "setup", "manage", "env", "noxfile", "gunicorn_conf", "gunicorn_config"})


def modules_to_import(app: App, codebase: Codebase) -> tuple[tuple[str, str], ...]:
    """Choose the modules of the app's own packages, and of those they import from.

    Nothing is parsed: the boot waits for this.

    Args:
        app: the app that is booted.
        codebase: all modules of the project.

    Returns:
        Dotted names and paths. Tests, migrations, scripts and modules that serve when imported are left out.
    """
    under = "" if app.import_root == "." else f"{app.import_root}/"
    candidates = {
        name: path for path, name in codebase.names.items() if codebase.roles[path] == "app" and path.startswith(under)
    }
    wanted = _reached(app.target.partition(":")[0], candidates, codebase)
    return tuple(
        (name, path) for name, path in candidates.items() if name in wanted and _is_importable(name, path, codebase)
    )


def _reached(start: str, candidates: dict[str, str], codebase: Codebase) -> set[str]:
    """The app's module, its package, what these import, and the packages of that."""
    known = set(candidates)
    wanted: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in known and name not in wanted:
            wanted.add(name)
            waiting += _siblings(name, known)
            waiting += text_imports(codebase, name, known)
    return wanted


def _siblings(name: str, candidates: Iterable[str]) -> list[str]:
    """Every module of the same top-level package; a top-level module stands for itself."""
    top, dot, _ = name.partition(".")
    return [one for one in candidates if one == top or one.startswith(f"{top}.")] if dot else []


def _is_importable(name: str, path: str, codebase: Codebase) -> bool:
    parts = name.split(".")
    if parts[-1] in _LEFT_OUT or not all(part.isidentifier() for part in parts):
        return False
    return _SERVES.search(codebase.project.data(path) or b"") is None
