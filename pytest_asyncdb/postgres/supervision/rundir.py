"""The private directory that holds everything of one server, and goes away with it."""

# ruff: noqa: PTH101, PTH102, PTH106, PTH108, PTH112, PTH118 - importing pathlib takes as long as starting half a server

from __future__ import annotations

import fcntl
import os
import stat
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_asyncdb.postgres.supervision.identity import Identity

PREFIX = "asyncdb-"
ENOUGH = 512 << 20
"""Bytes that must be free in shared memory; containers default to 64 MB, and a database takes 8 MB."""
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - inside it, only a private directory with a random name is made
SETTLED = 60.0
"""Seconds after which a directory without a lock is abandoned, not just being made."""
STUBBORN = 10.0
"""Seconds to go on removing while some process is still writing into the directory."""


class RunDirectory:
    """``asyncdb-<random>`` with ``work/`` inside; locked while the supervisor lives."""

    def __init__(self, path: str) -> None:
        """Make the directory and take its lock."""
        os.mkdir(path, 0o700)
        self.path = path
        self._lock = os.open(path, os.O_RDONLY)
        try:  # noqa: SIM105 - contextlib takes 2 ms to import
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass  # a file system without locks: the sweep cannot lock there either, and leaves it alone
        os.mkdir(f"{path}/work", 0o700)

    def open_to(self, identity: Identity) -> None:
        """Let the server's user pass through; ``work/`` stays the owner's alone."""
        if identity.changes:
            os.chown(self.path, -1, identity.gid)
            os.chmod(self.path, 0o710)  # noqa: S103 - the group is the server's user's, and gets no more than passage

    def remove(self) -> None:
        """Remove everything, with patience for processes that are still ending."""
        os.chdir("/")
        end = time.monotonic() + STUBBORN
        while not remove_tree(self.path) and time.monotonic() < end:
            time.sleep(0.02)


def make(bases: Iterable[str], identity: Identity) -> RunDirectory:
    """Make a run directory in the first of ``bases`` that is fit for it.

    Raises:
        OSError: none of them is.
    """
    tried = []
    for base in bases:
        why = _unfit(base, identity)
        if not why:
            try:
                directory = RunDirectory(os.path.join(base, PREFIX + os.urandom(6).hex()))
            except OSError as error:
                why = error.strerror or str(error)
            else:
                directory.open_to(identity)
                return directory
        tried.append(f"{base}: {why}")
    raise OSError("no directory can be made for the server (" + "; ".join(tried) + "); set TMPDIR to one that can")


def _unfit(base: str, identity: Identity) -> str:
    if not os.path.isdir(base):
        return "does not exist"
    if base == SHARED_MEMORY:
        space = os.statvfs(base)
        if space.f_bavail * space.f_frsize < ENOUGH:
            return "less than 512 MB free"
    return "" if identity.reaches(base) else f"user {identity.name} cannot reach it"


def sweep(base: str) -> None:
    """Remove directories of ours in ``base`` whose supervisor was killed: nobody holds their lock."""
    try:
        entries = [one for one in os.scandir(base) if one.name.startswith(PREFIX)]
    except OSError:
        return
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
            if (
                stat.S_ISDIR(status.st_mode)
                and status.st_uid == os.geteuid()
                and time.time() - status.st_mtime > SETTLED
            ):
                _remove_unlocked(entry.path)
        except OSError:
            continue  # it went away meanwhile, or it is in use


def _remove_unlocked(path: str) -> None:
    lock = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove_tree(path)
    finally:
        os.close(lock)


def remove_tree(path: str) -> bool:
    """Remove a directory with all it holds; True when it is gone. Follows no link."""
    try:
        _empty(path)
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _empty(path: str) -> None:
    try:
        entries = list(os.scandir(path))
    except PermissionError:
        os.chmod(path, 0o700)
        entries = list(os.scandir(path))
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove_tree(entry.path)
        else:
            _unlink(entry.path, path)


def _unlink(path: str, parent: str) -> None:
    try:
        os.unlink(path)
    except PermissionError:
        os.chmod(parent, 0o700)
        os.unlink(path)
