"""Where something stands in the project."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position for people: POSIX path relative to the project, line and column from 1; 0 means "the whole"."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Render as ``path:line:column``, leaving out what is unknown."""
        parts = [self.path, *(str(n) for n in (self.line, self.column) if n)]
        return ":".join(parts)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one file's text, for edits.

    ``start`` and ``end`` count characters (code points, not bytes) of the text as decoded with line
    endings untouched; ``end`` is exclusive.
    """

    path: str
    line: int
    column: int
    start: int
    end: int

    @property
    def place(self) -> Place:
        """The position of the first character."""
        return Place(self.path, self.line, self.column)
