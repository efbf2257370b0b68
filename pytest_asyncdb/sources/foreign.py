"""Which of a project's files say nothing about its app: templates of other projects, vendored code, tools' folders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.sources.leftout import LeftOut, counted

if TYPE_CHECKING:
    from collections.abc import Iterable

TOOLS = "folders of editors, agents and other tools"
VENDORED = "vendored packages"
TEMPLATES = "templates of other projects (valid Python in them is judged)"
_OPEN_DOT_FOLDERS = frozenset({".devcontainer", ".docker", ".envs", ".vscode", ".deploy"})
_TEMPLATES = frozenset({"templates", "template", "project_template", "skeleton", "scaffold"})
_VENDORED = frozenset({"_vendor", "_vendored", "vendored", "third_party", "third-party", "thirdparty", "3rdparty"})


@dataclass(frozen=True, slots=True)
class Sorted:
    """The files that say something about this app, the Python modules of templates, and what is left out."""

    sources: tuple[str, ...]
    templates: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def sort_out(files: Iterable[str]) -> Sorted:
    """Tell the sources of this project from those of others."""
    names = tuple(files)
    packages = frozenset(name.rpartition("/")[0] for name in names if name.endswith("/__init__.py"))
    folders: dict[str, tuple[str, str] | None] = {}
    sources: list[str] = []
    templates: list[str] = []
    left_out: list[tuple[str, str]] = []
    for name in names:
        folder = name.rpartition("/")[0]
        if folder not in folders:
            folders[folder] = _foreign(folder, packages)
        reason = folders[folder]
        if reason is None:
            sources.append(name)
            continue
        left_out.append(reason)
        if reason[0] == TEMPLATES and name.endswith(".py"):
            templates.append(name)
    return Sorted(tuple(sources), tuple(templates), counted(left_out))


def _foreign(folder: str, packages: frozenset[str]) -> tuple[str, str] | None:
    """Whose a folder is when it is not the project's own, and from which folder on."""
    parts = folder.split("/") if folder else []
    for depth, part in enumerate(parts):
        kind = _kind(part)
        if kind == TEMPLATES and part in _TEMPLATES and _all_packages(parts, depth, packages):
            continue
        if part == "vendor" and "/".join(parts[: depth + 1]) not in packages:
            kind = VENDORED
        if kind:
            return kind, "/".join(parts[: depth + 1]) + "/"
    return None


def _kind(part: str) -> str:
    if part.startswith(".") and part not in _OPEN_DOT_FOLDERS:
        return TOOLS
    if "{{" in part or "cookiecutter" in part.lower() or part in _TEMPLATES:
        return TEMPLATES
    return VENDORED if part in _VENDORED else ""


def _all_packages(parts: list[str], depth: int, packages: frozenset[str]) -> bool:
    """Whether a folder named like a template is a package of the app all the way down."""
    return all("/".join(parts[:end]) in packages for end in range(depth + 1, len(parts) + 1))
