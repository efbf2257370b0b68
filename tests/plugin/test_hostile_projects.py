from __future__ import annotations

import time

import pytest


def test_a_conftest_that_imports_the_broken_app(broken):
    broken.write("tests/conftest.py", "from src.main import app\n")
    broken.write("tests/test_own.py", "def test_quokka(): pass\n")
    run = broken.pytest("--asyncdb-check")
    assert run.code == 1
    run.says("ADB201", "ADB301", "the project's tests were not run")


@pytest.mark.parametrize("ending", ["raise SystemExit(3)", "import os; os._exit(3)"])
@pytest.mark.parametrize("conftest", [True, False])
def test_an_app_that_ends_the_process_at_import(healthy, ending, conftest):
    text = (healthy.root / "src/main.py").read_text()
    (healthy.root / "src/main.py").write_text(f"{text}\n{ending}\n")
    if conftest:
        healthy.write("tests/conftest.py", "from src.main import app\n")
    healthy.write("tests/test_own.py", "from src.main import app\ndef test_quokka(): pass\n")
    run = healthy.pytest("--asyncdb-check")
    assert run.code == 1
    line = len(text.splitlines()) + 2
    run.says("ADB207", f"src/main.py:{line}", "the project's tests were not run")


def test_an_endless_startup_ends_at_its_deadline(healthy):
    healthy.change("src/main.py", "yield", "import asyncio; await asyncio.sleep(3600)\n    yield")
    started = time.monotonic()
    run = healthy.pytest("--asyncdb-check", "-o", "asyncdb_startup_timeout=2")
    assert run.code == 1
    assert time.monotonic() - started < 20
    run.says("ADB702", "src/main.py:")


def test_a_startup_stuck_in_sync_code_ends_at_its_deadline(healthy):
    healthy.change("src/main.py", "yield", "import time; time.sleep(3600)\n    yield")
    run = healthy.pytest("--asyncdb-check", "-o", "asyncdb_startup_timeout=2")
    assert run.code == 1
    run.says("ADB702", "src/main.py:")


def test_required_settings_that_the_env_file_leaves_out(healthy):
    healthy.change(".env", "DATABASE_URL=", "#")
    run = healthy.pytest("--asyncdb-check")
    assert run.code == 1
    run.says("ADB205", "src/core/config.py")


def test_a_syntax_error_in_one_module(healthy):
    healthy.write("src/services/broken.py", "def f(:\n")
    run = healthy.pytest("--asyncdb-check")
    run.says("ADB206", "src/services/broken.py:1")


def test_a_syntax_error_in_the_apps_own_module(healthy):
    text = (healthy.root / "src/main.py").read_text()
    (healthy.root / "src/main.py").write_text(f"{text}\ndef f(:\n")
    run = healthy.pytest("--asyncdb-check")
    assert run.code == 1
    run.says("ADB206", f"src/main.py:{len(text.splitlines()) + 2}")


def test_syntax_of_a_later_python_is_the_environments_or_the_projects(healthy):
    """Nobody is to blame who does not say that the app runs here; who does gets the parentheses."""
    answer = '    return {"status": "healthy", "environment": settings.ENVIRONMENT}\n'
    guarded = f"    try:\n    {answer}    except AttributeError, KeyError:\n        return {{}}\n"
    healthy.change("src/api/health.py", answer, guarded)
    run = healthy.pytest("--asyncdb-check")
    assert run.code == 1
    run.says("ADB110", "src/api/health.py:15:12", "needs Python 3.14", "with a later one")
    assert "ADB206-" not in run.output.partition("Not judged")[0]
    healthy.write("pyproject.toml", '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\n')
    run = healthy.pytest("--asyncdb-fix")
    assert run.code == 0, run.output
    run.says("ADB206", "src/api/health.py", "needs Python 3.14", "proven")
    assert "except (AttributeError, KeyError):" in (healthy.root / "src/api/health.py").read_text()


def test_no_tests_at_all(healthy):
    run = healthy.pytest("--asyncdb-check")
    assert run.code == 0, run.output


def test_a_test_module_that_does_not_import_does_not_hide_the_checks(healthy):
    healthy.write("tests/test_own.py", "import nowhere_to_be_found\n")
    run = healthy.pytest("--asyncdb-check")
    assert run.code == 1
    run.says("SC-001", "nowhere_to_be_found", "1 error")


def test_a_conftest_that_fails_by_itself_does_not_hide_the_checks(healthy):
    healthy.write("conftest.py", "import nowhere_to_be_found\n")
    run = healthy.pytest("--asyncdb-check")
    assert run.code in {1, 4}
    run.says("SC-001", "nowhere_to_be_found")


def test_no_gate_runs_the_tests_all_the_same(broken):
    broken.write("tests/test_own.py", "def test_quokka(): pass\n")
    run = broken.pytest("--asyncdb-check", "--asyncdb-no-gate")
    assert run.code == 1
    run.says("passed", "ADB301")
    assert "were not run" not in run.output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--asyncdb-app=src.nowhere:app",), "src.nowhere"),
        (("--asyncdb-app=src.main:ap",), "`src.main:app`"),
        (("--asyncdb-cwd=srk",), "did you mean 'src'?"),
        (("--asyncdb-env=hidden-word-1",), "--asyncdb-env: each line is NAME=value"),
        (("--asyncdb-postgres=embeded",), "embedded"),
        (("--asyncdb-postgres=postgresql://u:hidden-word-1@h:notaport/d",), "port"),
        (("--asyncdb-report=out.xls",), ".json"),
        (("--asyncdb-report=nowhere/out.json",), "nowhere"),
        (("--asyncdb-fail-on=block",), "did you mean 'blocks'?"),
        (("--asyncdb-explain=ADB3011",), "ADB301"),
        (("--asyncdb-postgres=docker:15.x y",), "docker:17 names the tag"),
        (("-o", "asyncdb_extensions=citext, a;b"), "'a;b' is no name of an extension"),
        (("--asyncdb-postgres=embedded", "-o", "asyncdb_extensions=citext, bogus"), "lacks the extension bogus"),
        (("-o", "asyncdb_startup_timeout=soon"), "asyncdb_startup_timeout"),
    ],
)
def test_bad_input_names_the_option_and_ends_with_4(healthy, arguments, text):
    run = healthy.pytest("--asyncdb-check", *arguments)
    assert run.code == 4, run.output
    run.says(text)
    assert "hidden-word-1" not in run.output
