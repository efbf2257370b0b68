"""The copy that fixes are proven on, of trees that are not what one would wish."""

from __future__ import annotations

import os
import socket

import pytest

from pytest_asyncdb import copy
from pytest_asyncdb.copy import TooLargeError, copy_project
from pytest_asyncdb.sources.project import Project


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    (root / "app/deep").mkdir(parents=True)
    (root / "app/main.py").write_bytes(b"x = 1\n")
    (root / "app/run.sh").write_bytes(b"#!/bin/sh\n")
    (root / "app/run.sh").chmod(0o755)
    return Project(root)


def test_links_lead_nowhere_but_into_the_copy(project, tmp_path):
    (tmp_path / "outside").mkdir()
    for link, to in {
        "linked.py": "app/main.py",
        "app/deep/back": "../../app",
        "own": str(project.root / "app"),
        "outside": "../outside",
        "nowhere": "gone",
    }.items():
        (project.root / link).symlink_to(to)
    made = tmp_path / "copy"
    copy_project(project, made, {"app/main.py": "x = 2\n"})
    assert (made / "own/main.py").read_bytes() == b"x = 2\n"
    assert (made / "app/deep/back/main.py").resolve() == (made / "app/main.py").resolve()
    assert not (made / "linked.py").is_symlink()
    assert not (made / "outside").exists()
    assert not os.path.lexists(made / "nowhere")
    assert (project.root / "app/main.py").read_bytes() == b"x = 1\n"
    assert os.access(made / "app/run.sh", os.X_OK)


def test_what_is_no_file_or_is_gone_is_left_out(project, tmp_path, monkeypatch):
    os.mkfifo(project.root / "pipe")
    monkeypatch.chdir(project.root)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("app/socket")
        (project.root / "gone.py").write_text("")
        assert "gone.py" in project.files
        (project.root / "gone.py").unlink()
        copy_project(project, tmp_path / "copy", {})
    assert sorted(path.name for path in (tmp_path / "copy").rglob("*")) == ["app", "main.py", "run.sh"]


def test_too_large_a_project_is_not_copied(project, tmp_path, monkeypatch):
    monkeypatch.setattr(copy, "MAX_BYTES", 10)
    with pytest.raises(TooLargeError, match="MiB"):
        copy_project(project, tmp_path / "copy", {})
    assert not (tmp_path / "copy").exists()
