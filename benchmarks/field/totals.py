"""Scores of all cases as a table, totals and plain data."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from field.matching import Found, Score, score

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from field.lists import Case
    from field.running import Outcome


@dataclass(frozen=True)
class Line:
    """One case, run and scored."""

    case: Case
    outcome: Outcome
    score: Score

    @property
    def full(self) -> bool:
        """Whether the app was booted, so that what is not judged has another reason, which is told."""
        return self.outcome.booted

    @property
    def ratio(self) -> float | None:
        """Time of the checks, in times that importing the app takes in pytest; both warm."""
        imported = self.outcome.import_seconds
        return round(self.outcome.seconds / imported, 2) if imported else None

    @property
    def cold_ratio(self) -> float | None:
        """The same of the first runs, before there was any bytecode of the project."""
        imported = self.outcome.import_cold_seconds
        return round(self.outcome.cold_seconds / imported, 2) if imported else None

    @property
    def verdict(self) -> str:
        """In a few words, what became of it."""
        outcome = self.outcome
        if outcome.timed_out:
            return f"ended at the deadline after {outcome.seconds:.0f} s"
        if not outcome.judged:
            return "no report" if outcome.error else "nothing judged"
        if outcome.booted and not outcome.skipped:
            return "booted, all judged"
        state = "booted" if outcome.booted else "no app" if outcome.app is None else "not booted"
        return f"{state}, {outcome.judged} judged, {len(outcome.skipped)} not"

    @property
    def why_not(self) -> list[str]:
        """Why what was not judged was not, most frequent reason first."""
        if self.outcome.error:
            return self.outcome.error.strip().splitlines()[-3:]
        reasons = Counter(self.outcome.skipped.values())
        return [f"{count} x {reason}" for reason, count in reasons.most_common(3)]


@dataclass(frozen=True)
class Totals:
    """What all cases come to."""

    cases: int
    booting: int
    """Cases whose app a person got to boot."""
    full: int
    """Of these, judged in full."""
    judged: int
    """Cases that have a report."""
    real: int
    found: int
    recall: float | None
    lookalikes: int
    flagged_certain: int
    flagged_likely: int
    precision: float | None
    """Found faults among all claims of which the list says whether they are right."""
    beyond: int
    """Claims that the list knows nothing of."""
    median_seconds: float | None
    slowest_seconds: float | None
    median_ratio: float | None
    median_cold_ratio: float | None


def line(case: Case, outcome: Outcome) -> Line:
    """Score one outcome."""
    return Line(case, outcome, score(case, [Found(**one) for one in outcome.findings]))


def totals(lines: Sequence[Line]) -> Totals:
    """Sum up."""
    scores = [one.score for one in lines]
    found = sum(len(one.hits) for one in scores)
    real = found + sum(len(one.misses) for one in scores)
    flagged = sum(len(one.flagged) for one in scores)
    seconds = [one.outcome.seconds for one in lines]
    ratios = [one.ratio for one in lines if one.ratio is not None]
    cold = [one.cold_ratio for one in lines if one.cold_ratio is not None]
    booting = [one for one in lines if one.case.boots]
    return Totals(
        cases=len(lines),
        booting=len(booting),
        full=sum(one.full for one in booting),
        judged=sum(one.outcome.judged > 0 for one in lines),
        real=real,
        found=found,
        recall=round(found / real, 3) if real else None,
        lookalikes=sum(not one.real for each in lines for one in each.case.expected),
        flagged_certain=sum(one.flagged_at("certain") for one in scores),
        flagged_likely=sum(one.flagged_at("likely") for one in scores),
        precision=round(found / (found + flagged), 3) if found + flagged else None,
        beyond=sum(len(one.beyond) for one in scores),
        median_seconds=statistics.median(seconds) if seconds else None,
        slowest_seconds=max((one.outcome.cold_seconds for one in lines), default=None),
        median_ratio=statistics.median(ratios) if ratios else None,
        median_cold_ratio=statistics.median(cold) if cold else None,
    )


def table(lines: Sequence[Line]) -> Iterator[str]:
    """Give the table for people, a row for each case, then what stands behind the rows."""
    width = max((len(one.case.name) for one in lines), default=4)
    times = f"{'s':>6} {'x':>5} {'cold s':>7} {'x':>5}"
    yield f"{'project':<{width}}  {'verdict':<32} {'real':>5} {'alike':>6} {'beyond':>6} {times}"
    for one in lines:
        real = len(one.score.hits) + len(one.score.misses)
        alike = sum(not expected.real for expected in one.case.expected)
        warm, cold = ("-" if ratio is None else f"{ratio:.2f}" for ratio in (one.ratio, one.cold_ratio))
        found, flagged = f"{len(one.score.hits)}/{real}", f"{len(one.score.flagged)}/{alike}"
        counts = f"{found:>5} {flagged:>6} {len(one.score.beyond):>6}"
        times = f"{one.outcome.seconds:>6.1f} {warm:>5} {one.outcome.cold_seconds:>7.1f} {cold:>5}"
        yield f"{one.case.name:<{width}}  {one.verdict:<32} {counts} {times}"
    for one in lines:
        yield from _details(one)


def _details(one: Line) -> Iterator[str]:
    details = [
        *(f"not judged: {reason}" for reason in one.why_not),
        *(f"found: {_said(expected)} by {found}" for expected, found in one.score.hits),
        *(f"MISSED: {_said(expected)}: {expected.why}" for expected in one.score.misses),
        *(f"FLAGGED: {_said(expected)} by {found}; {expected.why}" for expected, found in one.score.flagged),
        *(f"beyond the list: {found}: {found.message}" for found in one.score.beyond),
    ]
    if details:
        yield f"\n{one.case.name}: app {one.outcome.app}, {one.outcome.found_in or 'not found'}"
        yield from (f"  {text}" for text in details)


def _said(expected: Any) -> str:
    spots = ", ".join(f"{spot.file}:{'/'.join(map(str, spot.lines)) or '-'}" for spot in expected.spots)
    return f"{spots} {' '.join(expected.kinds)}"


def as_json(lines: Sequence[Line]) -> dict[str, Any]:
    """Everything, for programs; runs are taken up again from `outcomes`."""
    return {
        "totals": asdict(totals(lines)),
        "projects": [
            {
                "name": one.case.name,
                "verdict": one.verdict,
                "full": one.full,
                "ratio": one.ratio,
                "cold_ratio": one.cold_ratio,
                "found": [_said(expected) for expected, _ in one.score.hits],
                "missed": [_said(expected) for expected in one.score.misses],
                "flagged": [[_said(expected), str(found)] for expected, found in one.score.flagged],
                "beyond": [str(found) for found in one.score.beyond],
            }
            for one in lines
        ],
        "outcomes": [one.outcome.as_json() for one in lines],
    }
