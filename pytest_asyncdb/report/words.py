"""The order and the wording that all reports share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.finding import Confidence, Evidence, Severity
from pytest_asyncdb.model.fix import Proof
from pytest_asyncdb.model.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.result import FixOutcome, ReportedFinding, Result

SEVERITIES = (Severity.BLOCKS, Severity.LATENT, Severity.ADVICE)
"""Worst first."""

HEADINGS = {
    Severity.BLOCKS: "What blocks the start",
    Severity.LATENT: "Latent: the app starts, the fault shows later",
    Severity.ADVICE: "Advice: works as it is",
}

SEEN = {
    Evidence.STATIC: "in the source",
    Evidence.RUNTIME: "when the app ran",
    Evidence.BOTH: "in the source and when the app ran",
}

PROOF = {Proof.PROVEN: "proven", Proof.FAILED: "failed", Proof.NOT_RUN: "not run"}


def in_order(findings: Iterable[ReportedFinding]) -> list[ReportedFinding]:
    """Worst first, then in the order an app meets them.

    The hundreds of an id say where in an application's life a fault sits; within one stage the order of the
    run is kept.
    """
    return sorted(findings, key=lambda one: (SEVERITIES.index(one.finding.severity), one.finding.id[:4]))


def of_severity(findings: Iterable[ReportedFinding], severity: Severity) -> list[ReportedFinding]:
    """Those of one severity, in order."""
    return [one for one in in_order(findings) if one.finding.severity is severity]


def severity(finding: Finding) -> str:
    """``blocks``, or ``blocks (likely)`` when it is not certain."""
    likely = finding.confidence is Confidence.LIKELY
    return f"{finding.severity} (likely)" if likely else str(finding.severity)


def proof(outcome: FixOutcome) -> str:
    """``proven: the fixed copy starts``, ``not run: ...``."""
    return f"{PROOF[outcome.proof]}: {outcome.why}" if outcome.why else PROOF[outcome.proof]


def safety(outcome: FixOutcome) -> str:
    """Whether ``--asyncdb-fix`` applies it."""
    return "safe" if outcome.fix.safe else "unsafe, not applied by itself"


def counts(result: Result) -> str:
    """``3 block, 1 latent, 2 advice``, or ``no fault found``, which takes a check to say; what else is not well."""
    names = {Severity.BLOCKS: ("blocks", "block"), Severity.LATENT: ("latent",) * 2, Severity.ADVICE: ("advice",) * 2}
    parts = []
    for one in SEVERITIES:
        number = len(of_severity(result.findings, one))
        if number:
            parts.append(f"{number} {names[one][number > 1]}")
    if not result.checks and not parts:
        return "nothing was judged"
    but = "" if of_severity(result.findings, Severity.BLOCKS) else _not_started(result)
    return f"{', '.join(parts) or 'no fault found'}{but}"


def _not_started(result: Result) -> str:
    """``, but the app did not start``, which a reader takes the absence of faults to deny."""
    apps = result.apps or ((result.app,) if result.app else ())
    down = [app.name for app in apps if not app.booted]
    return f", but {', '.join(down) if len(apps) > 1 else 'the app'} did not start" if down else ""


def distinct_fixes(result: Result) -> list[FixOutcome]:
    """Every fix, in the order of the findings; the same edit proposed by two findings once."""
    distinct: dict[tuple[str, str], FixOutcome] = {}
    for one in in_order(result.findings):
        for outcome in one.fixes:
            distinct.setdefault((outcome.fix.title, outcome.diff), outcome)
    return list(distinct.values())


def fixes_proven(result: Result) -> str:
    """``5 of 6 fixes proven``; empty when there is no fix."""
    fixes = distinct_fixes(result)
    if not fixes:
        return ""
    proven = sum(each.proof is Proof.PROVEN for each in fixes)
    return f"{proven} of {len(fixes)} {'fix' if len(fixes) == 1 else 'fixes'} proven"


def not_judged(result: Result) -> list[tuple[str, tuple[str, ...]]]:
    """The checks that were skipped: each reason with the names of its checks."""
    reasons: dict[str, list[str]] = {}
    for check in result.checks:
        if check.outcome is Outcome.SKIPPED:
            reasons.setdefault(check.reason or "no reason given", []).append(f"{check.id}-{check.slug}")
    return [(reason, tuple(names)) for reason, names in reasons.items()]


def checks_run(result: Result) -> str:
    """``12 checks passed, 3 failed, 2 not judged``, leaving out what is none."""
    words = {Outcome.PASSED: "passed", Outcome.FAILED: "failed", Outcome.SKIPPED: "not judged"}
    parts: list[str] = []
    for outcome, word in words.items():
        number = sum(check.outcome is outcome for check in result.checks)
        if number:
            noun = "" if parts else " check" if number == 1 else " checks"
            parts.append(f"{number}{noun} {word}")
    return ", ".join(parts) or "no check was run"
