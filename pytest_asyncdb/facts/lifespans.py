"""Lifespans of the app that yield inside a transaction."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.project import HeldTransaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_asyncdb.facts.codebase import Codebase, Source

_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
"""What has statements of its own."""
_ENDS = frozenset({"commit", "rollback", "close"})
"""Methods after which the block is left with no transaction."""


def held_transactions(codebase: Codebase) -> tuple[HeldTransaction, ...]:
    """Find the transactions that a lifespan uses, and in which it yields, so that they last as long as the app."""
    held = codebase.project.holders(b".begin(")
    sources = [one for one in codebase.sources() if one.role == "app"]
    names = {name for source in sources for name in _lifespans(source)}
    return tuple(one for source in sources if source.path in held for one in _held(source, names))


def _lifespans(source: Source) -> Iterator[str]:
    """Names of the functions that apps are given as their lifespan, one or a list of them."""
    for call in source.calls:
        for keyword in call.node.keywords:
            if keyword.arg == "lifespan":
                given = keyword.value.elts if isinstance(keyword.value, ast.List | ast.Tuple) else [keyword.value]
                yield from (one.id for one in given if isinstance(one, ast.Name))
                yield from (one.attr for one in given if isinstance(one, ast.Attribute))


def _held(source: Source, names: set[str]) -> Iterator[HeldTransaction]:
    for function in ast.walk(source.tree):
        if isinstance(function, ast.AsyncFunctionDef) and function.name in names:
            for block in _own(function.body):
                connection = _begun(block) if isinstance(block, ast.AsyncWith) else ""
                if isinstance(block, ast.AsyncWith) and connection:
                    inside = list(_own(block.body))
                    stops = next((one for one in inside if isinstance(one, ast.Yield)), None)
                    if stops and not _mentions(stops, connection):
                        before = [one for one in inside if _position(one) < _position(stops)]
                        is_meant = "advisory" in source.segment(block) or _is_handed_on(before, connection)
                        if _is_held(before, connection) and not is_meant:
                            yield _told(source, function.name, block, stops)


def _told(source: Source, name: str, block: ast.AsyncWith, stops: ast.Yield) -> HeldTransaction:
    """With the characters by which the ``yield`` is indented too far, where it is the block's last statement."""
    last = block.body[-1]
    begin = source.lines.offset(last.lineno, block.col_offset)
    is_last = isinstance(last, ast.Expr) and last.value is stops and len(block.items) == 1
    is_alone = len(block.body) > 1 and last.lineno > (block.body[-2].end_lineno or 0)  # not `await ...; yield`
    outdent = source.lines.span(begin, source.start(last)) if is_last and is_alone else None
    return HeldTransaction(name, source.span(stops).place, source.span(block).place, outdent)


def _own(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """What belongs to statements, and to no function inside of them."""
    waiting = list(body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, _INNER):
            waiting += ast.iter_child_nodes(node)


def _position(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _begun(block: ast.AsyncWith) -> str:
    """The name of a connection or session whose transaction the block is; empty for another one."""
    for item in block.items:
        match item:
            case ast.withitem(
                context_expr=ast.Call(func=ast.Attribute(attr="begin"), args=[], keywords=[]),
                optional_vars=ast.Name(id=name),
            ):
                return name
    return ""


def _is_held(nodes: Sequence[ast.AST], name: str) -> bool:
    """Whether a method of it is awaited, and none that ends the transaction: one without a statement holds nothing."""
    calls = (one.value.func for one in nodes if isinstance(one, ast.Await) and isinstance(one.value, ast.Call))
    own = [one for one in calls if _mentions(one, name)]
    return bool(own) and not any(isinstance(one, ast.Attribute) and one.attr in _ENDS for one in own)


def _is_handed_on(nodes: Sequence[ast.AST], name: str) -> bool:
    """Whether somebody is to work with it while the app serves: ``app.state.connection = connection``."""
    given = [one.value for one in nodes if isinstance(one, ast.Assign)]
    inside = [one for value in given for one in ast.walk(value)]
    asked = {id(one.value) for one in inside if isinstance(one, ast.Attribute)}
    return any(isinstance(one, ast.Name) and one.id == name and id(one) not in asked for one in inside)


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))
