"""One contract for every provider: wherever it serves and whatever ends its owner, it serves, and nothing is left."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from pytest_asyncdb.postgres import engine
from pytest_asyncdb.postgres.choose import choose

ROOT = Path(__file__).parents[2]
OWNING = Path(__file__).with_name("owning.py")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")


@pytest.fixture(params=["embedded", "local", "docker", "url"])
def asked(request, named):
    """What to ask for, to have this provider."""
    if request.param == "url":
        return request.getfixturevalue("given_server").url()
    named(request.param)
    return request.param


@pytest.fixture
def databases(given_server):
    """Names of the databases of ours on the server that somebody else runs."""

    def ask():
        with psycopg.connect(given_server.url()) as connection:
            return {
                name for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname ~ '^asyncdb_'")
            }

    return ask


def assert_gone(owner, asked, databases, before):
    owner.assert_gone()
    if "://" in asked:
        with choose(asked).provider.serve():
            pass  # what a killed owner could not drop is dropped by the next start
        assert databases() == before


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, "raise"], ids=str)
def test_nothing_is_left_whatever_ends_the_owner(own, asked, end, databases):
    before = databases()
    owner = own(asked, "raise" if end == "raise" else "wait")
    owner.ready()
    if end != "raise":
        assert owner.left()
        owner.process.send_signal(end)
    status, errors = owner.finish()
    assert status == (1 if end == "raise" else -end)
    assert errors.rstrip().endswith(
        {"raise": "RuntimeError: the test wants it", signal.SIGINT: "KeyboardInterrupt"}.get(end, "")
    )
    assert_gone(owner, asked, databases, before)


def test_no_language_no_home_no_cache(own, asked, base, tmp_path):
    """``own`` makes everything at a path with spaces and other letters than English ones."""
    assert " " in os.fspath(base)
    assert not os.fspath(base).isascii()
    nowhere = tmp_path / "a file"
    nowhere.write_text("")
    unset = dict.fromkeys(one for one in os.environ if one.startswith("LC_") or one in {"LANG", "LANGUAGE"})
    owner = own(asked, environment={"HOME": f"{nowhere}/home", "XDG_CACHE_HOME": f"{nowhere}/cache", **unset})
    assert owner.ready()["workspace"].startswith(os.fspath(base))
    assert owner.finish() == (0, "")
    owner.assert_gone()


def test_two_runs_at_once(own, asked):
    owners = [own(asked) for _ in range(2)]
    ready = [owner.ready() for owner in owners]
    assert ready[0]["workspace"] != ready[1]["workspace"]
    assert ("://" in asked) or ready[0]["password"] != ready[1]["password"]
    for owner in owners:
        assert owner.finish() == (0, "")
    owners[0].assert_gone()


SMALL = "mount -t tmpfs -o size=64m tmpfs /dev/shm"
MISSING = """
new=$(mktemp -d) && mount -t tmpfs tmpfs "$new"
for one in null zero random urandom; do touch "$new/$one" && mount --bind "/dev/$one" "$new/$one"; done
mount --move "$new" /dev && rmdir "$new"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take shared memory away from a process")
@pytest.mark.parametrize("change", [SMALL, MISSING], ids=["small", "missing"])
def test_shared_memory_that_is_small_or_missing(asked, change):
    """Servers' directories are elsewhere then; the machine's own shared memory stays as it is."""
    place = Path(tempfile.mkdtemp(prefix="asyncdb test ü ", dir="/var/tmp"))
    place.chmod(0o755)
    try:
        done = subprocess.run(
            [
                "unshare",
                "--mount",
                "sh",
                "-ec",
                f'{change}\nexec "$@"',
                "sh",
                sys.executable,
                OWNING,
                asked,
                "",
                "leave",
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(place)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert f'"workspace": "{ascii_of(place)}/asyncdb-' in done.stdout
        end = time.monotonic() + 5
        while list(place.iterdir()) and time.monotonic() < end:
            time.sleep(0.02)
        assert list(place.iterdir()) == []
    finally:
        shutil.rmtree(place, ignore_errors=True)


def ascii_of(path):
    return str(path).encode("ascii", "backslashreplace").decode().replace("\\xfc", "\\u00fc")


def python_for_everybody(packages):
    """An interpreter that an unprivileged user can run, and where it finds what the tool needs."""
    needed = "import asyncpg, platformdirs, sys; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run([python, "-c", needed], user="nobody", check=True, cwd="/", env={"PYTHONPATH": packages})
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    return pytest.skip("user nobody can run no Python here that these packages are for")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user(own, base, asked):
    everybody = shared_copy(base)
    python = python_for_everybody(everybody)
    base.chmod(0o1777)
    cache = base / "cache"
    cache.mkdir()
    shutil.chown(cache, "nobody")
    socket = engine.endpoint()
    may_use_the_engine = [Path(socket).stat().st_gid] if asked == "docker" and isinstance(socket, str) else []
    owner = own(
        asked,
        python=python,
        environment={
            "PYTHONPATH": everybody,
            "HOME": os.fspath(cache),
            "XDG_CACHE_HOME": os.fspath(cache),
            "TMPDIR": os.fspath(base),
        },
        user="nobody",
        group="nogroup" if Path("/etc/debian_version").exists() else None,
        extra_groups=may_use_the_engine,
        cwd="/",
    )
    directory = Path(owner.ready()["workspace"]).parent
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert directory.stat().st_uid != 0
    assert owner.finish() == (0, "")


def shared_copy(base):
    """The package and its dependencies where everybody can read them."""
    place = base / "packages"
    place.mkdir(mode=0o755)
    shutil.copytree(ROOT / "pytest_asyncdb", place / "pytest_asyncdb")
    return f"{place}:{Path(pytest.__file__).parents[1]}"
