"""What pytest prints at its end, after the items have told theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytest_asyncdb.report.summary import render
from pytest_asyncdb.report.terminal import render as render_all


def test_findings_that_an_item_told_are_not_told_again(broken):
    text = "\n".join(render(broken, told={"ADB101", "ADB303", "ADB502", "ADB504", "ADB701"}))
    assert ": ADB303-" not in text
    assert ": ADB101-" not in text
    # These two did not fail their item: nobody has shown them yet.
    assert ": ADB504-" in text
    assert ": ADB502-" in text


def test_everything_is_told_when_no_item_ran(broken):
    assert "\n".join(render(broken)) + "\n" == render_all(broken)
    assert ": ADB303-" in render_all(broken)


def test_diffs_are_shown_once_each_and_only_on_request(broken):
    twice = replace(broken, findings=(*broken.findings, broken.findings[1]))
    lines = render(twice, diff=True)
    assert lines.count("--- a/backend/.env") == 1
    assert lines.count("# Say it in asyncpg's words (safe; proven)") == 1
    assert "@@ -2 +2 @@" in lines
    assert "--- a/backend/.env" not in render(twice)


def test_diffs_stand_in_the_order_of_the_findings(broken):
    lines = [line for line in render(broken, diff=True) if line.startswith("--- a/")]
    assert lines == ["--- a/backend/requirements.txt", "--- a/backend/.env", "--- a/backend/src/core/database.py"]


def test_the_diff_of_all_safe_fixes_takes_the_place_of_the_single_ones(broken):
    lines = render(replace(broken, diff="--- a/all\n+++ b/all\n"), diff=True)
    start = lines.index("# all safe fixes together")
    assert lines[start + 1 : start + 4] == ["--- a/all", "+++ b/all", ""]
    assert "# Say it in asyncpg's words (safe; proven)" not in lines
    assert "# Declare the async driver (unsafe, not applied by itself; not run)" in lines


def test_gate_and_reports_stand_with_the_totals(broken):
    lines = render(
        broken,
        gate="the project's tests were not run: a conftest could not be loaded: ImportError: no\x1b[2J",
        reports=[Path("audit.md")],
    )
    end = " ".join(lines[len(lines) - lines[::-1].index("-" * 80) :])
    assert end.startswith(
        "report: audit.md the project's tests were not run: a conftest could not be loaded: ImportError: no\\x1b[2J"
    )
    assert end.endswith("--asyncdb-diff shows, --asyncdb-fix applies")


def test_no_line_holds_a_line_end(broken):
    finding = replace(broken.findings[0].finding, root_cause="one\ntwo\r\nthree\x0bfour")
    for line in render(replace(broken, findings=(replace(broken.findings[0], finding=finding),)), diff=True):
        assert line.splitlines() in ([line], [])


def test_without_a_check_no_health_is_claimed(healthy):
    lines = render(replace(healthy, checks=()))
    assert "no check was run" in lines
    assert "no fault found" not in "\n".join(lines)


def test_an_app_that_did_not_start_is_told_where_nothing_blocks(healthy, broken):
    down = replace(healthy.app, booted=False)
    assert render(replace(healthy, app=down, apps=(down,)))[-1] == "no fault found, but the app did not start"
    both = replace(healthy, app=down, apps=(down, healthy.app))
    assert render(both)[-1] == "no fault found, but backend/src/main.py:app did not start"
    latent = [one for one in broken.findings if one.finding.severity == "latent"]
    assert render(replace(broken, findings=tuple(latent)))[-1].startswith("1 latent, but the app did not start")
    assert "did not start" not in render(broken)[-1]
    assert render(healthy)[-1] == "no fault found"
