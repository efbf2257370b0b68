"""Minimal edits of ``from module import names`` statements.

``ast`` says where every name stands, so only the names that change are touched: comments, quoting, order and
line endings of everything else stay as they are.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_asyncdb.model.fix import AddImport, RemoveImport
from pytest_asyncdb.rewrite.edit import ConflictError, Edit

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class _Statement:
    """One ``from module import ...`` with what is to change in it."""

    node: ast.ImportFrom
    top_level: bool
    remove: set[str] = field(default_factory=set)
    add: list[str] = field(default_factory=list)


def import_edits(text: str, changes: Iterable[AddImport | RemoveImport]) -> list[Edit]:
    """The edits that make all the changes true at once.

    Raises:
        ConflictError: the text cannot be parsed.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ConflictError(f"imports of a file that cannot be parsed (line {error.lineno})") from error
    lines = _Lines(text)
    statements = _statements(tree)
    homeless: dict[str, list[str]] = {}
    for change in dict.fromkeys(changes):
        if isinstance(change, RemoveImport):
            _plan_removal(statements, change)
        elif not _plan_addition(statements, change):
            homeless.setdefault(change.module, []).append(change.name)
    edits = [edit for one in statements if one.remove or one.add for edit in _edit_statement(lines, one)]
    return edits + _new_statements(lines, tree, statements, homeless)


class _Lines:
    """Positions of ``ast`` (line, UTF-8 column) as character offsets."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.ending = "\r\n" if "\r\n" in text else "\n"
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def offset(self, line: int, column: int) -> int:
        """Offset of an ast position."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def line_start(self, line: int) -> int:
        """Offset of the first character of a line (from 1), or the end of the text."""
        return min(self._starts[line - 1], len(self.text))

    def span(self, node: ast.stmt | ast.alias) -> tuple[int, int]:
        """Offsets of a node."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return self.offset(node.lineno, node.col_offset), self.offset(end_line, end_column)

    def indent(self, offset: int) -> str:
        """The white space that starts the line around an offset."""
        start = self.text.rfind("\n", 0, offset) + 1
        line = self.text[start:offset]
        return line[: len(line) - len(line.lstrip())]


def _statements(tree: ast.Module) -> list[_Statement]:
    top = {id(node) for node in tree.body}
    return [
        _Statement(node, id(node) in top)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
    ]


def _plan_removal(statements: list[_Statement], change: RemoveImport) -> None:
    for one in statements:
        if one.node.module == change.module and any(alias.name == change.name for alias in one.node.names):
            one.remove.add(change.name)


def _plan_addition(statements: list[_Statement], change: AddImport) -> bool:
    homes = [
        one
        for one in statements
        if one.top_level and one.node.module == change.module and one.node.names[0].name != "*"
    ]
    for one in homes:
        if any(alias.name == change.name and not alias.asname for alias in one.node.names):
            one.remove.discard(change.name)
            return True
    if homes:
        if change.name not in homes[0].add:
            homes[0].add.append(change.name)
        return True
    return False


def _edit_statement(lines: _Lines, one: _Statement) -> list[Edit]:
    names = one.node.names
    kept = [alias for alias in names if alias.name not in one.remove]
    first, last = lines.span(names[0])[0], lines.span(names[-1])[1]
    if not kept and one.add:
        return [Edit(first, last, ", ".join(sorted(one.add, key=_order)))]
    if not kept:
        return [_delete_statement(lines, one.node)]
    return _removals(lines, one, kept[-1]) + _additions(lines, one, kept)


def _removals(lines: _Lines, one: _Statement, last_kept: ast.alias) -> list[Edit]:
    edits = []
    names = one.node.names
    for index, alias in enumerate(names):
        if alias.name not in one.remove:
            continue
        start, _ = lines.span(alias)
        if start < lines.span(last_kept)[0]:
            edits.append(Edit(start, lines.span(names[index + 1])[0], ""))
        elif not edits or edits[-1].end != lines.span(names[-1])[1]:
            edits.append(Edit(lines.span(last_kept)[1], lines.span(names[-1])[1], ""))
    return edits


def _additions(lines: _Lines, one: _Statement, kept: list[ast.alias]) -> list[Edit]:
    by_offset: dict[int, list[str]] = {}
    multi_line = one.node.end_lineno != one.node.lineno
    for name in sorted(one.add, key=_order):
        after = next((alias for alias in kept if _order(alias.name) > _order(name)), None)
        offset = lines.span(after)[0] if after else lines.span(kept[-1])[1]
        gap = f",{lines.ending}{lines.indent(lines.span(kept[-1])[0])}" if multi_line else ", "
        by_offset.setdefault(offset, []).append(f"{name}{gap}" if after else f"{gap}{name}")
    return [Edit(offset, offset, "".join(texts)) for offset, texts in by_offset.items()]


def _order(name: str) -> tuple[int, str]:
    """The usual order inside an import: CONSTANTS, Classes, functions."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


def _delete_statement(lines: _Lines, node: ast.stmt) -> Edit:
    start, end = lines.span(node)
    line_start = lines.line_start(node.lineno)
    line_end = lines.line_start((node.end_lineno or node.lineno) + 1)
    rest = lines.text[end:line_end].strip()
    if lines.text[line_start:start].strip() or (rest and not rest.startswith("#")):
        return Edit(start, end, "pass")
    if node.col_offset:
        return Edit(start, end, "pass")
    return Edit(line_start, line_end, "")


def _new_statements(
    lines: _Lines, tree: ast.Module, statements: list[_Statement], homeless: dict[str, list[str]]
) -> list[Edit]:
    if not homeless:
        return []
    texts = [f"from {module} import {', '.join(sorted(names, key=_order))}" for module, names in homeless.items()]
    block = "".join(text + lines.ending for text in sorted(texts))
    offset = _home_of_new(lines, tree, statements, next(iter(homeless)))
    if offset and lines.text[offset - 1] != "\n":
        block = lines.ending + block
    return [Edit(offset, offset, block)]


def _home_of_new(lines: _Lines, tree: ast.Module, statements: list[_Statement], module: str) -> int:
    """After the last import of the same package, else after the last import at the top, else after the docstring."""
    package = module.split(".", maxsplit=1)[0]
    same = [one.node for one in statements if one.top_level and (one.node.module or "").split(".")[0] == package]
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    docstring = tree.body[:1] if ast.get_docstring(tree, clean=False) is not None else []
    after = [*docstring, *imports, *same]
    if not after:
        return 0
    anchor = same[-1] if same else (imports or docstring)[-1]
    return lines.line_start((anchor.end_lineno or anchor.lineno) + 1)
