"""The end of a run on a terminal or in a CI log: what was not told yet, in the order it matters."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.result import Outcome
from pytest_asyncdb.report import words
from pytest_asyncdb.report.finding import compact, whole
from pytest_asyncdb.report.layout import WIDTH, rule, shown, wrap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from pytest_asyncdb.model.result import Result


def render(  # noqa: PLR0913 - what a run has to tell besides its result, by keyword
    result: Result,
    *,
    told: Collection[str] = (),
    diff: bool = False,
    gate: str = "",
    reports: Sequence[Path] = (),
    width: int = WIDTH,
    encoding: str = "utf-8",
) -> list[str]:
    r"""Render the run, line by line.

    Args:
        result: the run.
        told: ids of checks that were run as items: the findings of those that failed were shown there.
        diff: show every fix as a unified diff.
        gate: why the project's tests were not run, if they weren't.
        reports: files that were written.
        width: columns of the terminal; code is never wrapped.
        encoding: of the terminal; characters it lacks are written as ``\xNN``, ``\uNNNN``.
    """
    lines = list(_findings(result, told, width))
    sections = {
        "Fixes": _diffs(result) if diff else (),
        "Not judged": _not_judged(result, width),
        "Notes": (line for note in result.notes for line in wrap(note, width, "- ")),
        "Criteria": _criteria(result, width),
        "Changed files": (f"  {path}" for path in result.applied),
    }
    for title, section in sections.items():
        body = list(section)
        while body and not body[-1]:
            body.pop()
        if body:
            lines += [rule(title, width), "", *body, ""]
    lines.append(rule("", width))
    lines += wrap(result.incomplete, width, "") if result.incomplete else []
    for path in reports:
        lines += wrap(f"report: {path}", width, "")
    lines += [*wrap(gate, width, ""), *wrap(words.checks_run(result), width, ""), *wrap(_total(result), width, "")]
    return [shown(line, encoding) for line in lines]


def _findings(result: Result, told: Collection[str], width: int) -> Iterator[str]:
    shown_above = {check.id for check in result.checks if check.outcome is Outcome.FAILED and check.id in told}
    findings = [one for one in result.findings if one.finding.id not in shown_above]
    for severity in words.SEVERITIES:
        found = words.of_severity(findings, severity)
        if found:
            yield from (rule(f"{words.HEADINGS[severity]} ({len(found)})", width), "")
        for one in found:
            yield from whole(one, width) if severity is Severity.BLOCKS else compact(one, width)
            yield ""


def _diffs(result: Result) -> Iterator[str]:
    """The safe fixes as one diff, then each other fix once: a reader's diffs, with secrets masked."""
    if result.diff:
        yield from ("# all safe fixes together", *_lines(result.diff), "")
    for outcome in words.distinct_fixes(result):
        if not (result.diff and outcome.fix.safe):
            yield f"# {outcome.fix.title} ({words.safety(outcome)}; {words.PROOF[outcome.proof]})"
            yield from (*_lines(outcome.diff), "")


def _lines(diff: str) -> list[str]:
    return diff.replace("\r\n", "\n").rstrip("\n").split("\n")


def _not_judged(result: Result, width: int) -> Iterator[str]:
    for reason, names in words.not_judged(result):
        ids = ", ".join(name.partition("-")[0] for name in names)
        yield from wrap(f"{ids}: {reason}", width, "- ")


def _criteria(result: Result, width: int) -> Iterator[str]:
    for one in result.criteria:
        start = f"  {one.id}  {one.verdict:<7}  "
        indent = " " * len(start)
        yield from textwrap.wrap(one.title, width, initial_indent=start, subsequent_indent=indent)
        if one.evidence:
            yield from wrap(one.evidence, width, indent)


def _total(result: Result) -> str:
    parts = [words.counts(result), words.fixes_proven(result)]
    if result.applied:
        files = "1 file" if len(result.applied) == 1 else f"{len(result.applied)} files"
        parts.append(f"{files} changed; --asyncdb-check checks again")
    elif any(outcome.diff for outcome in words.distinct_fixes(result)):
        parts.append("--asyncdb-diff shows, --asyncdb-fix applies")
    return "; ".join(part for part in parts if part)
