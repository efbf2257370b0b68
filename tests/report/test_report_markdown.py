"""The audit document, read as a Markdown reader reads it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from pytest_asyncdb.report.markdown import render


@pytest.fixture
def read():
    parser = MarkdownIt("commonmark").enable("table")
    return parser.parse


def _headings(tokens):
    return [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]


def _rows(tokens):
    rows = []
    for token, after in pairwise(tokens):
        if token.type == "tr_open":
            rows.append([])
        if token.type in {"td_open", "th_open"}:
            rows[-1].append("".join(child.content for child in after.children))
    return rows


def test_the_parts_of_the_document_in_their_order(read, broken):
    assert _headings(read(render(broken))) == [
        "Async database audit",
        "What blocks the start",
        "1. ADB101 driver-not-declared",
        "2. ADB303 libpq-parameter-in-asyncpg-url",
        "Latent: the app starts, the fault shows later",
        "3. ADB504 expire-on-commit-left-on",
        "Advice: works as it is",
        "4. ADB502 sync-sessionmaker-for-async-sessions",
        "Criteria",
        "Not judged",
        "Notes",
    ]


def test_a_healthy_run_has_a_summary_and_the_criteria(read, healthy):
    text = render(healthy)
    assert _headings(read(text)) == ["Async database audit", "Criteria"]
    assert "**no fault found; 1 check passed.**" in text
    assert "- App: `src.main:app`, from `backend/Procfile:1`, booted" in text
    assert "- Server: Postgres 18.6, provider embedded, ready in 0.12 s" in text


def test_each_fault_has_all_that_an_audit_owes(broken):
    text = render(broken)
    part = text[text.index("### 2. ADB303") : text.index("## Latent")]
    for needed in (
        "- **File:** `backend/.env`\n",
        "- **Line:** 2\n",
        "- **Severity:** blocks; seen in the source and when the app ran\n",
        "- **Fault:** `DATABASE_URL` hands `sslmode`",
        "- **Root cause:** Both are parameters of libpq.",
        "Old, in `backend/.env`:\n\n```text\nDATABASE_URL=postgresql+asyncpg://app:***@db.example/app?sslmode=require",
        "New, in `backend/.env`:\n\n```text\nDATABASE_URL=postgresql+asyncpg://app:***@db.example/app?ssl=require\n```",
        "**Explanation:** `sslmode=require` becomes `ssl=require`",
        "**Proof:** proven: the fixed copy starts",
    ):
        assert needed in part


def test_a_fix_of_several_files_is_shown_as_a_diff(broken):
    reported = broken.findings[1]
    outcome = replace(reported.fixes[0], diff=reported.fixes[0].diff + broken.findings[0].fixes[0].diff)
    text = render(replace(broken, findings=(replace(reported, fixes=(outcome,)),)))
    assert "```diff\n--- a/backend/.env\n" in text
    assert "Old, in" not in text


@pytest.mark.parametrize(("old", "new", "title"), [("", "x\n", "Added"), ("x\n", "", "Removed")])
def test_what_is_only_added_or_removed_is_called_so(broken, old, new, title):
    reported = broken.findings[1]
    outcome = replace(reported.fixes[0], old=old, new=new)
    text = render(replace(broken, findings=(replace(reported, fixes=(outcome,)),)))
    assert f"{title}, in `backend/.env`:\n\n```text\nx\n```" in text
    assert "Old, in" not in text
    assert "New, in" not in text


def test_all_safe_fixes_together_are_a_diff(broken):
    assert "## All safe fixes together\n\n```diff\n--- a/x\n```" in render(replace(broken, diff="--- a/x\n"))


def test_the_criteria_stand_in_a_table_with_their_evidence(read, broken):
    rows = _rows(read(render(broken)))
    assert ["SC-001", "The server starts without import errors", "not-met", "ImportError | AsyncEngine"] in rows
    assert ["SC-007", "No circular imports", "met", "41 modules import"] in rows


def test_hostile_text_stays_text(read, broken):
    hostile = "a | b <script>alert(1)</script> *x* __init__ [l](http://x) `|` ` \\\n# heading"
    finding = replace(broken.findings[0].finding, message=hostile, root_cause=hostile)
    fix = replace(broken.findings[0].fixes[0], old="```\n# out", new="````\n")
    tokens = read(render(replace(broken, findings=(replace(broken.findings[0], finding=finding, fixes=(fix,)),))))
    kinds = {child.type for token in tokens for child in token.children or ()} | {token.type for token in tokens}
    assert not kinds & {"html_inline", "html_block", "link_open", "em_open"}
    assert "out" not in " ".join(_headings(tokens))
    assert all(len(row) in {4, 5} for row in _rows(tokens))
    assert any("a | b <script>" in cell and "__init__" in cell for row in _rows(tokens) for cell in row)
    assert [token.content for token in tokens if token.type == "fence"] == ["```\n# out\n", "````\n"]
