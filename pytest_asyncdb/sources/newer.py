"""Syntax that came after the running Python, rewritten so that it can be read here; every position stays."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.sources.strings import masked, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.sources.strings import Text

_EXCEPT = re.compile(r"(?m)^[ \t]*except\b[ \t]*\*?(?P<types>[^:\r\n]*,[^:\r\n]*):")
_PARAMETERS = re.compile(r"(?m)^[ \t]*(?:(?:async[ \t]+)?def|class|type)[ \t]+\w+[ \t]*(?P<list>\[)")
_TYPE = re.compile(r"(?m)^[ \t]*(?P<word>type[ \t]+)(?P<name>[^\W\d]\w*)[ \t]*(?=[\[=])(?!==)")
_MATCHING = re.compile(r"[\[\](){}]")
_GENERICS, _DEFAULTS, _LATEST = (3, 12), (3, 13), (3, 14)


@dataclass(frozen=True, slots=True)
class Newer:
    """A source as the running Python can read it, and the Python it is really written for.

    ``at`` is the offset of the first thing that is new, ``what`` says which it is; ``inside`` is the span that
    parentheses repair, where they do.
    """

    text: str
    version: tuple[int, int]
    what: str
    at: int
    inside: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str
    version: tuple[int, int]
    what: str
    inside: tuple[int, int] | None = None


def newer(source: str, running: tuple[int, int] = sys.version_info[:2]) -> Newer | None:
    """Rewrite what is newer than ``running``; None where nothing that is known to be is found.

    What is rewritten says nearly the same: type parameters and the fields of some f-strings are blanked.
    """
    found = sorted((one for one in _edits(source, running) if one.version > running), key=lambda one: one.start)
    if not found:
        return None
    pieces, at = [], 0
    for one in found:
        pieces += [source[at : one.start], one.text]
        at = max(at, one.end)
    version = max(one.version for one in found)
    first = next(one for one in found if one.version == version)
    start = first.inside[0] if first.inside else first.start
    return Newer("".join([*pieces, source[at:]]), version, first.what, start, first.inside)


def _edits(source: str, running: tuple[int, int]) -> Iterator[_Edit]:
    code = masked(source)
    for match in _EXCEPT.finditer(code):
        yield from _unparenthesised(code, match)
    for match in _PARAMETERS.finditer(code):
        end = _closing(code, match.start("list"))
        if end is not None:
            default = "=" in code[match.start("list") : end]
            text = _blank(source[match.start("list") : end])
            version = _DEFAULTS if default else _GENERICS
            what = "a type parameter with a default" if default else "a list of type parameters"
            yield _Edit(match.start("list"), end, text, version, what)
    for match in _TYPE.finditer(code):
        moved = match["name"] + " " * len(match["word"])
        yield _Edit(match.start("word"), match.end("name"), moved, _GENERICS, "a `type` statement")
    for one in texts(source):
        if "t" in one.prefix.lower():
            start = one.start + one.prefix.lower().index("t")
            yield _Edit(start, start + 1, "f", _LATEST, "a template string")
        if one.fields and running < _GENERICS:
            yield from _fields(source, one)


def _unparenthesised(code: str, match: re.Match[str]) -> Iterator[_Edit]:
    """``except A, B:``, of which ``except A| B:`` has every name at its place."""
    start, end = match.span("types")
    types = code[start:end]
    if re.search(r"\bas\b", types):
        return
    inside = (start + len(types) - len(types.lstrip()), start + len(types.rstrip()))
    what = "`except` with several types and no parentheses"
    depth = 0
    for offset, character in enumerate(types, start):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and not depth:
            yield _Edit(offset, offset + 1, "|", _LATEST, what, inside)


def _fields(source: str, one: Text) -> Iterator[_Edit]:
    """Replacement fields of an f-string that hold what an f-string could not hold before 3.12."""
    other = "'" if '"' in one.quote else '"'
    for start, end in one.fields:
        text = source[start:end]
        comment = any(not inner.quote for inner in texts(text))
        broken = len(one.quote) == 1 and re.search(r"[\r\n]", text) is not None
        if not (comment or broken or one.quote in text or "\\" in text):
            continue
        plain = not (comment or broken or "\\" in text or other in text) and text.count("{") == 1
        swapped = text.replace(one.quote, other) if plain and len(one.quote) == 1 else _blank(text)
        what = "an f-string with quotes, backslashes or line breaks inside its braces"
        yield _Edit(start, end, swapped, _GENERICS, what)


def _closing(code: str, start: int) -> int | None:
    depth = 0
    for match in _MATCHING.finditer(code, start):
        depth += 1 if match[0] in "([{" else -1
        if not depth:
            return match.end()
    return None


def _blank(text: str) -> str:
    """Blanks as wide as the text in UTF-8, as ``ast`` counts; a backslash joins its lines."""
    lines = re.split(r"(\r\n|\r|\n)", text)
    blanks = [" " * len(one.encode("utf-8", "surrogatepass")) if one.strip("\r\n") else one for one in lines]
    for index in range(1, len(blanks), 2):
        blanks[index - 1] = f"{blanks[index - 1][:-1]}\\" if blanks[index - 1] else ""
    return "".join(blanks)
