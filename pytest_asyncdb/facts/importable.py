"""Which of the project's modules production would import: those the sandbox imports after the app."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.graph import text_imports

if TYPE_CHECKING:
    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.facts.project import App

_SERVES = re.compile(rb"^(?:\w+\.)?(?:run|serve|run_until_complete|main|cli)\(", re.MULTILINE)
_SERVING = (b"run(", b"serve(", b"complete(", b"main(", b"cli(")
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
    packages: dict[str, list[str]] = {}
    for name in candidates:
        packages.setdefault(name.partition(".")[0], []).append(name)
    wanted: set[str] = set()
    waiting = [start]
    while waiting:
        if not packages:
            return wanted | known.intersection(waiting)  # there is nothing else that could be imported
        name = waiting.pop()
        if name in known and name not in wanted:
            wanted.add(name)
            top, dot, _ = name.partition(".")
            # Every module of the same top-level package, once; a top-level module stands for itself.
            waiting += packages.pop(top, ()) if dot or packages.get(top) == [name] else ()
            waiting += text_imports(codebase, name, known)
    return wanted


def _is_importable(name: str, path: str, codebase: Codebase) -> bool:
    parts = name.split(".")
    if parts[-1] in _LEFT_OUT or not all(part.isidentifier() for part in parts):
        return False
    data = codebase.project.data(path) if path in codebase.project.holders(*_SERVING) else b""
    return _SERVES.search(data or b"") is None
