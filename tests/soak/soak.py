"""Reliability: starts that are killed at random moments, and many sessions at once; counts what is left and what fails.

``tox run -e soak -- [--starts=200] [--sessions=50] [--at-once=4] [--providers=embedded,local,docker,url] [--seed=N]``

Each start is a process of its own that is killed (SIGKILL, SIGTERM, SIGINT, SIGHUP), or ends by itself, somewhere
between its first instruction and some time after its server was ready. Leaks are directories, processes and containers
of it that are still there ten seconds later, and databases on a server given by its URL after the next start, which
sweeps them. Then sessions of pytest with two workers each run a small suite on the fixtures, several at once. It takes
minutes, so it is no part of CI. Ends with status 1 if anything was left or failed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from pytest_asyncdb.postgres import engine
from pytest_asyncdb.postgres.choose import NoProviderError, choose
from pytest_asyncdb.postgres.databases import Databases
from pytest_asyncdb.postgres.supervision.engine import ask

OWNING = Path(__file__).parents[1] / "postgres" / "owning.py"
MEMORY = Path("/dev/shm")  # noqa: S108 - a private directory is made inside
ENDS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, None)
"""What a start ends with; None: its block ends."""
COLUMNS = (
    "runs",
    "killed while starting",
    "killed while serving",
    "ended by itself",
    "leaks",
    "failures",
    "longest start, s",
)
PATIENCE = 10.0
LONGEST = 90.0
LABEL = "pytest-asyncdb.owner"
TESTS_OF_A_SESSION = 13
SUITE = """
import json, os
import pytest
from sqlalchemy import text

@pytest.mark.asyncio
@pytest.mark.parametrize("number", range(12))
async def test_rows(asyncdb_session, number):
    await asyncdb_session.execute(text("CREATE TABLE thing (number int)"))
    await asyncdb_session.execute(text("INSERT INTO thing VALUES (:n)"), {"n": number})
    await asyncdb_session.commit()
    assert await asyncdb_session.scalar(text("SELECT number FROM thing")) == number

def test_the_server(asyncdb_server):
    with open(os.environ["SOAK_TOLD"], "w") as file:
        json.dump({"seconds": asyncdb_server.seconds, "directory": str(asyncdb_server.workspace.parent)}, file)
"""


@dataclass
class Count:
    """What became of the starts of one provider."""

    name: str
    starts: int = 0
    early: int = 0
    serving: int = 0
    by_itself: int = 0
    leaks: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    longest: float = 0.0

    def row(self) -> str:
        counts = (self.starts, self.early, self.serving, self.by_itself, len(self.leaks), len(self.failures))
        return f"| {self.name} | {' | '.join(map(str, counts))} | {self.longest:.2f} |"


def main() -> int:
    options = _options()
    dice = random.Random(options.seed)  # noqa: S311 - nothing secret
    print(f"seed {options.seed}, {os.cpu_count()} CPUs", flush=True)
    counts = [_starts(name, options, dice) for name in options.providers.split(",") if name]
    if options.sessions:
        counts.append(_sessions(options))
    print(f"| | {' | '.join(COLUMNS)} |")
    print(f"|---|{'---|' * len(COLUMNS)}")
    for count in counts:
        print(count.row())
    for count in counts:
        for what in (*count.leaks, *count.failures):
            print(f"{count.name}: {what}")
    return int(any(count.leaks or count.failures for count in counts))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--starts", type=int, default=200, help="for each provider")
    parser.add_argument("--sessions", type=int, default=50, help="of pytest, with two workers each")
    parser.add_argument("--at-once", type=int, default=4, help="sessions that run at the same time")
    parser.add_argument("--providers", default="embedded,local,docker,url")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311 - nothing secret
    return parser.parse_args()


def _starts(name: str, options: argparse.Namespace, dice: random.Random) -> Count:
    count = Count(name)
    with ExitStack() as stack:
        request = name
        databases = None
        if name == "url":
            given = stack.enter_context(choose("auto").provider.serve())
            databases = stack.enter_context(Databases(given))
            request = f"postgresql://{given.user}:{quote(given.password)}@{given.host}:{given.port}/{given.database}"
        else:
            try:
                choose(request)
            except NoProviderError as error:
                count.failures.append(f"not there: {error}")
                return count
        base = Path(tempfile.mkdtemp(prefix="asyncdb soak ü ", dir=MEMORY if MEMORY.is_dir() else None))
        base.chmod(0o755)
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        usual = _one(request, base, count, None, 0.0)  # also warms the cache
        for number in range(options.starts):
            _one(request, base, count, dice.choice(ENDS), dice.uniform(0.0, 1.4 * usual))
            if number % 20 == 19:
                print(f"{name}: {number + 1} of {options.starts}", flush=True)
        if databases is not None:
            _one(request, base, count, None, 0.0)  # sweeps
            left = databases.drop_where(lambda _: True)
            count.leaks.extend(f"database {one}" for one in left)
    return count


def _one(request: str, base: Path, count: Count, end: signal.Signals | None, moment: float) -> float:
    """One start and its end; gives the seconds until it was ready or killed."""
    began = time.monotonic()
    owner = subprocess.Popen(
        [sys.executable, OWNING, request, base, "wait"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = ""
    if end is None:
        said = owner.stdout.readline() if owner.stdout else ""
        seconds = time.monotonic() - began
    else:
        time.sleep(moment)
        owner.send_signal(end)
        seconds = moment
    try:
        rest, errors = owner.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        owner.kill()
        rest, errors = owner.communicate()
        count.failures.append(f"did not end in {LONGEST:.0f} s after {end}")
    said += rest
    _enter(count, owner.returncode, end, said, errors)
    left = _left(base, owner.pid)
    until = time.monotonic() + PATIENCE
    while left and time.monotonic() < until:
        time.sleep(0.02)
        left = _left(base, owner.pid)
    count.leaks.extend(f"{one} after {end} at {seconds:.3f} s" for one in left)
    return seconds


def _enter(count: Count, status: int, end: signal.Signals | None, said: str, errors: str) -> None:
    count.starts += 1
    if said.startswith("{"):
        count.longest = max(count.longest, float(json.loads(said)["seconds"]))
        count.serving += end is not None
    else:
        count.early += end is not None
    count.by_itself += end is None
    if end is None and status != 0:
        count.failures.append(f"status {status}: {errors.strip()[-500:]}")
    elif "ServerError" in errors:
        count.failures.append(f"after {end}: {errors.strip()[-500:]}")


def _left(base: Path, pid: int) -> list[str]:
    """Directories, processes and containers of that owner."""
    left = [f"directory {one}" for one in base.iterdir()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.fspath(base) in os.fspath((process / "cwd").readlink()):
                left.append(f"process {process.name}")
        except OSError:
            continue
    return [*left, *_containers_of(pid)]


def _containers_of(pid: int) -> list[str]:
    where = engine.endpoint()
    if where is None or engine.silent():
        return []
    _, body = ask(where, "GET", "/containers/json?all=1&filters=" + quote(json.dumps({"label": [LABEL]})))
    return [f"container {one['Id'][:12]}" for one in json.loads(body) if f"/{pid}/" in one["Labels"][LABEL]]


def _sessions(options: argparse.Namespace) -> Count:
    count = Count(f"sessions of 2 workers, {options.at_once} at once")
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(options.at_once) as pool:
        for number, (status, output, told) in enumerate(pool.map(_session, _projects(directory, options.sessions))):
            count.starts += 1
            count.by_itself += 1
            if number % 10 == 9:
                print(f"sessions: {number + 1} of {options.sessions}", flush=True)
            if status != 0 or f"{TESTS_OF_A_SESSION} passed" not in output:
                count.failures.append(f"session {number}: status {status}: {output.strip()[-800:]}")
            if told:
                count.longest = max(count.longest, float(told["seconds"]))
                until = time.monotonic() + PATIENCE
                while Path(told["directory"]).exists() and time.monotonic() < until:
                    time.sleep(0.02)
                if Path(told["directory"]).exists():
                    count.leaks.append(f"directory {told['directory']}")
    return count


def _projects(directory: str, number: int) -> list[Path]:
    projects = [Path(directory) / f"project {n}" for n in range(number)]
    for project in projects:
        project.mkdir()
        (project / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
        (project / "test_soak.py").write_text(SUITE)
    return projects


def _session(project: Path) -> tuple[int, str, dict[str, str]]:
    told = project / "told.json"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"],
        cwd=project,
        env={**os.environ, "SOAK_TOLD": str(told)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, json.loads(told.read_text()) if told.exists() else {}


if __name__ == "__main__":
    sys.exit(main())
