from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pytest_asyncdb.registry import check_ids


def tool(project, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "pytest_asyncdb", *arguments],
        cwd=project.root if project else None, env=project.environment() if project else None,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_the_same_run_without_pytest(broken):
    found = tool(broken, "check", "--report=out.json")
    assert found.returncode == 1, found.stderr
    assert "ADB301" in found.stdout
    assert json.loads((broken.root / "out.json").read_text())["schema"] == "pytest-asyncdb/1"
    assert tool(broken, "fix").returncode == 0
    assert tool(broken, "check").returncode == 0


def test_list_and_explain():
    listed = tool(None, "list")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(check_ids())
    explained = tool(None, "explain", "libpq-parameter-in-asyncpg-url")
    assert explained.stdout.startswith("ADB303-libpq-parameter-in-asyncpg-url (blocks, since 0.1)")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("explain", "libpq-parameter-in-asyncpg"), "ADB303"),
        (("check", "--postgres=lokal"), "local"),
        (("check", "--app=src.main:nothing_here_"), "nothing_here_"),
        (("check", "--report=out.pdf"), ".md"),
    ],
)
def test_bad_input_is_named_and_ends_with_4(healthy, arguments, text):
    done = tool(healthy, *arguments)
    assert (done.returncode, text in done.stderr) == (4, True), done.stderr
