from __future__ import annotations

import pytest

BOOM = "import pathlib\npathlib.Path({0!r}).touch()\nraise RuntimeError('quokka')\n"
JUDGED = """[pytest]
addopts = -n 2 --cov=src --cov-report=term --cov-fail-under=100 --runslow {more}
slow_hosts = a
"""
CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--runslow", action="store_true")
    parser.addoption("--env")
    parser.addini("slow_hosts", "")
"""


def own_files(project, *, body: str = "") -> None:
    """Files of a test suite, each of which leaves a trace and raises when it is loaded."""
    project.write("conftest.py", CONFTEST + body)
    project.write("tests/conftest.py", BOOM.format("loaded-conftest"))
    project.write("tests/test_own.py", BOOM.format("loaded-test"))
    project.write("test_beside_the_anchor.py", BOOM.format("loaded-beside"))


def loaded(project) -> list[str]:
    return sorted(path.name for path in project.root.glob("loaded-*"))


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ("--env prod", ("-m", " asyncdb_check")),
        ("--env prod -m asyncdb_check", ()),
        ("--env=prod -m asyncdb_check", ("tests/test_own.py",)),
        ("--env=prod", ("pytest.ini::asyncdb",)),
    ],
)
def test_nothing_of_the_project_is_loaded_spread_or_measured(healthy, options, arguments):
    healthy.write("pytest.ini", JUDGED.format(more=options))
    own_files(healthy, body=BOOM.format("loaded-top"))
    run = healthy.pytest("--asyncdb-check", "--strict-config", *arguments)
    assert run.code == 0, run.output
    assert loaded(healthy) == []
    run.says("SC-006", " passed", "left out, because no conftest was loaded that could know it: --runslow, --env")
    for word in ("deselected", "error", "workers", "coverage", "quokka", "arning"):
        assert word not in run.output, run.output


def test_a_python_file_that_carries_the_checks_is_not_imported_for_them(new_project):
    new_project.write(
        "main.py", "import sys\nassert 'pytest' not in sys.modules\nfrom fastapi import FastAPI\napp = FastAPI()\n"
    )
    run = new_project.pytest("--asyncdb-check", "-m", "asyncdb_check")
    assert run.code == 0, run.output
    run.says("main.py", "main:app", " passed")


def test_nothing_is_asked_for_that_asynchronous_tests_would_need(new_project):
    """pytest-asyncio, which comes with us, asks for the scope of event loops wherever it is not set."""
    new_project.write("main.py", "from fastapi import FastAPI\napp = FastAPI()\n")
    run = new_project.pytest("--asyncdb-check", "-m", "asyncdb_check", PYTHONWARNINGS="")
    run.says(" passed")
    assert 'loop_scope" is unset' not in run.output, run.output


def test_a_wider_expression_selects_among_the_tests_too(healthy):
    healthy.write("tests/test_own.py", "import pytest\n@pytest.mark.asyncdb\ndef test_quokka(): pass\n")
    run = healthy.pytest("--asyncdb-check", "-m", "asyncdb_check or asyncdb", "-v")
    assert run.code == 0, run.output
    run.says("test_quokka PASSED")


def test_an_option_of_ours_that_is_spelt_wrong_is_told(healthy):
    run = healthy.pytest("--asyncdb-check", "-m", "asyncdb_check", "--asyncdb-keeep")
    assert run.code == 4, run.output
    run.says("unrecognized arguments: --asyncdb-keeep")


def test_a_closed_gate_leaves_workers_coverage_and_unknown_options_alone(broken):
    broken.write("pytest.ini", JUDGED.format(more="--env prod"))
    own_files(broken, body=BOOM.format("loaded-top"))
    run = broken.pytest("--asyncdb-check")
    assert run.code == 1, run.output
    assert loaded(broken) == []
    run.says("ADB301", "the project's tests were not run")
    assert "coverage" not in run.output
    assert "workers" not in run.output


@pytest.mark.parametrize("where", ["conftest.py", "tests/conftest.py"])
def test_a_conftest_that_fails_is_named_and_hides_no_check(healthy, where):
    """The tests could not be run without it; nor do options that it declares end the run."""
    healthy.write("tests/test_own.py", "def test_quokka(): pass\n")
    healthy.write(where, "def hop():\n    raise RuntimeError('wombat postgresql://u:hidden-word-1@h/d')\nhop()\n")
    run = healthy.pytest("--asyncdb-check", "--runslow", "--env=prod")
    assert run.code == 4, run.output
    run.says("SC-006", "met", f"{where} could not be loaded:", f":***@h/d ({where}:2)", "checks passed")
    for word in ("unrecognized", "quokka", "ERROR", "hidden-word-1"):
        assert word not in run.output, run.output


def test_a_hook_of_a_conftest_that_ends_pytest_hides_no_check(healthy):
    healthy.write("conftest.py", "def pytest_configure():\n    import pytest\n    pytest.exit('no docker here', 3)\n")
    run = healthy.pytest("--asyncdb-check")
    assert run.code == 3
    run.says("SC-006", "checks passed", "asyncdb_check` runs the checks without the project's conftests")
    run = healthy.pytest("--asyncdb-check", "-m", "asyncdb_check")
    assert run.code == 0
    assert "no docker here" not in run.output
