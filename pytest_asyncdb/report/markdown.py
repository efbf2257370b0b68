"""The audit document: every fault with its root cause, its fix and the proof, then the criteria with their evidence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.report import words
from pytest_asyncdb.report.diff import hunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.model.result import FixOutcome, ReportedFinding, Result

_LANGUAGES = {"py": "python", "toml": "toml", "yml": "yaml", "yaml": "yaml", "ini": "ini", "cfg": "ini"}
_MARKUP = re.compile(r"[\\`*<>\[\]#|]|(?<![^\W_])_|_(?![^\W_])")


def render(result: Result) -> str:
    """Render the whole run as GitHub-flavoured Markdown."""
    parts = ["# Async database audit", *_summary(result), *_overview(result)]
    number = 0
    for severity in words.SEVERITIES:
        found = words.of_severity(result.findings, severity)
        if found:
            parts.append(f"## {words.HEADINGS[severity]}")
        for reported in found:
            number += 1
            parts += _finding(number, reported)
    parts += [*_criteria(result), *_rest(result)]
    return "\n\n".join(parts) + "\n"


def _summary(result: Result) -> Iterator[str]:
    sentences = [words.counts(result), words.fixes_proven(result), words.checks_run(result)]
    yield f"**{'; '.join(one for one in sentences if one)}.**"
    rows = []
    apps = result.apps or ((result.app,) if result.app else ())
    for app in apps:
        name = app.name if len(apps) > 1 else app.target
        rows.append(f"- App: {_code(name)}, from {_code(app.found_in)}, {'booted' if app.booted else 'not booted'}")
    if not apps:
        rows.append("- App: none found" if result.incomplete else "- App: none")
    if result.server is not None:
        server = result.server
        rows.append(f"- Server: Postgres {server.version}, provider {server.provider}, ready in {server.seconds:.2f} s")
    else:
        rows.append("- Server: none was started")
    if result.environment:
        versions = ", ".join(f"{_text(name)} {_text(version)}" for name, version in result.environment)
        rows.append(f"- Environment: {versions}")
    yield "\n".join(rows)


def _overview(result: Result) -> Iterator[str]:
    if not result.findings:
        return
    rows = ["| | severity | fault | place | proof of the fix |", "|---|---|---|---|---|"]
    for number, reported in enumerate(words.in_order(result.findings), start=1):
        finding = reported.finding
        proofs = ", ".join(words.PROOF[outcome.proof] for outcome in reported.fixes) or "no exact edit"
        cells = (words.severity(finding), f"{finding.id} {_text(finding.message)}", _code(str(finding.place)), proofs)
        rows.append(f"| {number} | {' | '.join(_cell(cell) for cell in cells)} |")
    yield "\n".join(rows)


def _finding(number: int, reported: ReportedFinding) -> Iterator[str]:
    finding = reported.finding
    yield f"### {number}. {finding.id} {finding.slug}"
    yield "\n".join(
        [
            f"- **File:** {_code(finding.place.path)}",
            f"- **Line:** {finding.place.line or 'the whole file'}",
            f"- **Severity:** {words.severity(finding)}; seen {words.SEEN[finding.evidence]}",
            *([f"- **App:** {', '.join(map(_code, reported.apps))}"] if reported.apps else []),
            f"- **Fault:** {_text(finding.message)}",
            f"- **Root cause:** {_text(finding.root_cause)}",
        ]
    )
    if not reported.fixes:
        yield "**Fix:** no exact edit is known; the root cause says what has to change."
    for outcome in reported.fixes:
        yield from _fix(outcome)


def _fix(outcome: FixOutcome) -> Iterator[str]:
    yield f"**Fix ({words.safety(outcome)}):** {_text(outcome.fix.title)}"
    paths = {hunk.path for hunk in hunks(outcome.diff)}
    if len(paths) == 1 and (outcome.old or outcome.new):
        path = paths.pop()
        language = _LANGUAGES.get(path.rpartition(".")[2], "text")
        titles = ("Old", "New") if outcome.old and outcome.new else ("Removed", "Added")
        for title, text in zip(titles, (outcome.old, outcome.new), strict=True):
            if text:
                yield f"{title}, in {_code(path)}:\n\n{_block(text, language)}"
    elif outcome.diff:
        yield _block(outcome.diff, "diff")
    if outcome.fix.why:
        yield f"**Explanation:** {_text(outcome.fix.why)}"
    yield f"**Proof:** {_text(words.proof(outcome))}"


def _criteria(result: Result) -> Iterator[str]:
    if not result.criteria:
        return
    yield "## Criteria"
    rows = ["| id | criterion | verdict | evidence |", "|---|---|---|---|"]
    for one in result.criteria:
        cells = (one.id, _text(one.title), str(one.verdict), _text(one.evidence))
        rows.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    yield "\n".join(rows)


def _rest(result: Result) -> Iterator[str]:
    if result.diff:
        yield "## All safe fixes together"
        yield _block(result.diff, "diff")
    skipped = words.not_judged(result)
    if skipped:
        yield "## Not judged"
        yield "\n".join(f"- {', '.join(names)}: {_text(reason)}" for reason, names in skipped)
    if result.incomplete:
        yield "## Incomplete"
        yield _text(result.incomplete)
    if result.notes:
        yield "## Notes"
        yield "\n".join(f"- {_text(note)}" for note in result.notes)
    if result.applied:
        yield "## Changed files"
        yield "\n".join(f"- {_code(path)}" for path in result.applied)


def _text(text: str) -> str:
    """Prose with its backticked symbols kept and everything else that Markdown or HTML would act on escaped."""
    pieces = re.split(r"(`[^`\n]+`)", " ".join(text.split()))
    return "".join(piece if index % 2 else _MARKUP.sub(r"\\\g<0>", piece) for index, piece in enumerate(pieces))


def _cell(text: str) -> str:
    """Inside a table a pipe ends the cell, in code too."""
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def _code(text: str) -> str:
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def _block(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    body = text if not text or text.endswith("\n") else text + "\n"
    return f"{fence}{language}\n{body}{fence}"
