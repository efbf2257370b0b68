"""What of a result a pytest session tells: the lines of its items, the selected part, why the tests can wait."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_asyncdb.items import Line
from pytest_asyncdb.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from pytest_asyncdb.model.result import Result

_SILENT = -2
"""Verbosity of ``-qq``."""


def only(result: Result, ran: set[str]) -> Result:
    """The part of the result that the selected checks told."""
    return replace(
        result,
        findings=tuple(one for one in result.findings if one.finding.id in ran),
        checks=tuple(check for check in result.checks if check.id in ran),
    )


def lines_of(result: Result) -> dict[str, Line]:
    """What each item says."""
    from pytest_asyncdb.report.terminal import render_finding

    texts: dict[str, list[str]] = {}
    for one in result.findings:
        texts.setdefault(one.finding.id, []).append(render_finding(one))
    return {c.id: Line(str(c.outcome), c.reason, "\n\n".join(texts.get(c.id, ()))) for c in result.checks}


def gate_of(result: Result, deselected: Iterable[str]) -> str:
    """One line saying why the tests can wait, or nothing."""
    ignored = {item.rpartition("::")[2].partition("-")[0] for item in deselected}
    fixed = set(result.applied)
    ids = {
        one.finding.id
        for one in result.findings
        if one.finding.severity is Severity.BLOCKS and one.finding.id not in ignored
    }
    if not ids or (fixed and not any(c.outcome == "failed" for c in result.checks)):
        return ""
    kinds = "a fault blocks" if len(ids) == 1 else f"{len(ids)} kinds of fault block"
    return f"the project's tests were not run: {kinds} the app ({', '.join(sorted(ids))}); --asyncdb-no-gate runs them"


def is_silent(parser: pytest.Parser, args: list[str]) -> bool:
    """Whether ``-qq`` wants no word while the run goes on; at this point pytest before 9.1 has counted each twice."""
    return int(parser.parse_known_args(args).verbose) <= _SILENT


def nothing_judged(result: Result) -> bool:
    """Whether every check was skipped."""
    return all(check.outcome == "skipped" for check in result.checks)
