"""Facts and checks to findings: order, requires-chains, suppressions. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import NotJudgedError
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.result import CheckOutcome, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.check import Check
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.result import ReportedFinding

_RANK = {Severity.BLOCKS: 0, Severity.LATENT: 1, Severity.ADVICE: 2}
_NOQA = re.compile(r"#\s*noqa:\s*(?P<ids>[A-Z]+\d+(?:[\s,]+[A-Z]+\d+)*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the checks said; findings in the order in which they stop an app."""

    findings: tuple[Finding, ...]
    outcomes: tuple[CheckOutcome, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that block."""
        return tuple(f for f in self.findings if f.severity is Severity.BLOCKS)

    def skipped(self, check_id: str) -> bool:
        """Whether the check was not judged."""
        return any(o.id == check_id and o.outcome is Outcome.SKIPPED for o in self.outcomes)


def judge(
    facts: Facts,
    checks: Sequence[Check],
    line_of: Callable[[str, int], str],
    fail_on: str,
    templates: Collection[str] = (),
) -> Judgement:
    """Run the checks.

    Args:
        facts: what is known.
        checks: which checks to run, in the order of their ids.
        line_of: the text of a line of a project file, for ``# noqa: ADB301`` comments.
        fail_on: lowest severity that fails a check.
        templates: files of the projects that this one makes: what is wrong in them keeps no app of this one down.
    """
    found: dict[str, tuple[Finding, ...]] = {}
    skipped: dict[str, str] = {}
    for check in _in_order(checks):
        reason = _moot(check, found, skipped)
        if reason:
            skipped[check.id] = reason
            continue
        try:
            found[check.id] = tuple(
                _of_template(f) if f.place.path in templates else f
                for f in check.run(facts)
                if not _silenced(f, line_of)
            )
        except NotJudgedError as unknown:
            skipped[check.id] = str(unknown)
    told = tuple(_outcome(check, found.get(check.id), skipped.get(check.id, ""), fail_on) for check in checks)
    return Judgement(in_order(f for findings in found.values() for f in findings), told)


def outcomes(
    checks: Sequence[Check],
    judgement: Judgement,
    reported: Sequence[ReportedFinding],
    fixed: frozenset[Finding],
    fail_on: str,
) -> tuple[CheckOutcome, ...]:
    """How each check ended once fixes were tried.

    A check that was skipped fails when the fixed copy showed its fault; one whose faults were all repaired passes.
    """
    left: dict[str, list[Finding]] = {}
    for one in reported:
        left.setdefault(one.finding.id, [])
        if one.finding not in fixed:
            left[one.finding.id].append(one.finding)
    told = {outcome.id: outcome for outcome in judgement.outcomes}
    return tuple(
        _outcome(check, tuple(left[check.id]), "", fail_on) if check.id in left else told[check.id] for check in checks
    )


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What blocks first comes first: by severity, then by the stage of an application's life, then by place."""
    return tuple(sorted(findings, key=lambda f: (_RANK[f.severity], f.id, f.place)))


def fails(severity: Severity, fail_on: str) -> bool:
    """Whether a finding of this severity fails its check."""
    return _RANK[severity] <= _RANK[Severity(fail_on)]


def _in_order(checks: Sequence[Check]) -> list[Check]:
    """The checks with those that others require first."""
    by_id = {check.id: check for check in checks}
    ordered: dict[str, Check] = {}

    def visit(check: Check) -> None:
        for needed in check.requires:
            if needed in by_id and needed not in ordered:
                visit(by_id[needed])
        ordered.setdefault(check.id, check)

    for check in checks:
        visit(check)
    return list(ordered.values())


def _moot(check: Check, found: dict[str, tuple[Finding, ...]], skipped: dict[str, str]) -> str:
    for needed in check.requires:
        if any(f.severity is Severity.BLOCKS for f in found.get(needed, ())):
            return f"{needed} has to be fixed first"
        if needed in skipped:
            return skipped[needed]
    return ""


def _of_template(finding: Finding) -> Finding:
    severity = Severity.LATENT if finding.severity is Severity.BLOCKS else finding.severity
    cause = f"{finding.root_cause} It is in a template: the projects that are made from it have the fault."
    return replace(finding, severity=severity, root_cause=cause)


def _silenced(finding: Finding, line_of: Callable[[str, int], str]) -> bool:
    if not finding.place.line:
        return False
    match = _NOQA.search(line_of(finding.place.path, finding.place.line))
    return match is not None and finding.id in re.split(r"[\s,]+", match["ids"].upper())


def _outcome(check: Check, findings: tuple[Finding, ...] | None, skipped: str, fail_on: str) -> CheckOutcome:
    if findings is None:
        return CheckOutcome(check.id, check.slug, Outcome.SKIPPED, skipped)
    failing = [f for f in findings if fails(f.severity, fail_on)]
    if failing:
        return CheckOutcome(check.id, check.slug, Outcome.FAILED, failing[0].message)
    return CheckOutcome(check.id, check.slug, Outcome.PASSED, findings[0].message if findings else "")
