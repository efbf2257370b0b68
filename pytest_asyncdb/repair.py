"""Writes proven fixes into the project, and keeps what was there before."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.sources.git import holds_clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_asyncdb.sources.project import Project


class RepairError(Exception):
    """A file could not be written; the message names it, says what was done before, and what to do."""


def repair(project: Project, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Write new texts over project files.

    Where git does not hold a file exactly as it is on disk, the old bytes are kept beside it as
    ``<name>.orig`` (``.orig.1``, ... when that exists). Each file is replaced in one step.

    Returns:
        The paths that changed.

    Raises:
        RepairError: a file or its directory cannot be written; files before it are already repaired.
    """
    done: list[str] = []
    for path in sorted(texts):
        target = (project.root / path).resolve()
        try:
            old = target.read_bytes()
            new = project.encoding(path).encode(texts[path])
            if new == old:
                continue
            if not holds_clean(project.root, path):
                _keep(target, old)
            _write(target, new)
        except OSError as error:
            before = f"; already written: {', '.join(done)}" if done else "; nothing was written"
            raise RepairError(
                f"{path} cannot be written ({error.strerror}){before}. "
                "Make it writable, or apply the output of --asyncdb-diff by hand."
            ) from error
        done.append(path)
    return tuple(done)


def _keep(target: Path, old: bytes) -> None:
    for number in range(1000):
        backup = target.with_name(f"{target.name}.orig" + (f".{number}" if number else ""))
        if backup.exists():
            if backup.read_bytes() == old:
                return
            continue
        descriptor = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, target.stat().st_mode & 0o777)
        with os.fdopen(descriptor, "wb") as file:
            file.write(old)
        return


def _write(target: Path, new: bytes) -> None:
    """Replace the file in one step, keeping mode and owner (hard links and ACLs of the old file are not kept)."""
    before = target.stat()
    descriptor, name = tempfile.mkstemp(prefix=".asyncdb-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(new)
        Path(name).chmod(before.st_mode & 0o777)
        if os.geteuid() == 0:
            os.chown(name, before.st_uid, before.st_gid)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
