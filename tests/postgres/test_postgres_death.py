"""Whatever becomes of the owner, nothing is left of its server."""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")

EARLY = [0.0, 0.03, 0.06, 0.09, 0.12, 0.15, 0.2, 0.3]


def test_a_terminal_that_hangs_up(own, named):
    """SIGKILL, SIGTERM and Ctrl-C: see the contract, for every provider."""
    named("embedded")
    owner = own("embedded")
    owner.ready()
    owner.process.send_signal(signal.SIGHUP)
    owner.assert_gone()


@pytest.mark.parametrize("moment", EARLY)
def test_owner_killed_while_the_server_starts(own, moment, named):
    named("embedded")
    owner = own("embedded")
    time.sleep(moment + os.getpid() % 20 / 1000)
    owner.process.kill()
    owner.assert_gone()


@pytest.mark.parametrize("name", ["embedded", "local"])
@pytest.mark.parametrize("moment", [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.5])
def test_owner_killed_while_the_first_cluster_is_made(own, tmp_path, name, moment, named):
    named(name)
    before = shared_memory()
    owner = own(name, environment={"XDG_CACHE_HOME": os.fspath(tmp_path)})
    time.sleep(moment + os.getpid() % 50 / 1000)
    owner.process.kill()
    owner.assert_gone()
    end = time.monotonic() + 20  # a template that was being written may be finished, on a slow disk too
    while (unfinished := list(tmp_path.glob("*/templates/*.*"))) and time.monotonic() < end:
        time.sleep(0.05)
    assert unfinished == []
    assert orphaned(shared_memory() - before) == set()


def shared_memory():
    """What servers have in shared memory, also those that initdb runs."""
    return set(Path("/dev/shm").glob("PostgreSQL.*"))  # noqa: S108 - only looked at


def orphaned(segments):
    """Those of them that no process uses: others may be making clusters at the same time."""
    used = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with contextlib.suppress(OSError):  # it has ended
            used |= {one for one in segments if str(one) in maps.read_text()}
    return {one for one in segments - used if one.exists()}


def test_the_whole_process_group_killed(own, named):
    named("embedded")
    owner = own("embedded", start_new_session=True)
    owner.ready()
    os.killpg(owner.process.pid, signal.SIGKILL)
    owner.assert_gone()


def test_a_forked_child_does_not_keep_the_server_alive(own, named):
    """It inherits the line to the supervisor, so end-of-file never comes: the other leash must do."""
    named("embedded")
    owner = own("embedded")
    owner.ready()
    line = os.open(f"/proc/{supervisor_of(owner)}/fd/0", os.O_WRONLY)  # as a forked child would hold it
    try:
        owner.process.kill()
        owner.assert_gone()
    finally:
        os.close(line)


def test_a_forked_child_does_not_delay_the_end(own, named):
    named("embedded")
    owner = own("embedded", "fork")
    owner.ready()
    began = time.monotonic()
    assert owner.finish() == (0, "")
    assert time.monotonic() - began < 4
    owner.assert_gone()


def test_the_supervisor_ignores_what_a_terminal_sends(own, named):
    named("embedded")
    owner = own("embedded")
    owner.ready()
    supervisor = supervisor_of(owner)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        os.kill(supervisor, number)
    time.sleep(0.1)
    assert owner.base.exists()
    assert list(owner.base.iterdir())
    assert owner.finish() == (0, "")
    owner.assert_gone()


def test_the_server_dies_with_its_supervisor_and_the_next_start_sweeps(own, named):
    named("embedded")
    owner = own("embedded")
    owner.ready()
    os.kill(supervisor_of(owner), signal.SIGKILL)
    end = time.monotonic() + 10
    while [one for one in owner.left() if isinstance(one, int)] and time.monotonic() < end:
        time.sleep(0.01)
    (directory,) = owner.left()
    owner.process.kill()
    an_hour_ago = time.time() - 3600
    os.utime(directory, (an_hour_ago, an_hour_ago))
    other = own("embedded")
    other.ready()
    end = time.monotonic() + 10
    while directory.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not directory.exists()
    assert other.finish() == (0, "")


def test_a_sweep_spares_what_lives_or_is_new_or_not_ours(own, base, named):
    named("embedded")
    alive = own("embedded")
    alive.ready()
    (living,) = base.iterdir()
    new, foreign = base / "asyncdb-new", base / "somebody"
    new.mkdir()
    foreign.mkdir()
    for path in (living, foreign):
        os.utime(path, (0, 0))
    other = own("embedded", "leave")
    other.ready()
    assert other.finish() == (0, "")
    assert {living, new, foreign} <= set(base.iterdir())


def supervisor_of(owner):
    children = Path(f"/proc/{owner.process.pid}/task/{owner.process.pid}/children").read_text().split()
    return int(children[0])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can close a directory to somebody else")
def test_root_with_binaries_that_only_root_can_reach(own, base, tmp_path, named):
    found = named("local")._found[0]  # noqa: SLF001 - where the binaries are
    home = tmp_path / "root's home"
    shutil.copytree(found.bin.parent, home / "pg", symlinks=True, ignore=shutil.ignore_patterns("pgxs"))
    home.chmod(0o700)
    owner = own(f"local:{home}/pg/bin", environment={"SHARED_CACHE": os.fspath(base / "cache" / "shared")})
    assert int(owner.ready()["version"].split(".")[0]) >= 13
    assert owner.finish() == (0, "")
