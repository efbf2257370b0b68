"""What a person in front of a terminal or a CI log gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.result import AppInfo
from pytest_asyncdb.report.terminal import render, render_finding, render_header


def test_what_blocks_comes_first_and_in_the_order_an_app_meets_it(broken):
    text = render(broken)
    positions = [text.index(f": ADB{number}-") for number in ("101", "303", "504", "502")]
    assert positions == sorted(positions)


def test_places_stand_at_the_start_of_a_line_so_that_editors_can_jump(broken):
    lines = render(broken).splitlines()
    assert "backend/.env:2:14: blocks: ADB303-libpq-parameter-in-asyncpg-url" in lines
    assert "backend/requirements.txt:10:1: blocks (likely): ADB101-driver-not-declared" in lines
    assert "backend/src/core/database.py: latent: ADB504-expire-on-commit-left-on" in lines


@pytest.mark.parametrize("width", [60, 80, 120])
def test_prose_keeps_to_the_width(broken, width):
    code = ("    + ", "    - ", "backend/")
    for line in render(broken, width=width).splitlines():
        assert len(line) <= width or line.startswith(code), line


def test_each_blocking_fault_says_why_its_change_and_its_proof(broken):
    text = render(broken)
    start = text.index("backend/.env:2:14")
    part = text[start : text.index("-- Latent")]
    assert "  why    Both are parameters of libpq." in part
    assert "  fix    Say it in asyncpg's words (safe)" in part
    assert "    - DATABASE_URL=postgresql+asyncpg://app:***@db.example/app?sslmode=require" in part
    assert "    + DATABASE_URL=postgresql+asyncpg://app:***@db.example/app?ssl=require" in part
    assert "  proof  proven: the fixed copy starts" in part


def test_latent_and_advice_are_shorter_and_still_say_whether_the_fix_is_proven(broken):
    text = render(broken)
    assert "  fix    Use async_sessionmaker (safe; proven)" in text
    assert "+ async_sessionmaker(" not in text


def test_the_summary_counts_everything_and_ends_the_report(broken):
    end = " ".join(render(broken).rsplit("-" * 80, 1)[1].split())
    assert end == (
        "1 check passed, 2 failed, 2 not judged 2 block, 1 latent, 1 advice; 2 of 3 fixes proven; "
        "--asyncdb-diff shows, --asyncdb-fix applies"
    )


def test_an_edit_that_two_findings_share_counts_once(broken):
    twice = replace(broken, findings=(*broken.findings, broken.findings[1]))
    assert "3 block, 1 latent, 1 advice; 2 of 3 fixes proven" in " ".join(render(twice).split())


def test_what_was_not_judged_is_listed_with_its_reason(broken):
    assert "- ADB701, ADB702: the app did not import\n" in render(broken)


def test_criteria_show_their_verdict_and_evidence(broken):
    text = render(broken)
    assert "  SC-001  not-met  The server starts without import errors\n" in text
    assert "                   ImportError | AsyncEngine\n" in text
    assert "  SC-007  met      No circular imports\n                   41 modules import\n" in text


def test_nothing_found_is_said_in_a_few_lines(healthy):
    text = render(healthy)
    assert text.endswith("1 check passed\nno fault found\n")
    assert "--asyncdb-fix" not in text
    assert "What blocks" not in text


def test_a_finding_without_an_exact_edit_says_so(broken):
    blocking = replace(broken.findings[2], finding=replace(broken.findings[2].finding, severity=Severity.BLOCKS))
    assert "  fix    no exact edit is known" in render_finding(blocking)


def test_a_fix_that_explains_itself_with_the_root_cause_says_it_once(broken):
    reported = broken.findings[1]
    fix = replace(reported.fixes[0].fix, why=reported.finding.root_cause.rstrip("."))
    text = render_finding(replace(reported, fixes=(replace(reported.fixes[0], fix=fix),)))
    assert text.count("Both are parameters of libpq.") == 1


def test_changed_files_are_named_and_no_longer_offered(broken):
    text = render(replace(broken, applied=("backend/.env",)))
    assert "-- Changed files" in text
    assert "  backend/.env\n" in text
    assert "--asyncdb-fix applies" not in text
    assert text.endswith("2 of 3 fixes proven; 1 file changed;\n--asyncdb-check checks again\n")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_it_can_be_shown_where_the_terminal_knows_few_characters(broken, encoding):
    finding = replace(broken.findings[0].finding, message="`Réglages` holds a 数据库")
    text = render(replace(broken, findings=(replace(broken.findings[0], finding=finding),)), encoding=encoding)
    assert "\\u6570" in text
    text.encode(encoding)


def test_our_own_words_are_ascii(broken, healthy):
    assert render(broken).isascii()
    assert render(healthy).isascii()


def test_the_text_of_an_app_can_not_drive_the_terminal(broken):
    hostile = "fails with \x1b]0;title\x07\x1b[2J and a \x9b31m"
    finding = replace(broken.findings[0].finding, message=hostile, root_cause=hostile)
    text = render_finding(replace(broken.findings[0], finding=finding))
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert "\\x1b[2J" in text


def test_the_text_of_an_item_ends_with_where_to_read_more(broken):
    text = render_finding(broken.findings[1])
    assert text.startswith("backend/.env:2:14: blocks: ADB303")
    assert text.endswith("  more   pytest --asyncdb-explain=ADB303")


def test_the_header_names_app_server_and_driver(healthy):
    assert render_header(healthy) == [
        "asyncdb: app src.main:app, from backend/Procfile:1",
        "asyncdb: Postgres 18.6 (embedded), ready in 0.12 s; driver asyncpg 0.32.0",
    ]


def test_the_verbose_header_says_why_the_other_servers_were_not_used(healthy):
    assert render_header(healthy, verbose=True)[2:] == [
        "asyncdb: docker not used: no engine answers at /var/run/docker.sock"
    ]


@pytest.mark.parametrize(("incomplete", "said"), [("no ASGI app was found", "no app found"), ("", "no app")])
def test_the_header_says_what_there_was_not(healthy, incomplete, said):
    assert render_header(replace(healthy, app=None, server=None, incomplete=incomplete)) == [
        f"asyncdb: {said}; only the sources were read",
        "asyncdb: no server was started",
    ]


def test_what_keeps_a_run_from_being_good_is_said_at_its_end(healthy):
    end = render(replace(healthy, app=None, server=None, incomplete="no ASGI app was found in /x")).splitlines()[-3:]
    assert "no ASGI app was found in /x" in end


def test_each_of_several_apps_is_named_as_it_can_be_asked_for(broken):
    other = AppInfo("main:app", "pay/Dockerfile:3", booted=True, path="pay/main.py")
    run = replace(broken, apps=(*broken.apps, other), findings=(replace(broken.findings[0], apps=(other.name,)),))
    assert render_header(run)[:2] == [
        "asyncdb: app backend/src/main.py:app, from backend/Procfile:1",
        "asyncdb: app pay/main.py:app, from pay/Dockerfile:3",
    ]
    assert "  app    pay/main.py:app" in render(run).splitlines()


def test_what_was_left_out_is_told_to_who_asks(broken):
    result = replace(broken, left_out=("left out: virtual environments: env/ (2013 files)",))
    assert "asyncdb: left out: virtual environments: env/ (2013 files)" in render_header(result, verbose=True)
    assert not any("left out" in line for line in render_header(result))
