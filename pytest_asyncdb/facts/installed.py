"""What the app's interpreter has installed, and which of it the project's own declarations bring."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.dependencies import Conflict, Distribution, Installed
from pytest_asyncdb.facts.environment import Environment, environment_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.requirements import Requirement as Parsed

    from pytest_asyncdb.facts.dependencies import Declared, Requirement

_TOOL = "pytest-asyncdb"
_EXTRA = re.compile(r"\bextra\s*==")


def installed(declared: Declared, python: str = "") -> Installed:
    """Read what is installed.

    Args:
        declared: what the project declares.
        python: interpreter of the sandbox; empty for the running one.
    """
    environment = environment_of(python)
    found = {one.name: one for one in _distributions(environment.path)}
    requires = _Requires(found, environment)
    production = [one for one in declared.requirements if not one.group]
    reached = requires.closure(_roots(production, environment))
    return Installed(
        python=environment.version,
        distributions=tuple(found.values()),
        reached=frozenset(reached),
        brought_by=tuple(_brought_by(found, reached, requires)),
        conflicts=tuple(_conflicts(found, reached, production, requires)),
        tool=frozenset(requires.closure({_TOOL: frozenset(found[_TOOL].extras)}) if _TOOL in found else ()),
    )


def _distributions(path: Iterable[str]) -> Iterator[Distribution]:
    """Every distribution on the path, the first of each name; only the header of its metadata is read."""
    seen: set[str] = set()
    for folder in dict.fromkeys(path):
        try:
            entries = sorted(Path(folder or ".").iterdir())
        except OSError:
            continue
        for entry in entries:
            if entry.suffix not in (".dist-info", ".egg-info"):
                continue
            one = _distribution(entry)
            if one is not None and one.name not in seen:
                seen.add(one.name)
                yield one


def _distribution(folder: Path) -> Distribution | None:
    for name in ("METADATA", "PKG-INFO", ""):
        try:
            data = (folder / name if name else folder).read_bytes()
        except OSError:
            continue
        header = data.partition(b"\n\n")[0].partition(b"\r\n\r\n")[0]
        fields = [line.partition(": ") for line in header.decode("utf-8", "replace").splitlines()]
        names = [value for field, _, value in fields if field == "Name"]
        versions = [value for field, _, value in fields if field == "Version"]
        if names and versions:
            requires = tuple(value for field, _, value in fields if field == "Requires-Dist")
            extras = tuple(value for field, _, value in fields if field == "Provides-Extra")
            return Distribution(normalised(names[0]), versions[0].strip(), requires, extras)
    return None


def normalised(name: str) -> str:
    """Name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


class _Requires:
    """Requirements of installed distributions, for the extras asked for, markers applied."""

    def __init__(self, found: Mapping[str, Distribution], environment: Environment) -> None:
        self._found = found
        self._environment = environment

    def of(self, name: str, extras: frozenset[str]) -> list[Parsed]:
        """What the distribution requires with these extras."""
        one = self._found.get(name)
        if one is None:
            return []
        wanted = (text for text in one.requires if extras or not _EXTRA.search(text))
        parsed = map(_parsed, wanted)
        return [each for each in parsed if each is not None and self.applies(each, extras)]

    def applies(self, requirement: Parsed, extras: frozenset[str]) -> bool:
        """Whether the requirement's marker holds for the interpreter and one of the extras."""
        marker = requirement.marker
        return marker is None or any(
            marker.evaluate({**dict(self._environment.markers), "extra": extra})
            for extra in (extras or frozenset({""}))
        )

    def closure(self, roots: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        """Everything installed that the roots lead to, with the extras it is asked for."""
        reached: dict[str, frozenset[str]] = {}
        waiting = list(roots.items())
        while waiting:
            name, extras = waiting.pop()
            known = reached.get(name)
            if name not in self._found or (known is not None and extras <= known):
                continue
            reached[name] = (known or frozenset()) | extras
            waiting += [(normalised(one.name), frozenset(one.extras)) for one in self.of(name, reached[name])]
        return reached


@cache
def _parsed(text: str) -> Parsed | None:
    """What a requirement says, which nobody changes; a copy of the project meets the same ones again."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _roots(production: Iterable[Requirement], environment: Environment) -> dict[str, frozenset[str]]:
    roots: dict[str, frozenset[str]] = {}
    for one in production:
        if _holds(one, environment):
            roots[one.name] = roots.get(one.name, frozenset()) | frozenset(one.extras)
    return roots


def _holds(requirement: Requirement, environment: Environment) -> bool:
    from packaging.markers import Marker

    return not requirement.marker or Marker(requirement.marker).evaluate(dict(environment.markers))


def _brought_by(
    found: Mapping[str, Distribution], reached: Mapping[str, frozenset[str]], requires: _Requires
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Who requires each distribution that the project does not reach, extras of what they require included."""
    by: dict[str, set[str]] = {}
    for name in found:
        if name in reached:
            continue
        for requirement in requires.of(name, frozenset()):
            target = normalised(requirement.name)
            by.setdefault(target, set()).add(name)
            extras = frozenset(requirement.extras)
            for further in requires.of(target, extras) if extras else ():
                by.setdefault(normalised(further.name), set()).add(name)
    for name in found:
        if name not in reached and name in by:
            yield name, tuple(sorted(by[name] - {name}))


def _conflicts(
    found: Mapping[str, Distribution],
    reached: Mapping[str, frozenset[str]],
    production: Iterable[Requirement],
    requires: _Requires,
) -> Iterator[Conflict]:
    from packaging.specifiers import SpecifierSet

    for one in production:
        version = found[one.name].version if one.name in reached else None
        if version is not None and not SpecifierSet(one.specifier).contains(version, prereleases=True):
            yield Conflict(one.name, version, one.text, str(one.span.place))
    for name, extras in reached.items():
        for requirement in requires.of(name, extras):
            target = found.get(normalised(requirement.name))
            if target is not None and not requirement.specifier.contains(target.version, prereleases=True):
                yield Conflict(target.name, target.version, str(requirement), name)
