"""One finding for a person: whole where it blocks the start, shorter where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.report import words
from pytest_asyncdb.report.diff import hunks
from pytest_asyncdb.report.layout import WIDTH, labelled, shown, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.model.result import FixOutcome, ReportedFinding


def render_finding(reported: ReportedFinding, *, width: int = WIDTH, encoding: str = "utf-8") -> str:
    """Render one finding: the failure text of a pytest item, ending with where to read more."""
    more = labelled("more", f"pytest --asyncdb-explain={reported.finding.id}", width)
    return shown("\n".join([*whole(reported, width), *more]), encoding)


def whole(reported: ReportedFinding, width: int) -> Iterator[str]:
    """Place, message, root cause, evidence, and each fix with its changed lines and proof."""
    finding = reported.finding
    yield _title(reported)
    yield from wrap(finding.message, width, "  ")
    yield from labelled("why", finding.root_cause, width)
    yield from labelled("seen", words.SEEN[finding.evidence], width)
    yield from _apps(reported, width)
    for outcome in reported.fixes:
        yield from labelled("fix", f"{outcome.fix.title} ({words.safety(outcome)})", width)
        if outcome.fix.why.rstrip(".") != finding.root_cause.rstrip("."):
            yield from labelled("", outcome.fix.why, width)
        yield from _changed_lines(outcome)
        yield from labelled("proof", words.proof(outcome), width)
    if not reported.fixes:
        yield from labelled("fix", "no exact edit is known; the cause above says what has to change", width)


def compact(reported: ReportedFinding, width: int) -> Iterator[str]:
    """Place, message, root cause, and what each fix is called."""
    yield _title(reported)
    yield from wrap(reported.finding.message, width, "  ")
    yield from labelled("why", reported.finding.root_cause, width)
    yield from _apps(reported, width)
    for outcome in reported.fixes:
        text = f"{outcome.fix.title} ({words.safety(outcome)}; {words.PROOF[outcome.proof]})"
        yield from labelled("fix", text, width)


def _apps(reported: ReportedFinding, width: int) -> Iterator[str]:
    if reported.apps:
        yield from labelled("app", ", ".join(reported.apps), width)


def _title(reported: ReportedFinding) -> str:
    finding = reported.finding
    return f"{finding.place}: {words.severity(finding)}: {finding.id}-{finding.slug}"


def _changed_lines(outcome: FixOutcome) -> Iterator[str]:
    for hunk in hunks(outcome.diff):
        yield f"    {hunk.path}:{hunk.line}"
        for line in hunk.changed:
            yield f"    {line[0]} {line[1:]}".rstrip()
