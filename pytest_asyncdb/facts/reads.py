"""Which variables of the environment the project's modules read by name: ``os.environ["X"]``, ``env.int("X")``."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.layout import role_of
from pytest_asyncdb.facts.roots import parsed
from pytest_asyncdb.facts.values import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sources.project import Project

_MARKS = (b"environ", b"getenv", b"env(", b"env.", b"config(", b"Env(")
_TYPES: dict[str, Json] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "strtobool": {"type": "boolean"},
    "json": {"type": "object"},
    "dict": {"type": "object"},
    "email": {"type": "string", "format": "email"},
    "uuid": {"type": "string", "format": "uuid"},
    "path": {"type": "string", "format": "path"},
}
_URLS = frozenset({"db", "db_url", "url"})
_PLAIN = frozenset({"str", "list", "tuple", "bytes", "get_value", *_TYPES, *_URLS})
_READERS = frozenset({"env", "config", "environ", "ENV", "Env"})
_DEFAULTS = frozenset({"default", "missing", "dflt"})


@dataclass(frozen=True, slots=True)
class Read:
    """One variable that is read without a default; ``required`` when its absence raises there and then."""

    path: str
    wanted: Wanted
    required: bool


def reads(project: Project) -> tuple[Read, ...]:
    """Find the reads without a default in the modules of the app."""
    found: list[Read] = []
    marked = project.holders(*_MARKS)
    for path in project.python_files:
        if path in marked and role_of(path) == "app":
            tree = parsed(project, path)
            found += _in_tree(path, tree) if tree is not None else ()
    return tuple(found)


def _in_tree(path: str, tree: ast.Module) -> Iterator[Read]:
    typed = {id(one): name for one, name in _conversions(tree)}
    for node in ast.walk(tree):
        told = _subscript(node) if isinstance(node, ast.Subscript) else _call(node)
        if told is not None:
            name, schema, required = told
            yield Read(path, Wanted(name, schema or _TYPES.get(typed.get(id(node), ""), {})), required)


def _conversions(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """``int(os.environ["X"])``: what is converted, and to what."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
            yield node.args[0], node.func.id


def _subscript(node: ast.Subscript) -> tuple[str, Json, bool] | None:
    if _last(node.value) != "environ" or not isinstance(node.ctx, ast.Load) or not isinstance(node.slice, ast.Constant):
        return None
    return str(node.slice.value), {}, True


def _call(node: ast.AST) -> tuple[str, Json, bool] | None:
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
        return None
    name, called = node.args[0].value, _last(node.func)
    owner = _last(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    if not isinstance(name, str) or not name.isidentifier():
        return None
    if called == "getenv" or (called == "get" and owner == "environ"):
        default = node.args[1] if len(node.args) > 1 else None
        return (name, {}, False) if default is None or getattr(default, "value", 0) is None else None
    if not (called in _READERS or (owner in _READERS and called in _PLAIN)):
        return None
    if len(node.args) > 1 or any(one.arg in _DEFAULTS for one in node.keywords):
        return None
    cast = next((_last(one.value) for one in node.keywords if one.arg == "cast"), "")
    return name, _TYPES.get(cast or called, {}), True


def _last(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
