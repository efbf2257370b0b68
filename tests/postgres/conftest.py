import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from pytest_asyncdb.postgres import engine
from pytest_asyncdb.postgres.choose import choose
from pytest_asyncdb.postgres.supervision.engine import ask

ROOT = Path(__file__).parents[2]
OWNING = Path(__file__).with_name("owning.py")
LABEL = "pytest-asyncdb.owner"
PROVIDERS = ("embedded", "local", "docker", "url")


def provider_named(name):
    """The provider, ready to serve; skips where it cannot, and fails in CI, where everything must be there."""
    provider = choose_quietly(name)
    why = provider if isinstance(provider, str) else provider.unusable()
    if why and os.environ.get("CI") == "true":
        pytest.fail(f"{name} must be testable in CI: {why}")
    if why:
        pytest.skip(why)
    return provider


def choose_quietly(name):
    from pytest_asyncdb.postgres.choose import NoProviderError

    try:
        provider = choose(name).provider
    except NoProviderError as error:
        return str(error)
    if name == "docker":
        provider.pull = False
    return provider


@pytest.fixture(scope="session")
def given_server():
    """The server that somebody else runs, for the provider ``url``."""
    with provider_named("embedded").serve() as server:
        yield server


@pytest.fixture(scope="session")
def named():
    """``provider_named``, for tests that choose themselves."""
    return provider_named


def pytest_generate_tests(metafunc):
    """Every provider, or (``fronted``) each whose server stands behind our front: not the user's own."""
    if "provider" in metafunc.fixturenames:
        names = PROVIDERS[:-1] if "fronted" in metafunc.fixturenames else PROVIDERS
        metafunc.parametrize("provider", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def provider(request):
    if request.param == "url":
        return choose(request.getfixturevalue("given_server").url("postgres")).provider
    return provider_named(request.param)


@pytest.fixture(scope="session")
def served(provider):
    with provider.serve() as server:
        yield server


@pytest.fixture
def fronted(served):
    return served


@pytest.fixture
def base():
    """A place of the test's own for servers' directories, in memory where there is such a thing."""
    memory = Path("/dev/shm")  # noqa: S108 - a private directory is made inside
    path = (
        memory if memory.is_dir() else Path(tempfile.gettempdir())
    ) / f"test of asyncdb ü {os.getpid()} {os.urandom(3).hex()}"
    path.mkdir(mode=0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def containers_of(pid):
    """Containers of that owner: others may be running theirs at the same time."""
    where = engine.endpoint()
    if where is None or engine.silent():
        return []
    _, body = ask(where, "GET", "/containers/json?all=1&filters=" + quote(json.dumps({"label": [LABEL]})))
    return [one["Id"][:12] for one in json.loads(body) if f"/{pid}/" in one["Labels"][LABEL]]


class Owner:
    """A running ``owning.py``."""

    def __init__(self, request, base="", action="wait", *, python=sys.executable, environment=None, **options):
        self.base = base
        self.process = subprocess.Popen(
            [python, OWNING, request, str(base), action],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                name: value
                for name, value in {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}.items()
                if value is not None
            },
            **options,
        )

    def ready(self):
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return json.loads(line)

    def finish(self):
        """Let it go on, and give its status and what it said on standard error."""
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors

    def left(self):
        """What is left of its server."""
        processes = (pid for pid in _pids() if str(self.base) in _text(pid, "cwd"))
        return [*self.base.glob("asyncdb-*"), *processes, *containers_of(self.process.pid)]

    def assert_gone(self, seconds=10.0):
        """What is left for good is a fault; how soon it goes depends on what else the machine does."""
        end = time.monotonic() + seconds
        while (left := self.left()) and time.monotonic() < end:
            time.sleep(0.01)
        assert left == []


@pytest.fixture
def own(base):
    """Starts owners; sees to it that none outlives the test."""
    owners = []

    def start(request, *arguments, **options):
        owners.append(Owner(request, base, *arguments, **options))
        return owners[-1]

    yield start
    for owner in owners:
        owner.process.kill()
        owner.process.communicate()


def _pids():
    return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal()]


def _text(pid, name):
    try:
        return str(Path(f"/proc/{pid}/{name}").readlink())
    except OSError:
        return ""


@contextmanager
def within(seconds):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds
