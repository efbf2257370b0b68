"""``pytest --asyncdb-cache-clear``."""

from __future__ import annotations

import os
import time

import pytest

from pytest_asyncdb.postgres import cache


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "cache" / "pytest-asyncdb" / "templates"
    made.mkdir(parents=True)
    return made


def clear(project, folder, *arguments):
    return project.pytest("--asyncdb-cache-clear", *arguments, XDG_CACHE_HOME=os.fspath(folder.parents[1]))


def test_templates_are_removed_and_made_again(project, folder):
    project.write(test_it="def test_it(asyncdb_server): raise SystemError")
    for _ in range(2):
        project.pytest("--asyncdb-postgres=embedded", XDG_CACHE_HOME=os.fspath(folder.parents[1]))
        end = time.monotonic() + 20
        while not [one for one in folder.iterdir() if not one.suffix] and time.monotonic() < end:
            time.sleep(0.05)
        run = clear(project, folder, "-n2")
        assert run.code == 0, run.output
        assert run.output.startswith("asyncdb: removed 1 cached template (")
        assert f" MB) from {folder}" in run.output
        assert "SystemError" not in run.output
        assert list(folder.iterdir()) == []
    again = clear(project, folder)
    assert (again.code, again.output) == (0, f"asyncdb: there is no cached template in {folder}\n")


def test_only_ours_is_removed(project, folder):
    ours = ["0123456789abcdef01234567", "0123456789abcdef01234567.0123abcd"]
    others = ["notes.txt", "0123456789ABCDEF01234567", "0123456789abcdef01234567.bak"]
    for name in (*ours, *others):
        (folder / name).write_bytes(b"x" * (1 << 20))
    (folder / "76543210fedcba9876543210").mkdir()
    (folder / "aaaaaaaaaaaaaaaaaaaaaaaa").symlink_to(folder / "notes.txt")
    run = clear(project, folder)
    run.says("removed 2 cached templates (2.0 MB)")
    assert {path.name for path in folder.iterdir()} == {
        *others,
        "76543210fedcba9876543210",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
    }


def test_it_needs_no_cache_and_runs_no_check(project, tmp_path):
    run = project.pytest("--asyncdb-cache-clear", "--asyncdb-check", XDG_CACHE_HOME=os.fspath(tmp_path / "none"))
    assert (run.code, run.output.count("\n")) == (0, 1), run.output


def test_what_cannot_be_removed_is_told(monkeypatch, folder):
    (folder / ("a" * 24)).touch()
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(folder.parents[1]))

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    cleared = cache.clear()
    assert (cleared.files, cleared.failed) == (0, (f"{folder / ('a' * 24)}: Permission denied",))
    assert f"could not remove {folder}" in str(cleared)
