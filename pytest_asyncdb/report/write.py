"""Puts a report into a file, in the format that the file's name asks for."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pytest_asyncdb.report import json_, markdown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_asyncdb.model.result import Result

FORMATS: dict[str, Callable[[Result], str]] = {".json": json_.render, ".md": markdown.render}


class ReportError(Exception):
    """A report can't be written; the text says what was asked for and what would work."""


def check(path: Path) -> Path:
    """Refuse a report's path before the run instead of after it.

    Returns:
        The file that will be written: symbolic links followed.

    Raises:
        ReportError: no format has this suffix, the directory does not exist, or a directory has this name.
    """
    if path.suffix.lower() not in FORMATS:
        known = " or ".join(FORMATS)
        raise ReportError(f"--asyncdb-report={path}: the name has to end in {known}, which chooses the format")
    target = path.resolve()
    if not target.parent.is_dir():
        raise ReportError(f"--asyncdb-report={path}: the directory {target.parent} does not exist; create it first")
    if target.is_dir():
        raise ReportError(f"--asyncdb-report={path}: this is a directory; name a file in it")
    return target


def write(result: Result, path: Path) -> None:
    """Render ``result`` in the format of the suffix and put it at ``path`` in one step.

    Raises:
        ReportError: as in ``check``, or the file can't be written.
    """
    target = check(path)
    text = FORMATS[path.suffix.lower()](result)
    # A file of its own in the same directory: a reader sees the old report or the new one, never half of one.
    temporary = target.with_name(f".asyncdb-report-{secrets.token_hex(4)}")
    try:
        with temporary.open("x", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
        temporary.replace(target)
    except OSError as error:
        raise ReportError(f"--asyncdb-report={path}: can't be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
