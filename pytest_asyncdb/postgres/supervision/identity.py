"""As whom the server runs: ``postgres`` refuses root, so root's server is given to somebody else."""

# ruff: noqa: PTH101, PTH103, PTH104, PTH112, PTH114, PTH116, PTH118, PTH120 - importing pathlib takes as long as starting half a server

from __future__ import annotations

import os

UNPRIVILEGED = ("postgres", "nobody")


class Identity:
    """The user of the server's processes and files."""

    __slots__ = ("changes", "gid", "name", "uid")

    def __init__(self, uid: int, gid: int, name: str, *, changes: bool) -> None:
        """Describe a user; ``changes`` says whether it is another one than ours."""
        self.uid = uid
        self.gid = gid
        self.name = name
        self.changes = changes

    def enter(self) -> None:
        """Act on files as this user, until ``leave``."""
        if self.changes:
            os.setegid(self.gid)
            os.seteuid(self.uid)

    def leave(self) -> None:
        """Be ourselves again."""
        if self.changes:
            os.seteuid(0)
            os.setegid(0)

    def become(self) -> None:
        """Turn this process into the user's, for good (in a child, before exec)."""
        if self.changes:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)

    def reaches(self, path: str) -> bool:
        """Whether this user can pass through the directory or run the program ``path``."""
        if not self.changes:
            return os.access(path, os.X_OK)
        self.enter()
        try:
            return os.access(path, os.X_OK, effective_ids=os.access in os.supports_effective_ids)
        finally:
            self.leave()


def pick() -> Identity:
    """Ourselves, or as root an unprivileged user of this machine (initdb wants one that has a name).

    Raises:
        OSError: we are root and there is no other user.
    """
    if os.geteuid() != 0:
        return Identity(os.geteuid(), os.getegid(), "", changes=False)
    import pwd

    for name in UNPRIVILEGED:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(found.pw_uid, found.pw_gid, name, changes=True)
    for found in pwd.getpwall():
        if found.pw_uid != 0:
            return Identity(found.pw_uid, found.pw_gid, found.pw_name, changes=True)
    raise OSError(
        "postgres refuses to run as root and this machine has no other user; add one, e.g. `useradd postgres`"
    )


def readable_copy(trees: tuple[tuple[str, str], ...], bindir: str, into: str) -> str:
    """Copy server binaries that lie below a directory closed to others, once, and return their new ``bin``.

    Args:
        trees: directories to copy with where each goes below ``into``.
        bindir: the ``bin`` directory, below ``into``.
        into: the directory of the copy, below a cache directory that everybody can read.

    Raises:
        OSError: the copy cannot be made.
    """
    import shutil

    ready = os.path.join(into, bindir)
    if not os.path.isdir(ready):
        making = f"{into}.{os.urandom(4).hex()}"
        try:
            before = os.umask(0o022)  # another user passes through the directories above the copy
            os.makedirs(os.path.dirname(into), exist_ok=True)
            os.umask(before)
            for source, target in trees:
                shutil.copytree(source, os.path.join(making, target), symlinks=True)
            _open_up(making)
            os.rename(making, into)
        except OSError:
            shutil.rmtree(making, ignore_errors=True)
            if not os.path.isdir(ready):  # another run may have made it meanwhile
                raise
    return ready


def _open_up(top: str) -> None:
    for folder, _, files in os.walk(top):
        os.chmod(folder, 0o755)  # noqa: S103 - programs that another user must be able to run
        for name in files:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)
