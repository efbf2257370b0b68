"""Where an app is imported from and started in, told from how its modules import each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.layout import role_of

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator

    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.sources.project import Project

_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(?P<from>\.*[\w.]*)[ \t]+import|import[ \t]+(?P<import>[\w.]+))", re.MULTILINE
)
_MARKERS = re.compile(
    r"pyproject\.toml|setup\.(?:py|cfg)|requirements.*\.(?:txt|in)|Pipfile|alembic\.ini|\.env.*|Dockerfile.*|Procfile"
    r"|pytest\.ini|manage\.py|uv\.lock|poetry\.lock"
)
_ALSO_INSTALLED = frozenset({"alembic", "tests", "docs"})
"""Names of folders that seldom are what an import of that name means."""
_SAMPLE = 400
_OWN_WEIGHT = 100_000
"""What the app's own module imports decides: it is the one that has to import."""


def folders_above(path: str) -> tuple[str, ...]:
    """The folders a file lies in, innermost first; the project's root is ``.`` and comes last."""
    parts = path.split("/")[:-1]
    return (*("/".join(parts[:end]) for end in range(len(parts), 0, -1)), ".")


def folders_of(app: App | None) -> tuple[str, ...]:
    """The folders whose ``.env`` an app reads, nearest first."""
    above = (app.cwd, app.import_root, *folders_above(app.module_path or "")) if app else ()
    return tuple(dict.fromkeys((*above, ".")))


def import_root_of(project: Project, path: str) -> str:
    """Tell which folder must be on ``sys.path`` for the module at ``path`` to import.

    The folder wins from which most of the absolute imports of the modules around it resolve inside the project;
    relative imports say how deep the module must lie at least. Where imports say nothing, the outermost package's
    parent wins.
    """
    candidates = folders_above(path)[_packages_needed(project, path) :] or (".",)
    if len(candidates) == 1:
        return candidates[0]
    modules, folders = _modules(project)
    scores = dict.fromkeys(candidates, 0)
    for name, weight in _imported_names(project, path):
        head = name.replace(".", "/")
        for candidate in candidates:
            here = head if candidate == "." else f"{candidate}/{head}"
            if here in modules or (here in folders and name not in _ALSO_INSTALLED):
                scores[candidate] += weight
    best = max(scores.values())
    tied = [candidate for candidate in candidates if scores[candidate] == best]
    return tied[0] if best else _by_packages(candidates, modules)


def imports_from(project: Project, path: str, root: str) -> bool:
    """Whether the module at ``path`` finds all that it imports of the project when ``root`` alone is on the path.

    A command that names a module says where it was started, and not always what else is on ``PYTHONPATH``.
    """
    modules, folders = _modules(project)
    own = {name.partition(".")[0] for name, weight in _imported_names(project, path) if weight == _OWN_WEIGHT}
    known = modules | (folders - {"."})

    def holds(folder: str) -> set[str]:
        return {name for name in own if (name if folder == "." else f"{folder}/{name}") in known}

    everywhere = {name for folder in folders_above(path) for name in holds(folder)} - _ALSO_INSTALLED
    return everywhere <= holds(root)


def working_folder(project: Project, import_root: str) -> str:
    """Tell where the app is started: the import root, or the folder above it that holds the project's own files."""
    for folder in (import_root, *folders_above(f"{import_root}/")[1:]) if import_root != "." else (".",):
        prefix = "" if folder == "." else f"{folder}/"
        if any(_is_marker(file, prefix) for file in project.files):
            return folder
    return import_root


def _is_marker(file: str, prefix: str) -> bool:
    return file.startswith(prefix) and _MARKERS.fullmatch(file[len(prefix) :]) is not None


def _packages_needed(project: Project, path: str) -> int:
    """How many folders of the path must be packages, by the dots of its relative imports."""
    found = (match["from"] or b"" for match in _IMPORT.finditer(project.data(path) or b""))
    return max((len(one) - len(one.lstrip(b".")) for one in found), default=0)


def _modules(project: Project) -> tuple[frozenset[str], frozenset[str]]:
    modules = {path.removesuffix(".py").removesuffix("/__init__") for path in project.python_files}
    folders = {folder for path in project.python_files for folder in folders_above(path)}
    return frozenset(modules), frozenset(folders)


def _imported_names(project: Project, path: str) -> Iterator[tuple[str, int]]:
    """Absolute imports of the module and, weighing less, of the modules in its tree: each name once a file."""
    top, slash, _ = path.partition("/")
    around = f"{top}/" if slash else ""
    others = [one for one in project.python_files if one.startswith(around) and one != path and role_of(one) == "app"]
    for file in (path, *others[:_SAMPLE]):
        names: set[str] = set()
        for match in _IMPORT.finditer(project.data(file) or b""):
            name = (match["from"] or match["import"] or b"").decode("utf-8", "replace")
            if name and not name.startswith("."):
                names.add(name)
        yield from ((name, _OWN_WEIGHT if file == path else 1) for name in names)


def _by_packages(candidates: Iterable[str], modules: frozenset[str]) -> str:
    """The first folder that is no package, as ``python -m`` and the FastAPI CLI do it."""
    for candidate in candidates:
        if candidate not in modules:
            return candidate
    return "."


def parsed(project: Project, path: str) -> ast.Module | None:
    """The file's tree, or None when it cannot be parsed."""
    try:
        return project.tree(path)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
