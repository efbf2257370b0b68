"""A real copy of the project in a private directory: no links back, bounded, without what a checkout can rebuild."""

from __future__ import annotations

import shutil
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

    Symbolic links are followed, so that nothing written in the copy reaches the project.

    Raises:
        TooLargeError: the files are larger than ``MAX_BYTES`` together.
        OSError: the disk is full or a file cannot be read.
    """
    present = [path for path in project.files if (project.root / path).is_file()]
    size = sum((project.root / path).stat().st_size for path in present)
    if size > MAX_BYTES:
        raise TooLargeError(f"the project has {size // 2**20} MiB of files; up to {MAX_BYTES // 2**20} MiB are copied")
    destination.mkdir(parents=True)
    for path in present:
        target = destination / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project.root / path, target)
        target.chmod(((project.root / path).stat().st_mode & 0o700) | 0o600)
    for path, text in texts.items():
        (destination / path).write_bytes(project.encoding(path).encode(text))
