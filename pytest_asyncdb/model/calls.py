"""Edits of calls, worked out from where their parts stand.

Only positions are known here, so a stretch between two arguments is called plain when it is exactly as long as a
comma with the line break and indentation (or the blank) that positions imply. A longer one holds a comment, and
comments stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.fix import AddImport, RemoveImport, Replace
from pytest_asyncdb.model.place import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_asyncdb.facts.python import Call, Import, Module
    from pytest_asyncdb.model.fix import Change

_LINE_BREAKS = {2: "\n", 3: "\r\n"}
"""By the length of a comma (or opening parenthesis) and the line break after it."""


def without_argument(call: Span, arguments: Sequence[Span], index: int) -> Replace | None:
    """Delete an argument with its comma, and its line when it has one to itself.

    Args:
        call: the whole call, to its closing parenthesis.
        arguments: all arguments, in their order.
        index: which one goes.

    Returns:
        The change, or None when a comment stands on both sides.
    """
    this = arguments[index]
    before = arguments[index - 1] if index else None
    after = arguments[index + 1] if index + 1 < len(arguments) else None
    if before and _plain(before.end, this):
        return Replace(_between(this, before.end, this.end), "")
    if after and _plain(this.end, after):
        return Replace(_between(this, this.start, after.start), "")
    if not before and not after and call.end - this.end == 1:
        return Replace(this, "")
    return None


def with_argument(callee: Span, call: Span, arguments: Sequence[Span], text: str) -> Replace:
    """Add a keyword argument after the last one, on a line of its own when the others have theirs.

    Args:
        callee: what is called, up to its opening parenthesis.
        call: the whole call, to its closing parenthesis.
        arguments: all arguments, in their order.
        text: the new argument, ``expire_on_commit=False``.
    """
    if not arguments:
        return Replace(_between(call, call.end - 1, call.end - 1), text)
    last = arguments[-1]
    ends = [callee.end, *(argument.end for argument in arguments[:-1])]
    line_breaks = {_line_break(end, argument) for end, argument in zip(ends, arguments, strict=True)}
    own_lines = len(line_breaks) == 1 and None not in line_breaks
    separator = f",{line_breaks.pop()}{' ' * (last.column - 1)}" if own_lines else ", "
    return Replace(_between(last, last.end, last.end), f"{separator}{text}")


def calling(call: Call, module: str, name: str, *, in_place_of: Import | None) -> tuple[Change, ...]:
    """Call ``name`` of ``module`` with the same arguments; ``in_place_of`` is an import that then has no use."""
    path = call.callee.path
    changes = (Replace(call.callee, name), AddImport(path, module, name))
    if in_place_of is None or in_place_of.name is None:
        return changes
    return (*changes, RemoveImport(path, in_place_of.module, in_place_of.name))


def import_read_only_by(modules: Sequence[Module], path: str, name: str, reads: int) -> Import | None:
    """The import of ``name`` in the file ``path``, when the file reads it exactly that often."""
    imports = [one for module in modules if module.path == path for one in module.imports if one.name == name]
    return imports[0] if len(imports) == 1 and imports[0].reads == reads else None


def bound_name(call: Call | None, otherwise: str) -> str:
    """The name that the result of a call is bound to, without its module."""
    return call.assigned_to.rpartition(".")[2] if call and call.assigned_to else otherwise


def shown_name(call: Call | None, otherwise: str) -> str:
    """The name in backticks, or ``otherwise`` as plain words."""
    name = bound_name(call, "")
    return f"`{name}`" if name else otherwise


def _plain(end: int, span: Span) -> bool:
    """Whether nothing but a comma and white space stands between ``end`` and the start of ``span``."""
    return span.start - end <= len(", ") or _line_break(end, span) is not None


def _line_break(end: int, span: Span) -> str | None:
    """The line break between ``end`` and ``span``, when a comma and the indentation are all else there."""
    return _LINE_BREAKS.get(span.start - end - (span.column - 1))


def _between(near: Span, start: int, end: int) -> Span:
    return Span(near.path, near.line, near.column, start, end)
