"""The soak program itself, at a scale that takes seconds: it counts, it says so, and it fails when something fails."""

import os
import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).with_name("soak.py")


def soak(*options, environment=None):
    return subprocess.run(
        [sys.executable, SOAK, "--seed=7", *options],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_it_counts_starts_and_sessions():
    done = soak("--starts=2", "--sessions=1", "--providers=embedded")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 7" in done.stdout
    rows = {cells[1].strip(): cells[2:-1] for line in done.stdout.splitlines() if len(cells := line.split("|")) > 3}
    counts = [int(cell) for cell in rows["embedded"][:6]]
    assert counts[0] == 3, "one to warm up"
    assert counts[0] == sum(counts[1:4])
    assert counts[4:] == [0, 0]
    assert float(rows["embedded"][6]) > 0
    assert [int(cell) for cell in rows["sessions of 2 workers, 4 at once"][:6]] == [1, 0, 0, 1, 0, 0]


def test_a_provider_that_is_not_there_is_a_failure():
    done = soak("--starts=1", "--sessions=0", "--providers=docker", environment={"DOCKER_HOST": "unix:///nowhere.sock"})
    assert done.returncode == 1
    assert "docker: not there: --asyncdb-postgres=docker cannot serve: no container engine" in done.stdout
