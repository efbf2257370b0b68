"""``.env`` files as python-dotenv reads them, with the position of each key and value."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = re.compile(
    r"""\s*(?:export[^\S\r\n]+)?(?P<quote>'?)(?P<key>[^=\#\s']+|(?<=')[^']+)(?P=quote)
    (?:[^\S\r\n]*=[^\S\r\n]*(?P<open>["']?))?""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"\s+#.*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment: offsets are characters of the file's text, the value's without its quotes.

    ``value`` is what python-dotenv makes of it, before ``${...}`` is filled in; it is shorter than its span when
    escapes are in it.
    """

    key: str
    value: str
    line: int
    value_start: int
    value_end: int

    def __repr__(self) -> str:
        """Show no value: it may be a secret."""
        return f"<Entry {self.key} in line {self.line}>"


def entries(text: str) -> tuple[Entry, ...]:
    """Read the assignments of a ``.env`` file in order; lines that python-dotenv cannot parse are left out."""
    return tuple(_entries(text))


def _entries(text: str) -> Iterator[Entry]:
    from dotenv.parser import parse_stream

    offset = 0
    for binding in parse_stream(io.StringIO(text, newline="")):
        original = binding.original.string
        head = _HEAD.match(original) if binding.key is not None and not binding.error else None
        if head is not None and binding.key is not None and binding.value is not None:
            start = head.end()
            end = _value_end(original, start, head["open"] or "")
            line = binding.original.line + len(re.findall(r"\r\n|\r|\n", original[: head.start("key")]))
            yield Entry(binding.key, binding.value, line, offset + start, offset + end)
        offset += len(original)


def _value_end(original: str, start: int, quote: str) -> int:
    if quote:
        position = start
        while position < len(original) and original[position] != quote:
            position += 2 if original[position] == "\\" else 1
        return min(position, len(original))
    unquoted = re.split(r"[\r\n]", original[start:], maxsplit=1)[0]
    return start + len(_COMMENT.sub("", unquoted, count=1).rstrip())
