"""Facts about declared dependencies and installed distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.model.place import Place, Span


@dataclass(frozen=True, slots=True)
class PythonRange:
    """What one file says of the Pythons that the project runs on: a PEP 440 specifier, or the minor versions named.

    ``name`` is what says it (``requires-python``, ``Dockerfile``); ``is_range`` tells what is meant as the whole truth
    from what names the version in use.
    """

    specifier: str
    place: Place
    name: str
    minors: tuple[str, ...] = ()
    is_range: bool = False

    def admits(self, version: str) -> bool:
        """Whether that version of Python is one of them."""
        from packaging.specifiers import SpecifierSet

        if self.minors:
            return any(version == minor or version.startswith(f"{minor}.") for minor in self.minors)
        return SpecifierSet(self.specifier).contains(version, prereleases=True)

    def __str__(self) -> str:
        """``requires-python `>=3.11` (pyproject.toml)``, or ```3.11` (Dockerfile)``."""
        said = f"`{self.specifier or ', '.join(self.minors)}` ({self.place.path})"
        return said if self.place.path.endswith(self.name) else f"{self.name} {said}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One declared requirement."""

    name: str
    """Normalised (PEP 503)."""
    text: str
    extras: tuple[str, ...]
    specifier: str
    marker: str
    group: str
    """Empty for what production gets; else the name of the group or extra (``dev``, ``test``, ...)."""
    span: Span
    """The requirement's own text inside the file (without quotes, comments or line ending)."""
    name_span: Span
    """Name and extras: what an ``[asyncio]`` is appended to."""
    style: str = "pep508"
    """How it is written: ``pep508``, ``conda``, ``poetry`` or ``pipfile`` (``name = "..."``, extras in a table)."""


@dataclass(frozen=True, slots=True)
class Declared:
    """All that the project declares; ``main_file`` is where a production dependency would be added."""

    requirements: tuple[Requirement, ...]
    files: tuple[str, ...]
    main_file: str | None
    unreadable: tuple[tuple[str, str], ...] = ()
    pythons: tuple[PythonRange, ...] = ()
    """Which Pythons the project says that it runs on, the statement that counts most first."""
    constraints: tuple[Requirement, ...] = ()
    """Limits of versions that bring nothing by themselves (pip's ``-c``)."""

    def production(self, name: str) -> Requirement | None:
        """The production requirement of that normalised name."""
        return next((r for r in self.requirements if r.name == name and not r.group), None)

    def anywhere(self, name: str) -> Requirement | None:
        """The requirement of that name in any group, production first."""
        return self.production(name) or next((r for r in self.requirements if r.name == name), None)


@dataclass(frozen=True, slots=True)
class Locked:
    """Versions that are settled: those of a lock file that production gets, or exact ones that the project asks for."""

    path: str = ""
    """The lock file, when it is one."""
    versions: tuple[tuple[str, str], ...] = ()
    is_whole: bool = False
    """Whether these are all packages that production gets."""

    def version(self, name: str) -> str | None:
        """The version that production gets of a normalised name, when that is settled."""
        return dict(self.versions).get(name)

    def reaches(self, name: str) -> bool:
        """Whether a lock file brings this distribution to production."""
        return self.is_whole and self.version(name) is not None


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution; ``requires`` are its PEP 508 strings, ``extras`` the names of those that it has."""

    name: str
    version: str
    requires: tuple[str, ...]
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """An installed version that a requirement of ``required_by`` does not admit."""

    name: str
    version: str
    requirement: str
    required_by: str


@dataclass(frozen=True, slots=True)
class Installed:
    """What the sandbox's interpreter has, and why.

    ``reached`` are the distributions that the production requirements lead to (markers and extras applied to
    the running interpreter). ``brought_by`` names, for each distribution that is not reached, the installed
    distributions that require it. ``tool`` are those that pytest-asyncdb leads to, with all of its extras.
    """

    python: str
    distributions: tuple[Distribution, ...]
    reached: frozenset[str]
    brought_by: tuple[tuple[str, tuple[str, ...]], ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    tool: frozenset[str] = frozenset()

    def version(self, name: str) -> str | None:
        """Installed version of a normalised name, or None."""
        return next((d.version for d in self.distributions if d.name == name), None)

    def release(self, name: str) -> tuple[int, int] | None:
        """Installed (major, minor) of a normalised name, or None when it is not installed."""
        version = self.version(name)
        if version is None:
            return None
        major, minor = version.split(".")[:2]
        return int(major), int("".join(digit for digit in minor if digit.isdigit()) or 0)

    def reaches(self, name: str) -> bool:
        """Whether what the project declares for production brings this distribution."""
        return name in self.reached

    def comes_with_the_tool(self, name: str) -> bool:
        """Whether this distribution may be here for the sake of pytest-asyncdb alone."""
        return name in self.tool

    def brings(self, name: str) -> tuple[str, ...]:
        """Who requires it, when the project itself does not reach it."""
        return dict(self.brought_by).get(name, ())
