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

    from pytest_asyncdb.model.place import Place
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """A read of the environment: the expression of its name, and what is known of the value."""

    name: ast.expr
    schema: Json
    required: bool


@dataclass(frozen=True, slots=True)
class _Helper:
    """A function of the project's own that reads what it is told: ``_require(env, "X")``."""

    position: int
    """Of the name among the arguments of a call; a method's ``self`` is none."""
    keyword: str
    schema: Json
    required: bool


def reads(project: Project) -> tuple[Read, ...]:
    """Find the reads without a default in the modules of the app, also those through functions of its own."""
    found: list[Read] = []
    helpers: dict[str, _Helper] = {}
    for path, tree in _trees(project, *_MARKS):
        found += _in_tree(path, tree)
        helpers.update(_helpers(tree))
    for path, tree in _trees(project, *(f"{name}(".encode() for name in helpers)) if helpers else ():
        found += _through(path, tree, helpers)
    return tuple(found)


def tested_at(project: Project, place: Place) -> tuple[tuple[str, ...], bool]:
    """The variables on which the ``raise`` or ``assert`` at a place depends, and whether it depends on any at all.

    What an exception says may be in any language; what it was raised for stands in the tests around it.
    """
    tree = parsed(project, place.path)
    tests = list(_tests_around(tree, place.line)) if tree is not None else []
    held = {_last(node) for test in tests for node in ast.walk(test) if isinstance(node, ast.Name | ast.Attribute)}
    names = [name for node in tests for name in _read_in(node)]
    for _, each in _trees(project, *_MARKS) if held else ():
        for node in ast.walk(each):
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                stored = {_last(one) for target in targets for one in ast.walk(target) if isinstance(one, ast.expr)}
                names += _read_in(node.value) if stored & held else ()
    return tuple(dict.fromkeys(name for name in names if name)), bool(names)


def _tests_around(tree: ast.Module, line: int) -> Iterator[ast.expr]:
    """What has to hold for the statement at a line to raise."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and node.lineno <= line <= (node.end_lineno or 0):
            yield node.test
        elif isinstance(node, ast.If):
            inside = (one for branch in (*node.body, *node.orelse) for one in ast.walk(branch))
            if any(isinstance(one, ast.Raise) and one.lineno <= line <= (one.end_lineno or 0) for one in inside):
                yield node.test


def _read_in(node: ast.AST) -> Iterator[str]:
    """The variables read in an expression; empty for one whose name is computed."""
    return (_variable(asked.name) for one in ast.walk(node) if (asked := _asked(one)) is not None)


def _trees(project: Project, *marks: bytes) -> Iterator[tuple[str, ast.Module]]:
    """The app's modules that hold one of the marks."""
    marked = project.holders(*marks)
    for path in project.python_files:
        if path in marked and role_of(path) == "app" and (tree := parsed(project, path)) is not None:
            yield path, tree


def _in_tree(path: str, tree: ast.Module) -> Iterator[Read]:
    typed = {id(one): name for one, name in _conversions(tree)}
    for node in ast.walk(tree):
        asked = _asked(node)
        name = _variable(asked.name) if asked is not None else ""
        if asked is not None and name:
            yield Read(path, Wanted(name, asked.schema or _TYPES.get(typed.get(id(node), ""), {})), asked.required)


def _helpers(tree: ast.Module) -> Iterator[tuple[str, _Helper]]:
    """Functions that read a variable whose name is one of their parameters; one that may raise requires it."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        given = [one for one in names if one not in {"self", "cls"}]
        raises = any(isinstance(node, ast.Raise) for node in ast.walk(function))
        for node in ast.walk(function):
            asked = _asked(node)
            if asked is not None and isinstance(asked.name, ast.Name) and asked.name.id in given:
                position = given.index(asked.name.id)
                yield function.name, _Helper(position, asked.name.id, asked.schema, asked.required or raises)


def _through(path: str, tree: ast.Module, helpers: dict[str, _Helper]) -> Iterator[Read]:
    """The reads that calls of such functions are, unless they give more than the name: that may be a default."""
    for node in ast.walk(tree):
        helper = helpers.get(_last(node.func)) if isinstance(node, ast.Call) else None
        if helper is None or not isinstance(node, ast.Call):
            continue
        told = next((one.value for one in node.keywords if one.arg == helper.keyword), None)
        if told is None and len(node.args) == helper.position + 1 and not node.keywords:
            told = node.args[-1]
        name = _variable(told) if told is not None else ""
        if name:
            yield Read(path, Wanted(name, helper.schema), helper.required)


def _variable(node: ast.expr) -> str:
    """The name of a variable that is written down; empty for any other expression."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) and value.isidentifier() else ""


def _conversions(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """``int(os.environ["X"])``: what is converted, and to what."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
            yield node.args[0], node.func.id


def _asked(node: ast.AST) -> _Asked | None:
    if isinstance(node, ast.Subscript):
        is_read = _last(node.value) == "environ" and isinstance(node.ctx, ast.Load)
        return _Asked(node.slice, {}, required=True) if is_read else None
    if not isinstance(node, ast.Call) or not node.args:
        return None
    called = _last(node.func)
    owner = _last(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    if called == "getenv" or (called == "get" and owner == "environ"):
        default = node.args[1] if len(node.args) > 1 else None
        absent = default is None or getattr(default, "value", 0) is None
        return _Asked(node.args[0], {}, required=False) if absent else None
    if not (called in _READERS or (owner in _READERS and called in _PLAIN)):
        return None
    if len(node.args) > 1 or any(one.arg in _DEFAULTS for one in node.keywords):
        return None
    cast = next((_last(one.value) for one in node.keywords if one.arg == "cast"), "")
    return _Asked(node.args[0], _TYPES.get(cast or called, {}), required=True)


def _last(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
