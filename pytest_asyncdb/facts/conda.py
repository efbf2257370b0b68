"""Requirements in a conda ``environment.yml``: those for conda, and those of its ``pip:`` part."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.requirement import from_text
from pytest_asyncdb.facts.requirement_lines import requirement_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts.dependencies import Requirement
    from pytest_asyncdb.sources.project import Project

_LIST = re.compile(
    r"(?m)^dependencies:[^\r\n]*(?:\r?\n(?:[ \t]*(?:#[^\r\n]*)?|[ \t]*-[^\r\n]*|[ \t]+[^\r\n]*)(?=\r?\n|\Z))*"
)
_ITEM = re.compile(
    r"(?m)^(?P<indent>[ \t]*)-[ \t]+(?P<quote>[\"']?)(?P<text>[^\r\n\"']+?)(?P=quote)[ \t]*(?:#[^\r\n]*)?\r?$"
)
_CONDA = re.compile(r"(?:[\w.-]+::)?(?P<name>[\w.-]+)(?:[ \t]*(?P<operator>[=<>!~]=?)[ \t]*(?P<version>[^\s\[]+))?.*")
_NO_PYTHON_PACKAGE = frozenset({"python", "pip", "setuptools", "wheel"})


def from_environment(project: Project, path: str) -> list[Requirement]:
    """Read an environment file."""
    return list(_requirements(project, path))


def _requirements(project: Project, path: str) -> Iterator[Requirement]:
    lines = project.lines(path)
    listed = _LIST.search(lines.text)
    pip = ""
    for item in _ITEM.finditer(lines.text, listed.start(), listed.end()) if listed else ():
        indent = item["indent"]
        if item["text"].strip() == "pip:":
            pip = f"{indent} "
            continue
        start = item.start("text")
        if pip and len(indent) >= len(pip):
            for line in requirement_lines(item["text"]):
                found = from_text(lines, start + line.start, line.text, "", line.meaning) if line.meaning else None
                yield from [found] if found else ()
            continue
        pip = ""
        yield from _of_conda(project, path, start, item["text"].strip())


def _of_conda(project: Project, path: str, start: int, text: str) -> Iterator[Requirement]:
    match = _CONDA.fullmatch(text)
    if match is None or match["name"].lower() in _NO_PYTHON_PACKAGE:
        return
    meaning = match["name"]
    if match["version"]:
        # One `=` is a prefix, and what follows a second one is the build.
        fuzzy = match["operator"] == "=" and "*" not in match["version"]
        version = match["version"].partition("=")[0] + (".*" if fuzzy else "")
        meaning += f"{'==' if match['operator'] == '=' else match['operator']}{version}"
    found = from_text(project.lines(path), start, text, "", meaning, style="conda")
    if found is not None:
        yield found
