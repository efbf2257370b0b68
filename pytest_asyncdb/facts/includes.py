"""What a project's dependency files take from elsewhere: requirements files, and packages beside the project."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from pytest_asyncdb.sources.toml import Value, values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.sources.project import Project

_SETUP_CFG = re.compile(r"(?m)^install_requires[ \t]*=[ \t]*file:[ \t]*(?P<files>[^\r\n]+(?:\r?\n[ \t]+[^\r\n]+)*)")


def files_taken(project: Project, path: str) -> Iterator[tuple[str, str]]:
    """Requirements files that a dependency file names as its own list, each with its group (empty for production)."""
    folder, _, name = path.rpartition("/")
    if name == "setup.cfg":
        match = _SETUP_CFG.search(project.text(path))
        named = [("", one) for one in re.split(r"[\s,]+", match["files"])] if match else []
    else:
        named = [found for value in _values(project, path) if (found := _dynamic(value))]
    for group, file in named:
        target = posixpath.normpath(posixpath.join(folder, file))
        if project.exists(target):
            yield target, group


def folders_taken(project: Project, path: str) -> Iterator[str]:
    """Folders of packages beside the project that production is made of: by path, or as members of a workspace."""
    folder = path.rpartition("/")[0]
    for value in _values(project, path):
        match value.path:
            case ("tool", "poetry", "dependencies", str(), "path") | ("tool", "uv", "sources", str(), "path"):
                yield posixpath.normpath(posixpath.join(folder, value.text))
            case ("tool", "uv", "sources", str(name), "workspace") if value.text == "true":
                yield from _member(project, name)


def _member(project: Project, name: str) -> Iterator[str]:
    """The folder of the workspace's member of that name."""
    wanted = re.sub(r"[-_.]+", "-", name).lower()
    for path in project.files:
        if posixpath.basename(path) != "pyproject.toml":
            continue
        own = (value.text for value in _values(project, path) if value.path == ("project", "name"))
        if any(re.sub(r"[-_.]+", "-", one).lower() == wanted for one in own):
            yield posixpath.dirname(path) or "."


def _values(project: Project, path: str) -> tuple[Value, ...]:
    try:
        return values(project.text(path)) if posixpath.basename(path) == "pyproject.toml" else ()
    except ValueError:
        return ()


def _dynamic(value: Value) -> tuple[str, str] | None:
    """Group and file of a list that stands in a file of its own."""
    match value.path:
        case ("tool", "setuptools", "dynamic", "dependencies", "file", *_):
            return "", value.text
        case ("tool", "setuptools", "dynamic", "optional-dependencies", str(group), "file", *_):
            return group, value.text
        case ("tool", "hatch", "metadata", "hooks", "requirements_txt", "files", int()):
            return "", value.text
        case (
            "tool", "hatch", "metadata", "hooks", "requirements_txt", "optional-dependencies", str(group), int()
        ):  # fmt: skip
            return group, value.text
    return None
