"""Several servers in one run: each test of the fixtures on each of them."""

from __future__ import annotations

import pytest

from pytest_asyncdb.postgres.choose import choose

TESTS = """
import pytest
from sqlalchemy import text

@pytest.mark.parametrize("number", range(2))
@pytest.mark.asyncio{scope}
async def test_it(seen, asyncdb_session, asyncdb_server, request, number):
    version = await asyncdb_session.scalar(text("SHOW server_version"))
    assert version.split()[0] == asyncdb_server.version
    assert f"{{asyncdb_server.provider}}" in request.node.name

def test_idle(): ...
"""
BOTH = "--asyncdb-postgres=embedded,local"
SESSION = "[pytest]\nasyncio_default_fixture_loop_scope = session\n"


@pytest.fixture
def versions(project):
    project.write(test_it=TESTS.format(scope=""))
    return project


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize("scope", ["function", "session"])
def test_each_test_runs_on_each_server(versions, workers, scope):
    if scope == "session":
        versions.root.joinpath("pytest.ini").write_text(SESSION)
        versions.write(test_it=TESTS.format(scope="(loop_scope='session')"))
    run = versions.pytest(BOTH, workers, "-v", "-p", "no:randomly")
    assert run.code == 0, run.output
    for name in ("test_it[embedded-0]", "test_it[embedded-1]", "test_it[local-0]", "test_it[local-1]", "test_idle "):
        run.says(f"test_it.py::{name}")
    run.says("5 passed", "(embedded), ready in", "(local), ready in")
    assert len({port for port, *_ in versions.seen}) == 2


def test_one_server_leaves_ids_alone_and_several_can_be_selected_by_theirs(versions):
    assert "test_it[0]" in versions.pytest("--collect-only", "-q", "--asyncdb-postgres=local").output
    assert "test_it[0]" in versions.pytest("--collect-only", "-q").output
    run = versions.pytest(BOTH, "test_it.py::test_it[local-1]")
    run.says("1 passed", "(local), ready in")
    assert "(embedded), ready in" not in run.output


@pytest.mark.parametrize("source", ["--asyncdb-postgres", "asyncdb_postgres", "PYTEST_ASYNCDB_POSTGRES"])
def test_wherever_the_list_comes_from_a_wrong_one_is_refused_before_anything_runs(versions, source):
    wrong = "embedded,embeded"
    arguments = [f"{source}={wrong}"] if source.startswith("--") else []
    if source.islower():
        versions.root.joinpath("pytest.ini").write_text(f"[pytest]\n{source} = {wrong}\n")
    run = versions.pytest(*arguments, **({source: wrong} if source.isupper() else {}))
    assert run.code == 4
    run.says(f"ERROR: {source}", "'embeded' is none of", "did you mean 'embedded'?")
    assert "Traceback" not in run.output


def test_urls_are_told_apart_without_their_passwords_and_a_comma_in_one_is_no_list(versions):
    with choose("embedded").provider.serve() as server:
        url = server.url() + "?options=-cgeqo%3Doff,-cjit%3Doff"
        run = versions.pytest("--collect-only", "-q", PYTEST_ASYNCDB_POSTGRES=f"{url},local")
        run.says(f"test_it[url:127.0.0.1:{server.port}/postgres-0]", "test_it[local-0]")
        assert server.password not in run.output
        assert "test_it[0]" in versions.pytest("--collect-only", "-q", PYTEST_ASYNCDB_POSTGRES=url).output


def test_a_server_of_the_projects_own_is_one(versions):
    versions.write(
        test_it="""
        import pytest

        @pytest.fixture(scope="session")
        def asyncdb_server():
            return "own"

        def test_it(asyncdb_server):
            assert asyncdb_server == "own"
        """
    )
    run = versions.pytest(BOTH, "-v")
    run.says("test_it.py::test_it PASSED", "1 passed")
