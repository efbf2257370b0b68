"""Several examinations as one result: a project with several apps gets one report. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_asyncdb.model.result import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.result import CheckOutcome, Criterion, ReportedFinding, Result

_OUTCOMES = (Outcome.FAILED, Outcome.SKIPPED, Outcome.PASSED)
_VERDICTS = (Verdict.NOT_MET, Verdict.UNKNOWN, Verdict.MET)


def combine(results: Sequence[Result]) -> Result:
    """Make one result of one per app; what does not hold for all apps names those it holds for.

    Args:
        results: at least one, each with its app.
    """
    if len(results) == 1:
        return results[0]
    first = results[0]
    named = [(one.app.name if one.app else "", one) for one in results]
    return replace(
        first,
        environment=_environment(results),
        apps=tuple(app for one in results for app in one.apps),
        criteria=tuple(_criterion([(n, one.criteria[at]) for n, one in named]) for at in range(len(first.criteria))),
        findings=_findings(named),
        checks=tuple(_check([(n, one.checks[at]) for n, one in named]) for at in range(len(first.checks))),
        notes=_notes(named),
        applied=tuple(dict.fromkeys(path for one in results for path in one.applied)),
        diff="".join(dict.fromkeys(one.diff for one in results)),
        incomplete="\n".join(dict.fromkeys(one.incomplete for one in results if one.incomplete)),
    )


def _environment(results: Iterable[Result]) -> tuple[tuple[str, str], ...]:
    found: dict[str, dict[str, None]] = {}
    for one in results:
        for name, value in one.environment:
            found.setdefault(name, {})[value] = None
    return tuple((name, ", ".join(values)) for name, values in found.items())


def _findings(named: Iterable[tuple[str, Result]]) -> tuple[ReportedFinding, ...]:
    """Each finding once, with the apps that have it; the fixes are those of the first."""
    found: dict[Finding, ReportedFinding] = {}
    for name, result in named:
        for one in result.findings:
            before = found.get(one.finding)
            apps = (*before.apps, name) if before else (name,)
            found[one.finding] = replace(before or one, apps=tuple(dict.fromkeys(apps)))
    return tuple(found.values())


def _check(told: Sequence[tuple[str, CheckOutcome]]) -> CheckOutcome:
    """The worst outcome, and for which apps: what was not judged for one app is not judged."""
    worst = min((one.outcome for _, one in told), key=_OUTCOMES.index)
    reasons = [(name, one.reason) for name, one in told if one.outcome is worst]
    return replace(told[0][1], outcome=worst, reason=_joined(reasons, everyone=len(reasons) == len(told)))


def _criterion(told: Sequence[tuple[str, Criterion]]) -> Criterion:
    worst = min((one.verdict for _, one in told), key=_VERDICTS.index)
    return replace(told[0][1], verdict=worst, evidence=_joined([(name, one.evidence) for name, one in told]))


def _notes(named: Sequence[tuple[str, Result]]) -> tuple[str, ...]:
    notes: dict[str, list[str]] = {}
    for name, result in named:
        for note in result.notes:
            notes.setdefault(note, []).append(name)
    return tuple(note if len(names) == len(named) else f"{', '.join(names)}: {note}" for note, names in notes.items())


def _joined(told: Iterable[tuple[str, str]], *, everyone: bool = True) -> str:
    """The texts, each with the apps that it is about, unless it is about all."""
    texts: dict[str, list[str]] = {}
    for name, text in told:
        texts.setdefault(text, []).append(name)
    if len(texts) == 1 and everyone:
        return next(iter(texts))
    return "; ".join(f"{', '.join(names)}: {text}" if text else "" for text, names in texts.items()).strip("; ")
