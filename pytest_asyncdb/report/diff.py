"""Reads a unified diff back into its changed lines, for reports that show less than the whole of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_RANGE = re.compile(r"@@ -(?P<line>\d+)(?:,(?P<old>\d+))? \+\d+(?:,(?P<new>\d+))? @@")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Adjacent changed lines; ``line`` is the one of the old file that the first of them takes the place of, from 1."""

    path: str
    line: int
    changed: tuple[str, ...]
    """Each with its ``-`` or ``+`` in front, without its line end."""


def hunks(diff: str) -> Iterator[Hunk]:
    """The stretches of changed lines in ``diff``, without their context."""
    lines = iter(diff.split("\n"))
    path = ""
    for text in lines:
        if text.startswith(("--- ", "+++ ")):
            path = _path(text) or path
        elif match := _RANGE.match(text):
            # An empty range names the line before it.
            line = int(match["line"]) + (match["old"] == "0")
            yield from _stretches(path, line, _body(lines, match))


def _body(lines: Iterator[str], header: re.Match[str]) -> Iterator[str]:
    """The lines that the header counts: only counting tells a removed ``-- comment`` from a file's header."""
    old, new = int(header["old"] or 1), int(header["new"] or 1)
    while old > 0 or new > 0:
        text = next(lines, None)
        if text is None:
            return
        if not text.startswith("\\"):
            old -= text[:1] != "+"
            new -= text[:1] != "-"
            yield text.removesuffix("\r")


def _stretches(path: str, line: int, body: Iterable[str]) -> Iterator[Hunk]:
    start, changed = line, list[str]()
    for text in body:
        if text[:1] in {"-", "+"}:
            changed.append(text)
            line += text[0] == "-"
            continue
        if changed:
            yield Hunk(path, start, tuple(changed))
            changed = []
        line += 1
        start = line
    if changed:
        yield Hunk(path, start, tuple(changed))


def _path(header: str) -> str:
    name = header[4:].rstrip("\r").split("\t")[0]
    return "" if name == "/dev/null" else re.sub(r"^[ab]/", "", name)
