"""The whole check against what it replaces, interleaved, as ratios of medians.

Three commands take turns on copies of ``examples/apps/audited_backend_fixed``:

- ``check``: ``pytest --asyncdb-check`` (server, boot, probes, judgement, report);
- ``import``: pytest with one test that does nothing but import the app;
- ``peer``: pytest-postgresql's server and Starlette's TestClient doing the same requests, judging nothing.

Run ``python benchmarks/whole_check.py [rounds]``. The peer is left out when pytest-postgresql is not installed or
no PostgreSQL binaries are found. As root, all three run as the user ``postgres``, who must be able to read the
interpreter.
Goals: check <= 1.0 x import, check <= 0.40 x peer.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

USER = "postgres"
APP = Path(__file__).parents[1] / "examples" / "apps" / "audited_backend_fixed"
IMPORT = "from src.main import app\n\ndef test_app():\n    assert app\n"
PEER = """
import os
import pytest
from pytest_postgresql import factories

server = factories.postgresql_proc(executable={ctl!r})

@pytest.fixture
def client(server):
    url = f"postgresql+asyncpg://{{server.user}}@{{server.host}}:{{server.port}}/postgres"
    os.environ["DATABASE_URL"] = url
    from fastapi.testclient import TestClient
    from src.main import app
    with TestClient(app) as client:
        yield client

def test_requests(client):
    assert client.get("/health").status_code == 200
    assert client.post("/api/auth/signup", json={{}}).status_code == 422
    assert client.post("/api/auth/login", json={{}}).status_code == 422
"""


def main(rounds: int) -> None:
    """Prepare the three projects, run them in turn, print the table."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as directory:  # noqa: S108
        commands = _projects(Path(directory))
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{USER}:", directory], check=True)  # noqa: S607 - the machine's own
        times: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, (root, arguments) in commands.items():
                seconds = _timed(root, arguments)
                if number:
                    times[name].append(seconds)
    print(
        f"{'command':<8} {'median s':>9} {'min s':>7} {'x import':>9} {'x peer':>7}   ({rounds} rounds after a warm-up)"
    )
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        peer = f"{medians[name] / medians['peer']:>7.2f}" if "peer" in medians else f"{'-':>7}"
        print(f"{name:<8} {medians[name]:>9.3f} {min(values):>7.3f} {medians[name] / medians['import']:>9.2f} {peer}")


def _projects(directory: Path) -> dict[str, tuple[Path, list[str]]]:
    commands = {"check": (_copy(directory, "check"), ["--asyncdb-check"])}
    root = _copy(directory, "import")
    (root / "test_app.py").write_text(IMPORT)
    commands["import"] = (root, [])
    ctl = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if importlib.util.find_spec("pytest_postgresql") and ctl:
        root = _copy(directory, "peer")
        (root / "test_peer.py").write_text(PEER.format(ctl=str(ctl[-1])))
        commands["peer"] = (root, [])
    return commands


def _copy(directory: Path, name: str) -> Path:
    root = directory / name
    shutil.copytree(APP, root, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    return root


def _timed(root: Path, arguments: list[str]) -> float:
    plugins = ["-p", "no:cacheprovider", *([] if root.name == "peer" else ["-p", "no:postgresql"])]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    user: dict[str, object] = {}
    if os.geteuid() == 0 and "HOME" in environment:  # PostgreSQL refuses root: everybody runs as its user
        user = {"user": USER, "group": USER, "extra_groups": []}
        environment["HOME"] = str(root.parent)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *arguments],
        cwd=root, env=environment, capture_output=True, text=True, check=False, **user,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        sys.exit(f"{root.name} failed:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return seconds


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
