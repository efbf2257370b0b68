"""Which of the project's modules production would import: those the sandbox imports after the app."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.python import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.facts.python import Module

_SERVES = re.compile(r"(?:uvicorn|hypercorn|granian)\..*|asyncio\.run|.*\.serve")
_LEFT_OUT = frozenset({"__main__", "conftest", "setup", "manage", "env", "noxfile", "gunicorn_conf", "gunicorn_config"})


def modules_to_import(app: App, modules: Iterable[Module], codebase: Codebase) -> tuple[tuple[str, str], ...]:
    """Choose the modules of the app's own packages, and of those they import from.

    Args:
        app: the app that is booted.
        modules: every module of the project.
        codebase: knows which names are the project's.

    Returns:
        Dotted names and paths. Tests, migrations, scripts, modules that serve when imported and files that cannot be parsed
        are left out.
    """
    under = "" if app.import_root == "." else f"{app.import_root}/"
    candidates = {one.name: one for one in modules if one.role == "app" and one.path.startswith(under)}
    start = app.target.partition(":")[0]
    wanted = {start}
    waiting = [start]
    while waiting:
        reached = candidates.get(waiting.pop())
        for name in _imported(reached, codebase) if reached is not None else ():
            further = {name, *_siblings(name, candidates)} - wanted
            wanted |= further
            waiting += further
        if reached is not None and (further := _siblings(reached.name, candidates) - wanted):
            wanted |= further
            waiting += further
    return tuple((name, one.path) for name, one in candidates.items() if name in wanted and _is_importable(one))


def _siblings(name: str, candidates: Iterable[str]) -> set[str]:
    """Every module of the same top-level package; a top-level module stands for itself."""
    top, dot, _ = name.partition(".")
    return {one for one in candidates if one.startswith(f"{top}.")} if dot else {name}


def _imported(module: Module, codebase: Codebase) -> Iterable[str]:
    for one in module.imports:
        for name in (one.module, f"{one.module}.{one.name}"):
            if name in codebase.paths:
                yield codebase.names[codebase.paths[name]]


def _is_importable(module: Module) -> bool:
    if module.fault is not None or module.name.rpartition(".")[2] in _LEFT_OUT:
        return False
    if not all(part.isidentifier() for part in module.name.split(".")):
        return False
    return not any(call.level is Level.MODULE and _SERVES.fullmatch(call.target) for call in module.calls)
