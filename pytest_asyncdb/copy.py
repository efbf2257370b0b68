"""A real copy of the project in a private directory: no links back, bounded, without what a checkout can rebuild."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_asyncdb.sources.project import Project

MAX_BYTES = 200 * 1024 * 1024
"""The largest project that is copied, in bytes of the files that are copied."""


class TooLargeError(Exception):
    """The project is larger than what is copied for a proof."""


def copy_project(project: Project, destination: Path, texts: Mapping[str, str]) -> None:
    """Copy the project's files to ``destination`` and put new texts over some of them.

    Symbolic links to files are followed, so that nothing written in the copy reaches the project; those to folders of
    the project lead to the same folder of the copy. What can't be read, or is gone meanwhile, is not copied: the app
    can't read it either.

    Raises:
        TooLargeError: the files are larger than ``MAX_BYTES`` together.
        OSError: the disk is full.
    """
    present = [(path, found.st_size) for path in project.files if (found := _file(project.root / path))]
    size = sum(bytes_ for _, bytes_ in present)
    if size > MAX_BYTES:
        raise TooLargeError(f"the project has {size // 2**20} MiB of files; up to {MAX_BYTES // 2**20} MiB are copied")
    destination.mkdir(parents=True)
    for path, _ in present:
        _copy_file(project.root / path, destination / path)
    for path in project.files:
        _link_folder(project.root, destination, path)
    for path, text in texts.items():
        (destination / path).write_bytes(project.encoding(path).encode(text))


def _file(path: Path) -> os.stat_result | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _copy_file(source: Path, target: Path) -> None:
    try:
        opened = source.open("rb")
    except OSError:
        return
    with opened as data:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as written:
            shutil.copyfileobj(data, written)
        target.chmod((os.fstat(data.fileno()).st_mode & 0o700) | 0o600)


def _link_folder(root: Path, destination: Path, path: str) -> None:
    link = root / path
    if not link.is_symlink() or not link.is_dir():
        return
    leads_to = link.resolve()
    if leads_to.is_relative_to(root.resolve()):
        target = destination / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(os.path.relpath(destination / leads_to.relative_to(root.resolve()), target.parent))
