"""Whether what was found is what a list expects: by file and line, and by kind.

A finding meets an expectation when it is in one of its files (the shorter of both paths ends the longer one, since
lists name files from the repository's top or from the app's folder) and

- its check speaks of the expected kind (``kinds.toml``), and its line is at most ``NEAR`` lines from one of those
  named; where the list names no line, or nothing of that kind is so near, any line of the file will do for a fault,
  while a look-alike is only flagged where it stands;
- or, for a kind that ``kinds.toml`` does not know, its line is at most ``NEAR`` lines away.

Advice claims no fault: it neither finds a fault nor flags a look-alike.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from field.lists import Case, Expected, Spot

NEAR = 3
_KINDS = Path(__file__).with_name("kinds.toml")


@dataclass(frozen=True)
class Found:
    """One finding of a report."""

    id: str
    slug: str
    severity: str
    confidence: str
    path: str
    line: int
    message: str

    @property
    def claims(self) -> bool:
        """Whether it says that something is wrong."""
        return self.severity != "advice"

    def __str__(self) -> str:
        """Place, check, how sure."""
        return f"{self.path}:{self.line} {self.id}-{self.slug} ({self.severity}, {self.confidence})"


@dataclass(frozen=True)
class Score:
    """One case: what of its list was met, and what was said beyond it."""

    hits: tuple[tuple[Expected, Found], ...]
    misses: tuple[Expected, ...]
    flagged: tuple[tuple[Expected, Found], ...]
    """Look-alikes that were called faults."""
    beyond: tuple[Found, ...]
    """Claims of which the list says nothing: somebody has to look."""

    def flagged_at(self, confidence: str) -> int:
        """How many look-alikes were called faults with this confidence."""
        return sum(found.confidence == confidence for _, found in self.flagged)


def score(case: Case, findings: Iterable[Found]) -> Score:
    """Match what was found with what the list expects."""
    claims = [one for one in findings if one.claims]
    hits, misses, flagged = [], [], []
    used: set[Found] = set()
    for expected in case.expected:
        met = [one for one in claims if meets(expected, one, strict=not expected.real)]
        best = min(met, key=lambda one: distance(expected.spots, one), default=None)
        if best is not None:
            used |= {one for one in met if distance(expected.spots, one) <= NEAR} | {best}
            (hits if expected.real else flagged).append((expected, best))
        elif expected.real:
            misses.append(expected)
    return Score(tuple(hits), tuple(misses), tuple(flagged), tuple(one for one in claims if one not in used))


def meets(expected: Expected, found: Found, *, strict: bool) -> bool:
    """Whether a finding is what is expected; strictly: at the very place, if the list names one."""
    spots = [spot for spot in expected.spots if same_file(spot.file, found.path)]
    if not spots:
        return False
    checks = [one for kind in expected.kinds if (one := checks_of(kind)) is not None]
    near = distance(spots, found) <= NEAR
    if not checks:
        return near
    speaks = any(re.search(pattern, f"{found.id}-{found.slug}") for patterns in checks for pattern in patterns)
    return speaks and (near or not strict or not any(spot.lines for spot in spots))


def distance(spots: Sequence[Spot], found: Found) -> float:
    """How many lines a finding is from the nearest that is named; infinitely many where none is."""
    lines = [line for spot in spots if same_file(spot.file, found.path) for line in spot.lines]
    return min((abs(line - found.line) for line in lines), default=float("inf"))


def same_file(one: str, other: str) -> bool:
    """Whether two paths name one file, seen from different folders."""
    shorter, longer = sorted((one.split("/"), other.split("/")), key=len)
    return longer[-len(shorter) :] == shorter


@functools.cache
def checks_of(kind: str) -> tuple[str, ...] | None:
    """Patterns for the checks that speak of a kind; None where the map has no such kind."""
    for entry in _map():
        if re.search(entry[0], kind, re.IGNORECASE):
            return entry[1]
    return None


@functools.cache
def _map() -> tuple[tuple[str, tuple[str, ...]], ...]:
    entries = tomllib.loads(_KINDS.read_text(encoding="utf-8"))["of"]
    return tuple((entry["kind"], tuple(entry["checks"])) for entry in entries)
