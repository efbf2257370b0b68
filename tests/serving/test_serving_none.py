"""What becomes of tests that need a server where none can be had."""

from __future__ import annotations

import pytest

TESTS = "def test_it(asyncdb_url): ...\ndef test_that(asyncdb_server): ...\ndef test_idle(): ..."
NAMED = "local:/nowhere"
"""A server that is not there, whatever the machine has."""
REASON = "asyncdb_server: --asyncdb-postgres=local:/nowhere cannot serve: "


@pytest.fixture
def without(project):
    project.write(test_it=TESTS)

    def run(*arguments, no_server="", **extra):
        settings = f"asyncdb_no_server = {no_server}\n" if no_server else ""
        project.root.joinpath("pytest.ini").write_text(
            f"[pytest]\nasyncio_default_fixture_loop_scope = function\nasyncdb_postgres = {NAMED}\n{settings}"
        )
        return project.pytest(*arguments, **extra)

    return run


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_they_fail_unless_told_otherwise(without, workers):
    run = without(workers)
    assert run.code == 1
    run.says("1 passed, 2 errors", REASON)


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize("verbosity", ["-q", "-v"])
def test_they_are_skipped_on_request_and_never_silently(without, workers, verbosity):
    run = without(workers, verbosity, no_server="skip")
    assert run.code == 0
    run.says("1 passed, 2 skipped", "asyncdb: 2 tests were skipped for want of a server: --asyncdb-postgres=local:/now")


def test_in_ci_they_fail_all_the_same(without):
    run = without(no_server="skip", CI="true")
    assert run.code == 1
    run.says("1 passed, 2 errors", REASON)
    without(no_server="skip", CI="false").says("1 passed, 2 skipped")


def test_the_environment_can_ask_for_it_and_a_wrong_word_is_refused(without):
    without(PYTEST_ASYNCDB_NO_SERVER="skip").says("1 passed, 2 skipped")
    run = without(no_server="maybe")
    assert run.code == 1
    run.says("asyncdb_no_server in ", "'maybe' is none of fail, skip")


def test_a_request_that_means_nothing_is_no_reason_to_skip(without):
    run = without("--asyncdb-postgres=lokal", no_server="skip")
    run.says("1 passed, 2 errors", "did you mean 'local'?")
