"""The services of a project: parts of a monorepo with an app each."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.commands import starts
from pytest_asyncdb.facts.roots import folders_above

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_asyncdb.facts.candidates import Candidate
    from pytest_asyncdb.sources.project import Project

_MANIFEST = re.compile(
    r"(?:(?P<folder>.+?)/)??(?:requirements/[^/]+\.(?:txt|in)|pyproject\.toml|setup\.(?:py|cfg)|requirements[^/]*\.(?:txt|in)"
    r"|Pipfile|environment\.ya?ml|Dockerfile(?:\.[^/]+)?|Procfile)"
)
_DATABASE = re.compile(rb"sqlalchemy|sqlmodel|asyncpg|psycopg|advanced_alchemy|advanced-alchemy", re.IGNORECASE)
_COPIED = 0.5
"""The share of equal files from which on one service is a copy of another."""


@dataclass(frozen=True, slots=True)
class Service:
    """A folder with its own dependency files, and the apps found in it, the likeliest first."""

    folder: str
    candidates: tuple[Candidate, ...]


def services(project: Project, candidates: Sequence[Candidate]) -> tuple[tuple[Service, ...], tuple[Candidate, ...]]:
    """Sort candidates by the service they belong to.

    Args:
        project: the project on disk.
        candidates: at least one, the likeliest first.

    Returns:
        The services to check, and the candidates of those that are left out: parts that know no database where another
        one does, and copies of a part before them.
    """
    every = _by_folder(project, candidates)
    found = every
    if len(every) > 1:
        inner = tuple(f"{one.folder}/" for one in every if one.folder != ".")
        files = {one.folder: frozenset(_files(project, one, inner)) for one in every}
        found = [one for one in every if _knows_database(project, files[one.folder])] or every
        found = [one for number, one in enumerate(found) if not _is_copy(one, found[:number], project, files)]
    return tuple(found), tuple(one for service in every if service not in found for one in service.candidates)


def started_beside(project: Project, service: Service) -> tuple[Candidate, ...]:
    """The further apps of a service that its files start by themselves: a public one and one for administrators.

    Args:
        project: the project on disk.
        service: its first candidate is checked anyway.

    Returns:
        One of each module; none that a module of another one imports, because that one serves it.
    """
    first = service.candidates[0]
    found = {first.path: first}
    for one in service.candidates[1:]:
        if starts(first.found_in) and starts(one.found_in):
            found.setdefault(one.path, one)
    names = {path: path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2] for path in found}
    texts = {path: project.imports(path) for path in found}
    return tuple(
        one
        for path, one in found.items()
        if one is not first
        and not any(re.search(rf"\b{names[path]}\b".encode(), texts[other]) for other in found if other != path)
    )


def _by_folder(project: Project, candidates: Sequence[Candidate]) -> list[Service]:
    """Each candidate in the nearest folder above it that has dependency files, or says how it is started."""
    manifests = (_MANIFEST.fullmatch(path) for path in project.sources)
    told = {one["folder"] or "." for one in manifests if one}
    by_folder: dict[str, list[Candidate]] = {}
    for one in candidates:
        folder = next((folder for folder in folders_above(one.path) if folder in told), ".")
        by_folder.setdefault(folder, []).append(one)
    return [Service(folder, tuple(each)) for folder, each in by_folder.items()]


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
