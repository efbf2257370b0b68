"""Whatever happens to pytest, nothing of ours stays."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest


def ours() -> set[str]:
    """Processes and directories that look like ours."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if "asyncdb-" in line or "pytest_asyncdb/" in line:
                found.add(f"{entry.name} {line}")
    for parent in {"/dev/shm", tempfile.gettempdir()}:  # noqa: S108 - where the server's directories are
        found |= {str(path) for path in Path(parent).glob("asyncdb-*")} if Path(parent).is_dir() else set()
    return found


def wait_until_gone(before: set[str], seconds: float) -> set[str]:
    end = time.monotonic() + seconds
    while (left := ours() - before) and time.monotonic() < end:
        time.sleep(0.05)
    return left


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("after", [0.15, 0.3, 0.45, 0.6, 0.9, 1.3, 1.8, 2.5])
def test_killed_at_any_moment(broken, how, after):
    before = ours()
    process = subprocess.Popen(
        broken.command("--asyncdb-check"), cwd=broken.root, env=broken.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    time.sleep(after)
    process.send_signal(how)
    output = process.communicate(timeout=30)[0].decode()
    assert wait_until_gone(before, 2.0) == set()
    if how is signal.SIGINT:
        assert "Traceback" not in output or after < 0.4, output


def test_nothing_is_left_and_nothing_is_written_into_the_project(healthy):
    before = ours()
    run = healthy.pytest("--asyncdb-check")
    assert run.code == 0, run.output
    assert wait_until_gone(before, 2.0) == set()
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
