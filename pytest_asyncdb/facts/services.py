"""The services of a project: parts of a monorepo with an app each."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.roots import folders_above

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_asyncdb.facts.candidates import Candidate
    from pytest_asyncdb.sources.project import Project

_MANIFEST = re.compile(
    r"pyproject\.toml|setup\.(?:py|cfg)|requirements.*\.(?:txt|in)|requirements/[^/]+\.(?:txt|in)|Pipfile|environment\.ya?ml"
    r"|Dockerfile(?:\..+)?|Procfile"
)
_DATABASE = re.compile(rb"sqlalchemy|sqlmodel|asyncpg|psycopg|advanced_alchemy|advanced-alchemy", re.IGNORECASE)
_COPIED = 0.5
"""The share of equal files from which on one service is a copy of another."""


@dataclass(frozen=True, slots=True)
class Service:
    """A folder with its own dependency files, and the apps found in it, the likeliest first."""

    folder: str
    candidates: tuple[Candidate, ...]


def services(project: Project, candidates: Sequence[Candidate]) -> tuple[Service, ...]:
    """Sort candidates by the service they belong to.

    Parts that know no database are left out where another one does, and so are copies of a part before them.

    Args:
        project: the project on disk.
        candidates: at least one, the likeliest first.
    """
    by_folder: dict[str, list[Candidate]] = {}
    for one in candidates:
        by_folder.setdefault(service_folder(project, one.path), []).append(one)
    found = [Service(folder, tuple(each)) for folder, each in by_folder.items()]
    if len(found) == 1:
        return tuple(found)
    inner = tuple(f"{one.folder}/" for one in found if one.folder != ".")
    prints = {one.folder: frozenset(_files(project, one, inner)) for one in found}
    found = [one for one in found if _knows_database(project, prints[one.folder])] or found
    return tuple(one for number, one in enumerate(found) if not _is_copy(one, found[:number], project, prints))


def service_folder(project: Project, path: str) -> str:
    """The nearest folder above the module that has its own dependency files or says how it is started."""
    for folder in folders_above(path):
        prefix = "" if folder == "." else f"{folder}/"
        if any(one.startswith(prefix) and _MANIFEST.fullmatch(one[len(prefix) :]) for one in project.sources):
            return folder
    return "."


def _files(project: Project, service: Service, inner: Iterable[str]) -> Iterator[str]:
    """The files of a service that may speak of a database; those of services inside of it are theirs."""
    prefix = "" if service.folder == "." else f"{service.folder}/"
    deeper = tuple(one for one in inner if one.startswith(prefix) and one != prefix)
    for path in project.sources:
        if path.startswith(prefix) and not path.startswith(deeper) and path.endswith((".py", ".toml", ".txt", ".in")):
            yield path


def _knows_database(project: Project, paths: Iterable[str]) -> bool:
    return any(_DATABASE.search(project.data(path) or b"") for path in paths)


def _is_copy(service: Service, before: Sequence[Service], project: Project, files: dict[str, frozenset[str]]) -> bool:
    own = _hashes(project, service, files)
    return bool(own) and any(len(own & _hashes(project, one, files)) >= _COPIED * len(own) for one in before)


def _hashes(project: Project, service: Service, files: dict[str, frozenset[str]]) -> frozenset[tuple[str, str]]:
    """Each module with text in it: where it lies in the service, and what it holds."""
    start = 0 if service.folder == "." else len(service.folder) + 1
    return frozenset(
        (path[start:], hashlib.blake2b(data).hexdigest())
        for path in files[service.folder]
        if path.endswith(".py") and (data := project.data(path))
    )
