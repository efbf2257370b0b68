"""Where the strings and comments of a Python source are, in any Python's syntax, valid here or not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPENING = re.compile(r"#[^\r\n]*|(?:(?<!\w)(?P<prefix>[A-Za-z]{1,2}))?(?P<quote>\"\"\"|'''|\"|')")
_CLOSING = {
    quote: re.compile(rf"(?:\\(?s:.)|(?!{quote}){any_character})*{quote}")
    for quote, any_character in (('"', r"[^\r\n]"), ("'", r"[^\r\n]"), ('"""', r"(?s:.)"), ("'''", r"(?s:.)"))
}
_FILLED = frozenset("fFtT")


@dataclass(frozen=True, slots=True)
class Text:
    """A comment or a string literal, prefix and quotes included.

    ``fields`` are the outermost replacement fields, braces included, of an f-string or template string.
    """

    start: int
    end: int
    prefix: str = ""
    quote: str = ""
    fields: tuple[tuple[int, int], ...] = ()


def texts(source: str) -> Iterator[Text]:
    """Find them in order; what a quote opens that nothing closes ends the search."""
    at = 0
    while match := _OPENING.search(source, at):
        if not match["quote"]:
            yield Text(match.start(), match.end())
            at = match.end()
            continue
        found = _string(source, match)
        if found is None:
            return
        yield found
        at = found.end


def masked(source: str) -> str:
    """The source with the characters of strings and comments blanked, line ends kept; all positions stay."""
    pieces: list[str] = []
    at = 0
    for one in texts(source):
        pieces += [source[at : one.start], re.sub(r"[^\r\n]", " ", source[one.start : one.end])]
        at = one.end
    return "".join([*pieces, source[at:]])


def _string(source: str, match: re.Match[str]) -> Text | None:
    prefix, quote = match["prefix"] or "", match["quote"]
    if _FILLED.isdisjoint(prefix):
        closing = _CLOSING[quote].match(source, match.end())
        return Text(match.start(), closing.end(), prefix, quote) if closing else None
    fields: list[tuple[int, int]] = []
    at = match.end()
    while at < len(source):
        if source.startswith(quote, at):
            return Text(match.start(), at + len(quote), prefix, quote, tuple(fields))
        if source[at] == "{" and not source.startswith("{{", at):
            end = _field_end(source, at + 1)
            if end is None:
                return None
            fields.append((at, end))
            at = end
        else:
            at += 2 if source.startswith(("{{", "\\"), at) else 1
    return None


def _field_end(source: str, at: int) -> int | None:
    """Offset behind the brace that closes a replacement field, whose expression begins at ``at``."""
    depth = 0
    while at < len(source):
        character = source[at]
        opening = _OPENING.match(source, at)
        if opening:
            text = _string(source, opening) if opening["quote"] else Text(at, opening.end())
            if text is None:
                return None
            at = text.end
            continue
        if character == ":" and not depth:
            return _format_end(source, at + 1)
        if character in "([{":
            depth += 1
        elif character in ")]}":
            if not depth:
                return at + 1
            depth -= 1
        at += 1
    return None


def _format_end(source: str, at: int) -> int | None:
    """The same for a format, which begins at ``at`` and may hold fields of its own."""
    while at < len(source):
        if source[at] == "}":
            return at + 1
        if source[at] == "{":
            end = _field_end(source, at + 1)
            if end is None:
                return None
            at = end
        else:
            at += 1
    return None
