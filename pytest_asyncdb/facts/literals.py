"""String literals of Python files that are URLs: whole, f-strings and implicitly joined ones included."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts.codebase import Source

_OPENING = re.compile(r"(?P<prefix>[A-Za-z]{0,2})(?P<quote>\"\"\"|'''|\"|')")
_BETWEEN = re.compile(r"(?:\s|\\\n|\\\r\n|#[^\n\r]*)*")
_READERS = frozenset({"getenv", "get", "str", "config", "Config", "pop", "env", "setdefault", "__call__"})
_TALKERS = frozenset(
    {
        "replace", "startswith", "endswith", "removeprefix", "removesuffix", "split", "partition", "rpartition", "find",
        "index", "count", "match", "search", "sub", "compile", "fullmatch", "print", "debug", "info", "warning", "warn",
        "error", "exception", "critical", "log", "echo", "skip", "fail",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Literal:
    """A string literal's text, without quotes, and where its characters stand in the file.

    ``pieces`` are (offset in ``text``, offset in the file) of each joined literal.
    """

    node: ast.expr
    text: str
    pieces: tuple[tuple[int, int], ...]
    key: str | None

    def position(self, offset: int) -> int:
        """Offset in the file of the character at ``offset`` of ``text``."""
        here, there = self.pieces[bisect_right(self.pieces, offset, key=lambda piece: piece[0]) - 1]
        return there + offset - here


def literal_urls(source: Source, pattern: re.Pattern[str]) -> Iterator[Literal]:
    """Find the string literals that are, as a whole, a URL whose beginning fits ``pattern``.

    Docstrings, comparisons, replacements, log messages and bare prefixes (``postgresql://``) are no URLs.
    """
    for node, key in _strings(source.tree, source.name):
        literal = literal_of(source, node, key)
        if literal is None:
            continue
        start = pattern.match(literal.text)
        if start and len(literal.text) > start.end() and not re.search(r"\s", _without_fields(literal.text)):
            yield literal


def literal_of(source: Source, node: ast.expr, key: str | None = None) -> Literal | None:
    """The literal that a node is; None when escapes keep its text from standing in the file as such."""
    if not isinstance(node, ast.Constant | ast.JoinedStr):
        return None
    start = source.start(node)
    pieces = _pieces(source.segment(node))
    if pieces is None:
        return None
    text = "".join(body for _, body in pieces)
    if isinstance(node, ast.Constant) and text != node.value:
        return None
    offsets, done = [], 0
    for offset, body in pieces:
        if body:
            offsets.append((done, start + offset))
            done += len(body)
    return Literal(node, text, tuple(offsets), key) if offsets else None


def _without_fields(text: str) -> str:
    return re.sub(r"\{[^{}]*\}", "", text)


def _pieces(segment: str) -> list[tuple[int, str]] | None:
    """Bodies of joined literals with their offsets; None for what is no plain sequence of literals or has escapes."""
    found, position = [], 0
    while position < len(segment):
        opening = _OPENING.match(segment, position)
        if opening is None:
            return None
        end = _closing(segment, opening.end(), opening["quote"], fields="f" in opening["prefix"].lower())
        body = segment[opening.end() : end]
        if "\\" in body or "b" in opening["prefix"].lower():
            return None
        found.append((opening.end(), body))
        between = _BETWEEN.match(segment, end + len(opening["quote"]))
        position = between.end() if between else len(segment)
    return found


def _closing(segment: str, position: int, quote: str, *, fields: bool) -> int:
    depth = 0
    while position < len(segment):
        character = segment[position]
        if character == "\\":
            position += 1
        elif fields and character in "{}":
            depth = max(0, depth + (1 if character == "{" else -1))
        elif not depth and segment.startswith(quote, position):
            return position
        position += 1
    return position


def _strings(node: ast.AST, scope: str, key: str | None = None) -> Iterator[tuple[ast.expr, str | None]]:
    """Strings that are values, each with the name it is given to."""
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node, key
        return
    for child, below, name in _children(node, scope, key):
        yield from _strings(child, below, name)


def _children(  # noqa: C901, PLR0912 - one branch per kind of node
    node: ast.AST, scope: str, key: str | None
) -> Iterator[tuple[ast.AST, str, str | None]]:
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Compare() | ast.Raise() | ast.Assert():
            return
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            for child in ast.iter_child_nodes(node):
                yield child, f"{scope}.{node.name}", None
        case ast.arguments():
            plain = [*node.posonlyargs, *node.args]
            for argument, default in zip(plain[len(plain) - len(node.defaults) :], node.defaults, strict=True):
                yield default, scope, f"{scope}.{argument.arg}"
            for argument, given in zip(node.kwonlyargs, node.kw_defaults, strict=True):
                if given is not None:
                    yield given, scope, f"{scope}.{argument.arg}"
        case ast.Assign(targets=[target, *_], value=value):
            yield value, scope, _target_name(target, scope)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield value, scope, _target_name(target, scope)
        case ast.Dict():
            for name, value in zip(node.keys, node.values, strict=True):
                yield value, scope, _text(name) or key
        case ast.Call():
            yield from _in_call(node, scope, key)
        case _:
            for child in ast.iter_child_nodes(node):
                yield child, scope, key


def _in_call(node: ast.Call, scope: str, key: str | None) -> Iterator[tuple[ast.AST, str, str | None]]:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    yield node.func, scope, key
    if called in _TALKERS:
        return
    first = _text(node.args[0]) if node.args else None
    if called in _READERS and first and "://" not in first:
        key = first
    for argument in (*node.args, *node.keywords):
        yield argument, scope, key


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _target_name(target: ast.expr, scope: str) -> str | None:
    if isinstance(target, ast.Name):
        return f"{scope}.{target.id}"
    if isinstance(target, ast.Attribute):
        return f"{scope}.{target.attr}"
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return None
