"""Positions in a text: offsets, lines and columns, and the byte columns that ``ast`` speaks."""

from __future__ import annotations

import re
from bisect import bisect_right

from pytest_asyncdb.model.place import Span

_LINE_END = re.compile(r"\r\n|\r|\n")


class Lines:
    """The lines of one file.

    Only what Python's own parser takes for a line end counts as one, so a form feed or ``U+2028`` ends no line.

    Args:
        path: POSIX path relative to the project.
        text: the file's text as decoded, line endings untouched.
    """

    __slots__ = ("_ascii", "_starts", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        """Find the line starts."""
        self.path = path
        self.text = text
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        self._ascii = text.isascii()

    def __len__(self) -> int:
        """Count the lines."""
        return len(self._starts)

    def line_at(self, offset: int) -> int:
        """Line number, from 1, of the character at ``offset``."""
        return bisect_right(self._starts, offset)

    def start(self, line: int) -> int:
        """Offset of the first character of a line, counted from 1."""
        return self._starts[line - 1]

    def end(self, line: int) -> int:
        """Offset behind the last character of a line, its line ending not counted."""
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return len(self.text[self.start(line) : end].rstrip("\r\n")) + self.start(line)

    def offset(self, line: int, byte_column: int) -> int:
        """Offset of what ``ast`` calls line (from 1) and column (from 0, in bytes of UTF-8)."""
        start = self._starts[line - 1]
        if self._ascii:
            return start + byte_column
        # A character has at least one byte, so the prefix lies within the first byte_column characters.
        prefix = self.text[start : start + byte_column].encode("utf-8", "surrogatepass")[:byte_column]
        return start + len(prefix.decode("utf-8", "ignore"))

    def span(self, start: int, end: int) -> Span:
        """Span of the characters from ``start`` up to, not including, ``end``."""
        line = self.line_at(start)
        return Span(self.path, line, start - self._starts[line - 1] + 1, start, end)
