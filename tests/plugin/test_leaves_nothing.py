"""Whatever happens to pytest, nothing of ours stays."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest


def family(pid: int) -> set[int]:
    """The process and all that descend from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that still run (a zombie that nobody has reaped does not)."""
    found = set()
    for pid in pids:
        with suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(pid)
    return found


def orphaned_directories(since: float) -> set[str]:
    """Directories with our prefix, made since then, that no living process refers to."""
    places = {"/dev/shm", tempfile.gettempdir()}  # noqa: S108 - where the server's directories are
    ours = {str(path) for place in places if Path(place).is_dir() for path in Path(place).glob("asyncdb-*")}
    referred = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            links = [entry / "cwd", *(entry / "fd").iterdir()]
            texts = [(entry / "cmdline").read_bytes().decode(errors="replace")]
            for link in links:
                with suppress(OSError):
                    texts.append(str(link.readlink()))
            referred |= {one for one in ours if any(one in text for text in texts)}
    left = set()
    for one in ours - referred:
        with suppress(OSError):
            if Path(one).stat().st_ctime >= since:
                left.add(one)
    return left


def left_after(pids: set[int], since: float, seconds: float) -> tuple[set[int], set[str]]:
    """What is left of us so many seconds later, or nothing as soon as nothing is."""
    end = time.monotonic() + seconds
    while True:
        left = alive(pids), orphaned_directories(since)
        if not any(left) or time.monotonic() > end:
            return left
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("after", [0.15, 0.3, 0.45, 0.6, 0.9, 1.3, 1.8, 2.5])
def test_killed_at_any_moment(broken, how, after):
    since = time.time()
    process = subprocess.Popen(
        broken.command("--asyncdb-check"), cwd=broken.root, env=broken.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    time.sleep(after)
    process.send_signal(signal.SIGSTOP)  # so that it starts nothing between being looked at and being killed
    pids = family(process.pid)
    process.send_signal(how)
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=90)
    assert left_after(pids, since, 2.0) == (set(), set())


def test_interrupted_without_a_traceback(healthy):
    healthy.change("src/main.py", "    yield", "    import asyncio; await asyncio.sleep(3600)\n    yield")
    process = subprocess.Popen(
        healthy.command("--asyncdb-check"), cwd=healthy.root, env=healthy.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    time.sleep(5)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=90)[0]
    assert process.returncode == 2
    assert "interrupted" in output
    assert "Traceback" not in output


HANGING = """
import os, pathlib, time
if "copy-" in __file__:
    pathlib.Path(os.environ["MARKS"], str(os.getpid())).touch()
    time.sleep(60)
"""


def test_interrupted_while_two_copies_boot(healthy, tmp_path):
    """One copy has the safe fixes, the other one all of them; both hang."""
    since = time.time()
    marks = tmp_path / "marks"
    marks.mkdir()
    healthy.change("src/core/database.py", "expire_on_commit=False", "autocommit=False")
    healthy.write("src/main.py", (healthy.root / "src/main.py").read_text() + HANGING)
    process = subprocess.Popen(
        healthy.command("--asyncdb-check"), cwd=healthy.root, env=healthy.environment(MARKS=str(marks)),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    while len(list(marks.iterdir())) < 2 and process.poll() is None:
        time.sleep(0.02)
    pids = family(process.pid)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=90)[0]
    assert process.returncode == 2, output
    assert "interrupted" in output
    assert "Traceback" not in output
    assert left_after(pids, since, 2.0) == (set(), set())


def test_nothing_is_left_and_nothing_is_written_into_the_project(healthy):
    since = time.time()
    run = healthy.pytest("--asyncdb-check")
    assert run.code == 0, run.output
    assert left_after(set(), since, 2.0) == (set(), set())
    assert healthy.git("status", "--porcelain", "--ignored") == ""


def test_a_project_that_cannot_be_written(healthy):
    for path in [healthy.root, *healthy.root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        run = healthy.pytest("--asyncdb-check")
    finally:
        for path in [healthy.root, *healthy.root.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert run.code == 0, run.output
    assert os.access(healthy.root, os.W_OK)
