"""The report for a terminal or a CI log: plain text that reads well at 80 columns without colour."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.result import Verdict
from pytest_asyncdb.report import words
from pytest_asyncdb.report.diff import hunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.model.result import FixOutcome, ReportedFinding, Result

WIDTH = 80
_LABEL = 9
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def render(result: Result, *, width: int = WIDTH, encoding: str = "utf-8") -> str:
    r"""Render the whole run.

    Args:
        result: the run.
        width: columns of the terminal; code in a diff is never wrapped.
        encoding: of the terminal; characters it lacks are written as ``\xNN``, ``\uNNNN``.
    """
    lines: list[str] = []
    for severity in words.SEVERITIES:
        found = words.of_severity(result.findings, severity)
        if found:
            lines += [_rule(f"{words.HEADINGS[severity]} ({len(found)})", width), ""]
            write = _whole if severity is Severity.BLOCKS else _compact
            lines += [line for one in found for line in (*write(one, width), "")]
    for heading, body in (
        ("Not judged", list(_not_judged(result, width))),
        ("Notes", [line for note in result.notes for line in _wrap(note, width, "- ")]),
        ("Criteria", list(_criteria(result, width))),
        ("Changed files", [f"  {path}" for path in result.applied]),
    ):
        if body:
            lines += [_rule(heading, width), "", *body, ""]
    lines += _summary(result, width)
    return _shown("\n".join(lines) + "\n", encoding)


def render_finding(reported: ReportedFinding, *, width: int = WIDTH, encoding: str = "utf-8") -> str:
    """Render one finding: the failure text of a pytest item, ending with where to read more."""
    more = _labelled("more", f"pytest --asyncdb-explain={reported.finding.id}", width)
    return _shown("\n".join([*_whole(reported, width), *more]), encoding)


def render_header(result: Result, *, verbose: bool = False) -> list[str]:
    """Render the lines for pytest's header: the app, the server, the driver; verbose: why no other server."""
    lines = []
    if result.app is None:
        lines.append("asyncdb: no app found")
    else:
        lines.append(f"asyncdb: app {result.app.target}, found in {result.app.found_in}")
    driver = dict(result.environment).get("driver", "")
    if result.server is None:
        lines.append("asyncdb: no server was started")
    else:
        server = f"asyncdb: Postgres {result.server.version} ({result.server.provider}), "
        lines.append(f"{server}ready in {result.server.seconds:.2f} s" + (f"; driver {driver}" if driver else ""))
        if verbose:
            lines += [f"asyncdb: {name} not used: {reason}" for name, reason in result.server.not_used]
    return [_shown(line, "utf-8") for line in lines]


def _whole(reported: ReportedFinding, width: int) -> Iterator[str]:
    finding = reported.finding
    yield _title(reported)
    yield from _wrap(finding.message, width, "  ")
    yield from _labelled("why", finding.root_cause, width)
    yield from _labelled("seen", words.SEEN[finding.evidence], width)
    for outcome in reported.fixes:
        yield from _labelled("fix", f"{outcome.fix.title} ({words.safety(outcome)})", width)
        if outcome.fix.why:
            yield from _labelled("", outcome.fix.why, width)
        yield from _changed_lines(outcome)
        yield from _labelled("proof", words.proof(outcome), width)
    if not reported.fixes:
        yield from _labelled("fix", "no exact edit is known; the cause above says what has to change", width)


def _compact(reported: ReportedFinding, width: int) -> Iterator[str]:
    yield _title(reported)
    yield from _wrap(reported.finding.message, width, "  ")
    yield from _labelled("why", reported.finding.root_cause, width)
    for outcome in reported.fixes:
        text = f"{outcome.fix.title} ({words.safety(outcome)}; {words.PROOF[outcome.proof]})"
        yield from _labelled("fix", text, width)


def _title(reported: ReportedFinding) -> str:
    finding = reported.finding
    return f"{finding.place}: {words.severity(finding)}: {finding.id}-{finding.slug}"


def _changed_lines(outcome: FixOutcome) -> Iterator[str]:
    for hunk in hunks(outcome.diff):
        yield f"    {hunk.path}:{hunk.line}"
        for line in hunk.changed:
            yield f"    {line[0]} {line[1:]}".rstrip()


def _not_judged(result: Result, width: int) -> Iterator[str]:
    for reason, names in words.not_judged(result):
        yield from _wrap(f"{', '.join(names)}: {reason}", width, "- ")


def _criteria(result: Result, width: int) -> Iterator[str]:
    for one in result.criteria:
        start = f"  {one.id}  {one.verdict:<7}  "
        yield from textwrap.wrap(
            one.title, width, initial_indent=start, subsequent_indent=" " * len(start), break_long_words=False
        )
        if one.verdict is not Verdict.MET and one.evidence:
            yield from _wrap(one.evidence, width, " " * len(start))


def _summary(result: Result, width: int) -> list[str]:
    parts = [words.counts(result), words.fixes_proven(result)]
    if any(outcome.diff for one in result.findings for outcome in one.fixes) and not result.applied:
        parts.append("--asyncdb-diff shows, --asyncdb-fix applies")
    summary = "; ".join(part for part in parts if part)
    return [_rule("", width), *_wrap(words.checks_run(result), width, ""), *_wrap(summary, width, "")]


def _labelled(label: str, text: str, width: int) -> list[str]:
    return _wrap(text, width, f"  {label}".ljust(_LABEL), " " * _LABEL)


def _wrap(text: str, width: int, first: str, rest: str | None = None) -> list[str]:
    following = " " * len(first) if rest is None else rest
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        lines += textwrap.wrap(
            paragraph,
            width,
            initial_indent=following if lines else first,
            subsequent_indent=following,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _rule(title: str, width: int) -> str:
    return f"-- {title} ".ljust(width, "-") if title else "-" * width


def _shown(text: str, encoding: str) -> str:
    """Escape what a terminal would obey or can't show: the text of an app's error is not ours to trust."""
    tame = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
    return tame.encode(encoding, "backslashreplace").decode(encoding)
