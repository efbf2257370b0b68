"""Lines for a shell, taken apart into the programs that they start.

This decides what runs, so it understands little: programs in a row, in groups that hold a group at most, whose output
may go to ``/dev/null``. Whatever a shell could read in another way (expansions, substitutions, assignments, jobs in
the background, comments, files that are read or written) makes it give up.
"""

from __future__ import annotations

import re
import shlex

_TOKEN = re.compile(
    r"""
      (?P<blank>[ \t]+)
    | (?P<link>&&|\|\|?)
    | (?P<newline>\n)
    | (?P<mark>[;()])
    | (?P<redirection>(?<!\d)(?:[12]?>[ \t]*/dev/null|2>&1)(?=[ \t\n;|&)]|\Z))
    | (?P<word>(?!\#)(?:[^\x00-\x20\x7f;&|<>`$(){}\\'"]|\\[^\x00-\x20\x7f]|'[^']*'|"(?:[^"$`\\]|\\[^$`\n])*")+)
    """,
    re.VERBOSE,
)
_LETTERS = {"blank": "", "link": "l", "newline": "n", "redirection": "r", "word": "w"}
_PROGRAM = "r*w[wr]*"


def _list_of(one: str) -> str:
    return rf"n*{one}(?:(?:ln*|;n*|n+){one})*;?n*"


def _group_of(one: str) -> str:
    return rf"(?:{_PROGRAM}|\((?!\(){_list_of(one)}\)r*)"  # two parentheses begin arithmetic in some shells


_LINE = re.compile(_list_of(_group_of(_group_of(_PROGRAM))))
"""What a shell would take, one letter for each token; a mark stands for itself."""
_NAME = re.compile(r"[\w./+-]+", re.ASCII)
"""A program's name that is one in every locale, and neither an assignment before another program nor a pattern."""


def programs(line: str) -> list[list[str]]:
    """The words of each program that a line may start; none when the line is not understood to its end."""
    at, shape = 0, ""
    found: list[list[str]] = [[]]
    while at < len(line):
        token = _TOKEN.match(line, at)
        if token is None:
            return []
        at = token.end()
        kind = str(token.lastgroup)
        shape += _LETTERS.get(kind, token[0])
        if kind == "word":
            found[-1] += shlex.split(token[0])
        elif kind in {"link", "newline", "mark"}:
            found.append([])
    words = [one for one in found if one]
    return words if _LINE.fullmatch(shape) and all(_NAME.fullmatch(one[0]) for one in words) else []
