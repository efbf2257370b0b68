"""Texts that a regular expression matches: for settings whose form is all that is known of them."""

from __future__ import annotations

import re
import re._constants as code  # type: ignore[import-not-found, unused-ignore]  # what the standard library parses to
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
import string
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_CATEGORIES = {
    code.CATEGORY_DIGIT: string.digits,
    code.CATEGORY_SPACE: " ",
    code.CATEGORY_WORD: string.ascii_lowercase,
    code.CATEGORY_NOT_DIGIT: string.ascii_lowercase,
    code.CATEGORY_NOT_SPACE: string.ascii_lowercase,
    code.CATEGORY_NOT_WORD: "-",
}
_ALL = string.ascii_lowercase + string.digits + string.ascii_uppercase + "-_ ."
_MOST = 400
_PASSWORDS = ("Made-up-1!", "Madeup1x")
"""What rules for passwords take, which are written as look-arounds."""
_SCHEME = re.compile(r"scheme should be '(?P<scheme>[\w+]+)'")
_LENGTH = re.compile(
    r"(?i)(?:at least|minimum(?: of)?|longer than|least) (?P<number>\d{1,3})\b(?! ?(?:upper|lower|dig|spec))"
)
_CHOICE = re.compile(
    r"(?i)\b(?:one of|either|must be|should be|has to be|allowed|supported|valid|expected)\b(?P<rest>.*)", re.DOTALL
)
_QUOTED = re.compile(r"'([^']{1,40})'|\"([^\"]{1,40})\"")
_LISTED = re.compile(
    r"(?i)\b(?:one of(?: the following)?|(?:allowed|supported|valid|possible|available)[\w ]*:)"
    r"[ :\[({]*(?P<first>[\w.+/-]+)"
)


def matching(pattern: str, usual: str, least: int = 0) -> str | None:
    """A text that a pattern matches and that has at least so many characters; None where none was found.

    Args:
        pattern: as ``re.search`` takes it.
        usual: what is taken if it matches.
        least: how long the text has to be.
    """
    try:
        parsed = parser.parse(pattern)
        made = (_text(parsed, more) for more in (0, 1, least, _MOST if least > 1 else least))
        found = (one for one in (usual, *_PASSWORDS, *made) if len(one) >= least)
        return next((one for one in found if re.search(pattern, one)), None)
    except (re.error, LookupError, TypeError, ValueError, OverflowError, RecursionError):
        return None


def as_told(said: str, value: str) -> str:
    """The value that an error asks for in its words: another scheme, more characters, one of several; else the same."""
    scheme = _SCHEME.search(said)
    if scheme is not None:
        return f"{scheme['scheme']}://{value.partition('://')[2] or 'localhost'}"
    length = _LENGTH.search(said)
    if length is not None:
        return value.ljust(int(length["number"]) + 1, "0")
    choice, listed = _CHOICE.search(said), _LISTED.search(said)
    quoted = _QUOTED.findall(choice["rest"]) if choice else []
    options = [first or second for first, second in quoted] or ([listed["first"]] if listed else [])
    return next((one for one in options if one != value), value)


def _text(parsed: Iterable[tuple[Any, Any]], more: int) -> str:
    """One text; what may be repeated is repeated so often as it must, or ``more`` times where that is allowed."""
    return "".join(_one(operation, argument, more) for operation, argument in parsed)


def _one(operation: Any, argument: Any, more: int) -> str:
    found = ""  # an anchor or a look-around: whether it holds is seen in the end
    if operation is code.LITERAL:
        found = chr(argument)
    elif operation is code.NOT_LITERAL:
        found = next(one for one in _ALL if one != chr(argument))
    elif operation is code.ANY:
        found = "a"
    elif operation is code.IN:
        found = _of_set(argument)
    elif operation in (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT):
        least, most, inner = argument
        found = _text(inner, more) * min(max(least, more), int(most))
    elif operation is code.SUBPATTERN:
        found = _text(argument[-1], more)
    elif operation is code.BRANCH:
        found = _text(argument[1][0], more)
    return found


def _of_set(members: list[tuple[Any, Any]]) -> str:
    """A character of a set: ``[A-Z_]``, ``[^/]``."""
    allowed = "".join(
        chr(argument)
        if operation is code.LITERAL
        else "".join(map(chr, range(argument[0], min(argument[1], argument[0] + _MOST) + 1)))
        if operation is code.RANGE
        else _CATEGORIES[argument]
        if operation is code.CATEGORY
        else ""
        for operation, argument in members
    )
    if members[0][0] is code.NEGATE:
        return next(one for one in _ALL if one not in allowed)
    return next((one for one in allowed if one.isalnum()), allowed[0])
