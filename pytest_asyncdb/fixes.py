"""Turns fixes into new text. Pure: texts in, texts out; nothing is read or written here.

All spans of a set of fixes refer to the same original text, so the edits are collected first and applied
from the end of the file to its start. Changes that need a file's structure (imports, dependency tables)
are worked out on that same original text.
"""

from __future__ import annotations

import difflib
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_asyncdb.model.fix import AddImport, AddRequirement, RemoveImport, Replace
from pytest_asyncdb.rewrite.edit import ConflictError, Edit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from pytest_asyncdb.model.fix import Change, Fix

__all__ = [
    "ConflictError",
    "apply",
    "changed_lines",
    "compatible",
    "old_line",
    "only_declare",
    "path_of",
    "unified_diff",
]


def apply(fixes: Iterable[Fix], read: Callable[[str], str]) -> dict[str, str]:
    """Apply fixes together.

    Args:
        fixes: the set to apply; identical changes in several of them are made once.
        read: returns the current text of a project file, line endings untouched.

    Returns:
        The new text of each file that changes, by path.

    Raises:
        ConflictError: two of the fixes contradict each other.
        UnsupportedFileError: a dependency file of a kind that can't be edited safely.
    """
    changes: dict[str, list[Change]] = {}
    for fix in fixes:
        for change in fix.changes:
            bucket = changes.setdefault(path_of(change), [])
            if change not in bucket:
                bucket.append(change)
    texts = {path: _change_file(path, read(path), bucket) for path, bucket in changes.items()}
    return {path: text for path, text in texts.items() if text != read(path)}


def compatible(fixes: Iterable[Fix], read: Callable[[str], str]) -> tuple[Fix, ...]:
    """The fixes that can be applied together, first come first served."""
    chosen: list[Fix] = []
    for fix in fixes:
        try:
            apply([*chosen, fix], read)
        except ValueError:
            continue
        chosen.append(fix)
    return tuple(chosen)


def only_declare(fixes: Iterable[Fix], declaring: Collection[str]) -> bool:
    """Whether nothing but requirements changes: none is installed for a proof, so the app would run as it did.

    Args:
        fixes: what is to be changed.
        declaring: the files that declare requirements.
    """
    changes = [change for fix in fixes for change in fix.changes]
    return all(isinstance(one, (AddRequirement, Replace)) and path_of(one) in declaring for one in changes)


def unified_diff(old: Mapping[str, str], new: Mapping[str, str], *, context: int = 1) -> str:
    """A unified diff of several files, in path order; line ends of the files are left out."""
    pieces: list[str] = []
    for path in sorted(new):
        before = old[path].splitlines()
        after = new[path].splitlines()
        pieces += difflib.unified_diff(before, after, f"a/{path}", f"b/{path}", n=context, lineterm="")
    return "\n".join(pieces)


def changed_lines(old: str, new: str) -> tuple[str, str]:
    """The lines that only the old text has, and those that only the new one has."""
    gone: list[str] = []
    come: list[str] = []
    for line in difflib.ndiff(old.splitlines(), new.splitlines()):
        if line.startswith("- "):
            gone.append(line[2:])
        elif line.startswith("+ "):
            come.append(line[2:])
    return "\n".join(gone), "\n".join(come)


def old_line(old: str, new: str, line: int) -> int:
    """The line of ``old`` that became line ``line`` of ``new`` (both from 1); the nearest one before if it is new."""
    before = old.splitlines()
    after = new.splitlines()
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if j1 < line <= j2:
            return i1 + (line - j1) if tag == "equal" else min(i1 + (line - j1), max(i2, i1 + 1))
    return min(line, len(before)) or 1


def path_of(change: Change) -> str:
    """The file that a change is for."""
    return change.span.path if isinstance(change, Replace) else change.path


def _change_file(path: str, text: str, changes: list[Change]) -> str:
    edits = [Edit(c.span.start, c.span.end, c.text) for c in changes if isinstance(c, Replace)]
    imports = [c for c in changes if isinstance(c, AddImport | RemoveImport)]
    if imports:
        from pytest_asyncdb.rewrite.imports import import_edits

        edits += import_edits(text, imports)
    text = _apply_edits(path, text, edits)
    for change in changes:
        if isinstance(change, AddRequirement):
            from pytest_asyncdb.rewrite.requirements import add_requirement

            text = add_requirement(PurePosixPath(path).name, text, change.requirement)
    return text


def _apply_edits(path: str, text: str, edits: list[Edit]) -> str:
    ordered = sorted(set(edits), key=lambda e: (e.start, e.end))
    for before, after in pairwise(ordered):
        if after.start < before.end:
            line = text.count("\n", 0, after.start) + 1
            raise ConflictError(f"two fixes change the same text at {path}:{line}")
    for edit in reversed(ordered):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text
