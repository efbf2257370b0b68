"""Trees that no project should have, and some do: nothing in them ends or stops the reading."""

from __future__ import annotations

import os
import socket

import pytest

from pytest_asyncdb.sources.leftout import told
from pytest_asyncdb.sources.project import Project

APP = "app/main.py"


@pytest.fixture(params=[True, False], ids=["git", "no-git"])
def hostile(request, tree, git):
    """Makes a tree, held by git or not, and hands it to a function that spoils it before it is read."""

    def make(spoil, files=(APP,)):
        root = tree(dict.fromkeys(files, "x = 1\n"))
        if request.param:
            git(root, "init")
            git(root, "add", ".")
        spoil(root)
        return Project(root)

    return make


def read_all(project):
    """Everything that reads files."""
    _ = project.secrets, project.folders, project.env_files
    return {path: project.text(path) for path in project.sources}


def test_circles_of_links_are_not_walked(hostile):
    def spoil(root):
        (root / "app/self").symlink_to(root / "app")
        (root / "app/up").symlink_to("..")
        (root / "loop").symlink_to("loop")

    project = hostile(spoil)
    assert read_all(project)[APP] == "x = 1\n"
    assert project.python_files == (APP,)


def test_pipes_sockets_and_devices_are_not_read(hostile, monkeypatch):
    def spoil(root):
        for name in ("requirements.txt", ".env", "app/pipe.py"):
            os.mkfifo(root / name)
        (root / "app/null.py").symlink_to("/dev/zero")

    project = hostile(spoil)
    monkeypatch.chdir(project.root)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("app/s.py")
        read = read_all(project)
    assert {path: text for path, text in read.items() if text} == {APP: "x = 1\n"}
    assert not project.is_text("app/pipe.py")


def test_names_that_are_no_utf8_and_names_with_line_ends(hostile):
    def spoil(root):
        for name in (b"caf\xe9.py", b"a\nb.py", b"tab\t.py", "ü \u2028.py".encode()):
            with open(os.path.join(os.fsencode(root), name), "wb") as file:  # noqa: PTH118, PTH123 - names are bytes
                file.write(b"y = 2\n")

    project = hostile(spoil)
    names = {os.fsencode(path) for path in project.python_files}
    assert names == {b"caf\xe9.py", b"a\nb.py", b"tab\t.py", "ü \u2028.py".encode(), APP.encode()}
    assert set(read_all(project).values()) == {"x = 1\n", "y = 2\n"}


def test_deeper_than_any_path_may_be(hostile):
    depth, name = 25, "deeper-down" * 20

    def spoil(root):
        here = os.open(root, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(os.open("a.py", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        os.close(here)

    assert read_all(hostile(spoil))[APP] == "x = 1\n"


def test_files_that_vanish_while_they_are_read(hostile):
    project = hostile(lambda _: None, files=(APP, "app/gone.py", "gone/x.py"))
    assert len(project.python_files) == 3
    (project.root / "app/gone.py").unlink()
    (project.root / "gone/x.py").unlink()
    (project.root / "gone").rmdir()
    assert read_all(project) == {APP: "x = 1\n", "app/gone.py": "", "gone/x.py": ""}
    assert "left out: files that can't be read: app/gone.py, gone/x.py" in told(project.left_out)


def test_a_file_of_a_hundred_megabytes_is_not_read(hostile):
    def spoil(root):
        for name in ("app/big.py", "dump.sql", "requirements.txt"):
            (root / name).touch()
            os.truncate(root / name, 100_000_000)

    project = hostile(spoil)
    assert set(read_all(project).values()) == {"x = 1\n", ""}
    assert "left out: files larger than 1 MB: app/big.py, requirements.txt" in told(project.left_out)


def test_names_that_differ_in_case_only_are_different_files(hostile):
    project = hostile(lambda _: None, files=(APP, "app/Main.py", "APP/main.py"))
    assert project.python_files == ("APP/main.py", "app/Main.py", APP)
