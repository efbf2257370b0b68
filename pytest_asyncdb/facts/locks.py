"""Lock files: which version of each package production gets."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.dependencies import Locked
from pytest_asyncdb.facts.installed import normalised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_asyncdb.facts.dependencies import Declared, Requirement
    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sources.project import Project

_FILES = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml")
# Nine tenths of a lock file are hashes of archives, which say nothing here.
_ARCHIVES = re.compile(r"(?m)^[ \t]*(?:\{ ?(?:url|file|name = \"[^\"]+\", url) ?=[^\r\n]*|sdist ?=[^\r\n]*)\r?\n")
_EXACT = re.compile(r"===?\s*(?P<version>[^\s,*]+)")
_MAIN = frozenset({"main", "default"})


@dataclass(slots=True)
class _Package:
    """One package of a lock: what it depends on, each with the extras asked of it, and what its extras add."""

    version: str
    is_production: bool | None = None
    """What the lock says; None where only following the dependencies tells."""
    needs: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    extras: dict[str, list[tuple[str, frozenset[str]]]] = field(default_factory=dict)


def locked(project: Project, declared: Declared) -> Locked:
    """Read the lock beside the dependency files; where there is none, exact versions that these ask for count."""
    folders = dict.fromkeys(posixpath.dirname(path) for path in declared.files)
    above = [folder.rsplit("/", up)[0] for folder in folders for up in range(1, folder.count("/") + 1)]
    for folder in dict.fromkeys([*folders, *above, ""]):
        for name in _FILES:
            path = posixpath.join(folder, name)
            packages = _read(project, path, name) if project.exists(path) else {}
            if packages:
                return _of_lock(path, packages, declared)
    production = (one for one in declared.requirements if not one.group)
    return Locked(versions=tuple(_pins([*production, *declared.constraints]).items()))


def _of_lock(path: str, packages: Mapping[str, _Package], declared: Declared) -> Locked:
    roots = [(one.name, frozenset(one.extras)) for one in declared.requirements if not one.group]
    if any(package.is_production is not None for package in packages.values()):
        reached = frozenset(name for name, package in packages.items() if package.is_production)
    else:
        reached = _closure(packages, roots)
    return Locked(path, tuple((name, packages[name].version) for name in sorted(reached)), is_whole=True)


def _closure(packages: Mapping[str, _Package], roots: Iterable[tuple[str, frozenset[str]]]) -> frozenset[str]:
    reached: dict[str, frozenset[str]] = {}
    waiting = list(roots)
    while waiting:
        name, extras = waiting.pop()
        known = reached.get(name)
        package = packages.get(name)
        if package is None or (known is not None and extras <= known):
            continue
        reached[name] = (known or frozenset()) | extras
        waiting += package.needs
        for extra in extras:
            waiting += package.extras.get(extra, ())
    return frozenset(reached)


def _pins(requirements: Iterable[Requirement]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in requirements:
        match = _EXACT.fullmatch(one.specifier)
        if match is not None:
            found.setdefault(one.name, match["version"])
    return found


def _read(project: Project, path: str, name: str) -> dict[str, _Package]:
    import tomllib

    text = project.text(path)
    try:
        document: Json = json.loads(text) if name == "Pipfile.lock" else tomllib.loads(_ARCHIVES.sub("", text))
    except ValueError:
        return {}
    reader = _Document(document)
    return reader.pipfile if name == "Pipfile.lock" else reader.packages


class _Document:
    """A parsed lock file; whatever of it is not as expected says nothing."""

    def __init__(self, document: Json) -> None:
        self._document = document if isinstance(document, dict) else {}

    @cached_property
    def packages(self) -> dict[str, _Package]:
        """Packages of uv, Poetry, PDM and pylock; of several versions of one the first counts."""
        found: dict[str, _Package] = {}
        for one in _list(self._document.get("package")) + _list(self._document.get("packages")):
            if isinstance(one, dict) and isinstance(one.get("name"), str):
                package = _package(one)
                if "packages" in self._document:
                    package.is_production = True  # such a file is what is to be installed, all of it
                name = normalised(str(one["name"]))
                known = found.get(name)
                if known is None:
                    found[name] = package
                elif one.get("extras"):  # PDM gives a package with extras an entry of its own
                    known.needs += package.needs
                    known.is_production = known.is_production or package.is_production
        return found

    @cached_property
    def pipfile(self) -> dict[str, _Package]:
        """Packages of Pipenv."""
        part = self._document.get("default")
        return {
            normalised(name): _Package(str(told.get("version", "")).lstrip("="), is_production=True)
            for name, told in (part.items() if isinstance(part, dict) else ())
            if isinstance(told, dict)
        }


def _package(told: dict[str, Json]) -> _Package:
    groups = told.get("groups", told.get("category"))
    named = [groups] if isinstance(groups, str) else _list(groups)
    is_production = any(one in _MAIN for one in named) if named else None
    package = _Package(str(told.get("version", "")), is_production, _needs(told.get("dependencies")))
    for key in ("optional-dependencies", "extras"):
        extras = told.get(key)
        for extra, needs in extras.items() if isinstance(extras, dict) else ():
            package.extras[extra] = _needs(needs)
    return package


def _needs(told: Json) -> list[tuple[str, frozenset[str]]]:
    """Dependencies in any of the ways in which locks write them: tables, tables by name, PEP 508."""
    if isinstance(told, dict):
        return [
            (normalised(name), _extras(given))
            for name, given in told.items()
            if not (isinstance(given, dict) and given.get("optional"))
        ]
    found = []
    for one in _list(told):
        if isinstance(one, dict):
            found.append((normalised(str(one.get("name", ""))), _extras(one)))
        elif match := re.match(r"(?P<name>[\w.-]+)(?:\[(?P<extras>[^\]]*)\])?", str(one)):
            extras = (match["extras"] or "").split(",")
            found.append((normalised(match["name"]), frozenset(extra.strip() for extra in extras if extra.strip())))
    return found


def _extras(told: Json) -> frozenset[str]:
    extras = told.get("extra", told.get("extras")) if isinstance(told, dict) else None
    return frozenset(str(one) for one in _list(extras))


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
