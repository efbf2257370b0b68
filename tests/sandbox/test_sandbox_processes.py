"""The child's process: how it starts, what it is told and gets of the environment, and that nothing of it stays."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_asyncdb.sandbox.launch import SandboxError, spawn, start

PARENT = """
import sys
from pathlib import Path
from pytest_asyncdb.sandbox.children import Children
from pytest_asyncdb.sandbox.request import BootRequest, Habits, Packages
root = Path(sys.argv[1])
asked = BootRequest(root, "main:app", False, root, root)
children = Children()
if sys.argv[2] == "copy":
    children.prepare(asked, lambda: Packages(("sqlalchemy",)))
    Path("nursery").write_text(str(children._preloaded._process.pid))
child = children.child(asked, Habits)
assert (type(child.process).__name__ == "Forked") == (sys.argv[2] == "copy")
boot = child.boot(asked)
boot.no_server("none")
boot.result()
"""


@pytest.mark.parametrize("way", ["new", "copy"])
def test_killed_parent_leaves_no_process(project, way):
    root = project(
        main="""
            import os, subprocess, sys
            busy = [sys.executable, "-c", "while True: pass"]
            children = [os.getpid(), subprocess.Popen(busy, start_new_session=True).pid]
            pid = os.fork()
            if pid == 0:
                os.setsid()
                while True: pass
            open("pids", "w").write(" ".join(map(str, [*children, pid])))
            while True: pass
        """,
    )
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PARENT,
            str(root.resolve()),
            way,
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    pids = root / "pids"
    deadline = time.monotonic() + 10
    while not (pids.exists() and len(pids.read_text().split()) == 3) and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 3
    nursery = root / "nursery"
    started += [int(nursery.read_text())] if way == "copy" else []
    deadline = time.monotonic() + 10
    while any(map(is_alive, started)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [pid for pid in started if is_alive(pid)] == []


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("child_for", ["new", "copy"], indirect=True)
def test_the_end_of_a_boot_ends_everything_it_started(boot, fastapi_app, tmp_path):
    pids = tmp_path / "pids"
    record = boot(
        main=fastapi_app(
            f"import subprocess; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)']);"
            f"open({str(pids)!r}, 'w').write(str(p.pid))"
        ),
    )
    assert record.end.how == "done"
    time.sleep(0.1)
    assert not is_alive(int(pids.read_text()))


def test_secrets_stay_out_of_argv_and_environ(project, server, request_for):
    password = "Pr0duction-s3cret!x"
    root = project(main="import time\nopen('up', 'w').close()\ntime.sleep(1000)")
    booted = start(request_for(root, secrets=(password,), env=(("DATABASE_URL", f"postgresql://u:{password}@h/d"),)))
    booted.serve(server)
    while not (root / "up").exists():
        time.sleep(0.02)
    try:
        for name in ("cmdline", "environ"):
            told = Path(f"/proc/{booted.pid}/{name}").read_bytes().decode()
            assert password not in told
            assert server.password not in told
        assert server.password not in repr(booted.request)
        assert password not in repr(booted.request)
    finally:
        booted.kill()
    assert booted.result().end.how == "deadline"


@pytest.mark.parametrize("child_for", ["new", "copy"], indirect=True)
def test_secrets_that_only_the_app_knows_are_masked_in_its_output(boot, fastapi_app):
    record = boot(
        main=fastapi_app("print('connecting with Unkn0wn-to-the-parent', flush=True)").replace(
            "import asyncio", "import db, asyncio"
        ),
        db="""
            from sqlalchemy import URL
            from sqlalchemy.ext.asyncio import create_async_engine
            engine = create_async_engine(URL.create("postgresql+asyncpg", "app", "Unkn0wn-" + "to-the-parent", "h"))
        """,
    )
    assert "Unkn0wn" not in repr(record)
    assert [one.message for one in record.logs if one.source == "stdout"] == ["connecting with ***"]


def test_environment_of_the_run_is_kept_but_for_pytest(boot, fastapi_app, monkeypatch):
    monkeypatch.setenv("SOME_SETTING", "kept")
    record = boot(
        main=fastapi_app(
            "print(sorted(n for n in os.environ if n[:4] in ('PYTE', 'SOME', 'EXTR')), sys.argv[0], sys.path[0])"
        ),
        env=(("EXTRA", "1"),),
    )
    (line,) = [one.message for one in record.logs if one.source == "stdout"]
    assert line.startswith("['EXTRA', 'SOME_SETTING'] uvicorn /")
    assert line.endswith("/project")


@pytest.mark.parametrize("child_for", ["new", "copy"], indirect=True)
def test_no_process_is_left_after_an_endless_app(boot):
    boot(main="import os\nwhile True: pass", import_timeout=0.3)
    children = [one.name for one in Path("/proc").iterdir() if one.name.isdigit() and is_mine(one.name)]
    assert children == []


def is_mine(pid):
    try:
        parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
        return int(parent) == os.getpid() and b"sandbox.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_an_interpreter_that_does_not_start_is_no_fault_of_the_project(project, request_for, tmp_path):
    """Not the project's module is blamed, and what the interpreter said is told."""
    dead = tmp_path / "python"
    dead.write_text("#!/bin/sh\necho 'no encodings here' >&2\nexit 1\n")
    dead.chmod(0o755)
    booted = start(request_for(project(main="app = None"), python=str(dead)))
    booted.no_server("none needed")
    with pytest.raises(SandboxError, match=r"exit status 1\): no encodings here"):
        booted.result()


def test_a_default_timeout_of_this_process_does_not_reach_the_child(project, request_for):
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(5.0)
    try:
        child = spawn()
        time.sleep(0.5)  # so that the child waits for what it is told
        booted = child.boot(request_for(project(main="app = None")))
        booted.no_server("none needed")
        assert booted.result().phase("import").ok
    finally:
        socket.setdefaulttimeout(before)
