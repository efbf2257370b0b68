"""Which Pythons the project says that it runs on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.dependencies import PythonRange
from pytest_asyncdb.facts.requirement import pep440
from pytest_asyncdb.sources.toml import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_asyncdb.sources.project import Project

_ASSIGNED = re.compile(r"(?m)\bpython_requires[ \t]*=[ \t]*[\"']?(?P<range>[^\r\n\"'#]+)")
_CLASSIFIER = re.compile(r"Programming Language :: Python :: (?P<minor>3\.\d+)\b")
_VERSION_FILE = re.compile(r"(?m)^[ \t]*(?:cpython-|python-)?(?P<minor>3\.\d+)(?:\.\d+)?[ \t]*\r?$")
_IMAGE = re.compile(r"(?im)^[ \t]*FROM[ \t]+(?:\S+[ \t]+)?(?:[\w.-]+/)*python:(?P<minor>3\.\d+)")
_TOML = {"pyproject.toml": ("project", "requires-python"), "Pipfile": ("requires", "python_version")}
_POETRY = ("tool", "poetry", "dependencies", "python")
_TOLD = re.compile(r"pyproject\.toml|Pipfile|setup\.cfg|setup\.py|\.python-version|runtime\.txt|Dockerfile[^/]*")


def pythons(project: Project, folders: Iterable[str]) -> tuple[PythonRange, ...]:
    """Find what the files of these folders say, what is meant as a range before what only names one version."""
    found: list[PythonRange] = []
    wanted = ["" if folder == "." else f"{folder}/" for folder in folders]
    for path in project.files:
        folder, slash, name = path.rpartition("/")
        if folder + slash in wanted and _TOLD.fullmatch(name):
            found += _in_file(project, path, name)
    return tuple(sorted(found, key=lambda one: (not one.is_range, -one.place.path.count("/"))))


def _in_file(project: Project, path: str, name: str) -> Iterator[PythonRange]:
    text, lines = project.text(path), project.lines(path)
    if name in _TOML:
        yield from _in_toml(project, path, name)
    for match in _ASSIGNED.finditer(text) if name.startswith("setup.") else ():
        specifier = pep440(match["range"].strip())
        if specifier:
            yield PythonRange(specifier, lines.span(*match.span("range")).place, "python_requires", is_range=True)
    minors = list(_CLASSIFIER.finditer(text)) if name not in ("Pipfile", ".python-version", "runtime.txt") else []
    if minors:
        names = ", ".join(dict.fromkeys(match["minor"] for match in minors))
        place = lines.span(*minors[0].span()).place
        yield PythonRange("", place, "the classifiers", minors=tuple(names.split(", ")))
    pattern = _IMAGE if name.startswith("Dockerfile") else _VERSION_FILE
    for match in pattern.finditer(text) if name.startswith((".python", "runtime", "Dockerfile")) else ():
        yield PythonRange("", lines.span(*match.span("minor")).place, name, minors=(match["minor"],))


def _in_toml(project: Project, path: str, name: str) -> Iterator[PythonRange]:
    try:
        document = values(project.text(path))
    except ValueError:
        return
    for value in document:
        if value.path in (_TOML[name], _POETRY) and value.is_string:
            place = project.lines(path).span(value.start, value.end).place
            if name == "Pipfile":
                yield PythonRange("", place, name, minors=(value.text,))
            elif specifier := pep440(value.text):
                yield PythonRange(specifier, place, str(value.path[-1]), is_range=True)
