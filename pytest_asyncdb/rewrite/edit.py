"""One edit of one text."""

from __future__ import annotations

from dataclasses import dataclass


class ConflictError(ValueError):
    """Two changes want the same stretch of text; the message names the file and line."""


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Put ``text`` where the characters ``start`` to ``end`` (exclusive) were."""

    start: int
    end: int
    text: str
