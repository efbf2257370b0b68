"""Lines of plain text: wrapping, labels, rules, and nothing that a terminal would obey."""

from __future__ import annotations

import re
import textwrap

WIDTH = 80
_LABEL = 9
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def wrap(text: str, width: int, first: str, rest: str | None = None) -> list[str]:
    """Break prose into lines of at most ``width`` columns; words are never broken, they may be pasted.

    Args:
        text: prose; its own line ends are kept.
        width: columns.
        first: what the first line begins with.
        rest: what the others begin with; spaces of the same length when None.
    """
    following = " " * len(first) if rest is None else rest
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        lines += textwrap.wrap(
            paragraph,
            width,
            initial_indent=following if lines else first,
            subsequent_indent=following,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def labelled(label: str, text: str, width: int) -> list[str]:
    """Prose beside a label, as in ``  why    because``."""
    return wrap(text, width, f"  {label}".ljust(_LABEL), " " * _LABEL)


def rule(title: str, width: int) -> str:
    """A line across, with the title of what follows."""
    return f"-- {title} ".ljust(width, "-") if title else "-" * width


def shown(text: str, encoding: str = "utf-8") -> str:
    """Escape what a terminal would obey or can't show: the text of an app's error is not ours to trust."""
    tame = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
    return tame.encode(encoding, "backslashreplace").decode(encoding)
