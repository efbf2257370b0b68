from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from pytest_asyncdb.registry import check_names

IDLE = """
import sys
def test_modules():
    print("LOADED", sorted(name for name in sys.modules if name.startswith("pytest_asyncdb")))
"""


def test_being_installed_and_not_used_loads_three_modules(tmp_path):
    (tmp_path / "test_idle.py").write_text(IDLE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "LOADED ['pytest_asyncdb', 'pytest_asyncdb.fixture_set', 'pytest_asyncdb.plugin']" in done.stdout, (
        done.stdout + done.stderr
    )


def test_loading_the_plugin_imports_nothing_else():
    code = """
import sys, pytest
before = set(sys.modules)
import pytest_asyncdb.plugin
print(sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['pytest_asyncdb', 'pytest_asyncdb.plugin']"


def test_ids_are_listed_without_booting_anything_and_can_be_pasted_back(healthy):
    listed = healthy.pytest("--asyncdb-check", "--collect-only", "-q")
    ids = [line for line in listed.output.splitlines() if "::asyncdb::" in line]
    assert [one.rpartition("::")[2] for one in ids] == list(check_names())
    assert "Postgres" not in listed.output
    again = healthy.pytest("-q", ids[0], ids[-1])
    assert again.code == 0, again.output
    again.says("2 passed")


def test_without_the_flag_nothing_of_ours_is_collected(healthy):
    healthy.write("tests/test_own.py", "def test_quokka(): pass\n")
    run = healthy.pytest()
    assert run.code == 0
    run.says("1 passed")
    assert "asyncdb" not in run.output.replace("plugins: ", "").replace("asyncdb-", "")


@pytest.mark.parametrize(
    ("arguments", "passed", "code"),
    [
        (("-k", "ADB301"), "1 passed", 0),
        (("-k", "libpq-parameter"), "1 passed", 0),
        (("-m", "asyncdb", "-k", "ADB301 or quokka"), "1 passed", 0),
        (("-k", "quokka"), "1 passed", 0),
        (("-p", "no:asyncdb"), "unrecognized arguments: --asyncdb-check", 4),
    ],
)
def test_pytest_users_select_as_they_are_used_to(healthy, arguments, passed, code):
    healthy.write("tests/test_own.py", "def test_quokka(): pass\n")
    run = healthy.pytest("--asyncdb-check", *arguments)
    assert run.code == code, run.output
    run.says(passed)


def test_checks_come_first_then_the_projects_tests(healthy):
    healthy.write("tests/test_own.py", "def test_quokka(): pass\n")
    run = healthy.pytest("--asyncdb-check", "-v")
    assert run.code == 0, run.output
    assert run.output.index(check_names()[-1]) < run.output.index("test_quokka PASSED")


def test_testpaths_and_given_tests_keep_their_tests(healthy):
    healthy.write("pytest.ini", "[pytest]\ntestpaths = tests\n")
    healthy.write("tests/test_own.py", "def test_quokka(): pass\ndef test_quokka_too(): pass\n")
    by_ini = healthy.pytest("--asyncdb-check", "-k", "quokka or ADB301")
    by_ini.says("3 passed")
    by_id = healthy.pytest("--asyncdb-check", "tests/test_own.py::test_quokka", "-v")
    by_id.says("test_quokka PASSED", "ADB301")
    assert "test_quokka_too" not in by_id.output


def test_deselected_and_stopped_at_the_first_failure(broken):
    stopped = broken.pytest("--asyncdb-check", "-x")
    assert stopped.code == 1
    stopped.says("1 failed")
    ids = [line for line in broken.pytest("--asyncdb-check", "--co", "-q").output.splitlines() if "ADB102" in line]
    deselected = broken.pytest("--asyncdb-check", "--deselect", ids[0])
    assert "ADB102-sync" not in deselected.output


def test_junit_names_each_check_and_carries_the_findings(broken):
    run = broken.pytest("--asyncdb-check", "--junitxml=out.xml")
    assert run.code == 1
    cases = {case.get("name"): case for case in ET.parse(broken.root / "out.xml").iter("testcase")}  # noqa: S314 - our own file
    assert set(check_names()) <= set(cases)
    failure = cases["ADB301-scheme-without-async-driver"].find("failure")
    assert failure is not None
    assert ".env:2" in (failure.text or "")


def test_two_workers_tell_the_same(healthy, broken):
    healthy.write("tests/test_own.py", "def test_quokka(): pass\n")
    run = healthy.pytest("--asyncdb-check", "-n", "2")
    assert run.code == 0, run.output
    run.says("SC-006")
    alone, spread = broken.pytest("--asyncdb-check"), broken.pytest("--asyncdb-check", "-n", "2")
    assert (alone.code, spread.code) == (1, 1)
    count = [line for line in alone.output.splitlines() if " failed" in line][-1].split(" in ")[0]
    assert count.strip("= ") in spread.output


def test_of_several_servers_the_checks_take_the_first_and_say_so(healthy):
    healthy.write("tests/test_own.py", "def test_quokka(asyncdb_url): pass\n")
    run = healthy.pytest("--asyncdb-check", "--asyncdb-postgres=local,embedded", "-k", "quokka or ADB301")
    assert run.code == 0, run.output
    run.says(
        "(local), ready in", "the checks ran on local alone; tests of the fixtures run on embedded, too", "3 passed"
    )
