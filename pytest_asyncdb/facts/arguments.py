"""Keyword arguments of calls: dictionaries and ``**options`` resolved where the source allows."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_asyncdb.facts.bindings import Scope
    from pytest_asyncdb.facts.flow import Flow

_MUTATORS = frozenset({"update", "setdefault", "pop", "clear"})


@dataclass(frozen=True, slots=True)
class Keywords:
    """What a call is given by keyword; ``known`` is false when there may be more than the source shows."""

    given: tuple[tuple[str, ast.expr, Scope], ...]
    known: bool

    def value(self, name: str) -> tuple[ast.expr, Scope] | None:
        """The expression given for a name, and where it stands."""
        return next(((value, scope) for key, value, scope in self.given if key == name), None)


def keywords(node: ast.Call, scope: Scope, flow: Flow) -> Keywords:
    """Collect a call's keyword arguments; ``**options`` counts when it is a dictionary literal that nothing changes."""
    given: list[tuple[str, ast.expr, Scope]] = []
    known = True
    for one in node.keywords:
        if one.arg is not None:
            given.append((one.arg, one.value, scope))
            continue
        inner = dictionary(one.value, scope, flow)
        given += inner.given
        known = known and inner.known
    return Keywords(tuple(given), known)


def dictionary(node: ast.expr, scope: Scope, flow: Flow) -> Keywords:
    """The entries of a dictionary that is a literal, ``dict(...)``, or a name for one of them."""
    values = flow.final(node, scope)
    if len(values) != 1:
        return Keywords((), known=False)
    value, inside = values[0]
    known = value is node or not (isinstance(node, ast.Name) and _is_changed(node.id, inside, flow))
    if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "dict" and not value.args:
        inner = keywords(value, inside, flow)
        return Keywords(inner.given, known=known and inner.known)
    if not isinstance(value, ast.Dict):
        return Keywords((), known=False)
    given: list[tuple[str, ast.expr, Scope]] = []
    for key, one in zip(value.keys, value.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            given.append((key.value, one, inside))
        else:
            known = False
    return Keywords(tuple(given), known)


def expanded(given: Keywords, names: Collection[str], flow: Flow) -> Keywords:
    """The arguments, with those among them that stand in a dictionary or object of the call, ``engine_args={...}``."""
    found, known = [one for one in given.given if one[0] not in names], given.known
    for key, value, scope in given.given:
        if key in names:
            made = flow.final(value, scope)
            is_object = len(made) == 1 and isinstance(made[0][0], ast.Call) and made[0][0].keywords
            inner = keywords(made[0][0], made[0][1], flow) if is_object else dictionary(value, scope, flow)  # type: ignore[arg-type]  # is_object says so
            found += inner.given
            known = known and inner.known
    return Keywords(tuple(found), known)


def entry(node: ast.Call, scope: Scope, name: str, flow: Flow) -> tuple[ast.expr, Scope] | None:
    """What a call may be given for a name: by keyword, or in any dictionary that ``**options`` may be."""
    for one in node.keywords:
        if one.arg == name:
            return one.value, scope
        for value, inside in flow.final(one.value, scope) if one.arg is None else ():
            pairs = zip(value.keys, value.values, strict=True) if isinstance(value, ast.Dict) else ()
            for key, given in pairs:
                if isinstance(key, ast.Constant) and key.value == name:
                    return given, inside
    return None


def shown(node: ast.expr, scope: Scope, flow: Flow) -> str:
    """``repr`` of a literal; of anything else its canonical name or, failing that, its source."""
    try:
        return repr(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        pass
    values = flow.final(node, scope) if isinstance(node, ast.Name | ast.Attribute) else []
    if len(values) == 1 and isinstance(values[0][0], ast.Constant):
        return repr(values[0][0].value)
    source = flow.source(scope)
    text = source.segment(node) if source is not None else ast.unparse(node)
    return flow.names.canonical(node, scope) or text


def _is_changed(name: str, scope: Scope, flow: Flow) -> bool:
    """Whether anything in the module puts entries into a dictionary of that name, or takes some out."""
    source = flow.source(scope)
    for node in ast.walk(source.tree) if source is not None else ():
        match node:
            case ast.Subscript(value=ast.Name(id=one), ctx=ast.Store() | ast.Del()) if one == name:
                return True
            case ast.Call(func=ast.Attribute(value=ast.Name(id=one), attr=method)) if one == name:
                if method in _MUTATORS:
                    return True
            case ast.AugAssign(target=ast.Name(id=one)) if one == name:
                return True
    return False
