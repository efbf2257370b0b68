"""Whether the app's code reads objects after a commit: what ``expire_on_commit`` decides about."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.layout import role_of
from pytest_asyncdb.facts.roots import parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_asyncdb.sources.project import Project

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_FOR_OTHERS = frozenset({"save", "__aexit__", "__exit__", "flush", "complete"})
"""Names of functions that commit what their callers hold."""
_HANDLES = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "route", "api_route", "websocket"})
"""Names of decorators that make a function a route's, which nobody else calls."""
_CONVERTS = frozenset({"model_validate", "from_orm", "validate_python", "to_dict", "model_dump"})
"""Names of methods whose results hold values, and no object of the database."""
_HANDED_OVER = frozenset({"add", "add_all", "merge"})


def nothing_is_read_after_commits(project: Project) -> bool:
    """Whether after each commit in the app's own code only objects are read that were refreshed.

    False where there is no commit in it: a library commits then.
    """
    held = project.holders(b".commit(", b".begin(")
    found = False
    for path in project.python_files:
        tree = parsed(project, path) if path in held and role_of(path) == "app" else None
        for function in ast.walk(tree) if tree is not None else ():
            if isinstance(function, _FUNCTIONS):
                for site in _sites(function):
                    found = True
                    # Where a method `commit` commits, each call of it is a commit of its own.
                    if function.name != "commit" and _may_read(function, site):
                        return False
    return found


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """What belongs to a function itself, and to none inside of it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop(0)
        if not isinstance(node, (*_FUNCTIONS, ast.Lambda, ast.ClassDef)):
            yield node
            waiting += ast.iter_child_nodes(node)


def _sites(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.stmt]:
    """Statements at whose end there is a commit."""
    for node in _own(function):
        match node:
            case ast.Expr(value=ast.Await(value=ast.Call(func=ast.Attribute(attr="commit")))):
                yield node
            case ast.AsyncWith(items=items) if any(_begins(one.context_expr) for one in items):
                yield node


def _begins(node: ast.expr) -> bool:
    """``session.begin()``, which an engine and a connection have as well."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name), attr="begin")):
            return not any(word in name.lower() for word in ("engine", "conn"))
    return False


def _may_read(function: ast.FunctionDef | ast.AsyncFunctionDef, site: ast.stmt) -> bool:
    """Whether something of the database may be read after the commit: here, or by whoever calls the function."""
    own = list(_own(function))
    is_provider = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own)
    if function.name in _FOR_OTHERS or (is_provider and _is_context_manager(function)):
        return True
    end = (site.end_lineno or site.lineno, site.end_col_offset or site.col_offset)
    placed = (node for node in own if isinstance(node, ast.stmt | ast.expr))
    after: list[ast.AST] = [node for node in placed if (node.lineno, node.col_offset) >= end]
    objects = _objects(function, own)
    made = [node for node in after if isinstance(node, ast.Assign | ast.AnnAssign)]
    refreshed = {*_given_to(after, frozenset({"refresh"})), *_stored(made)}
    for loop in own:
        if isinstance(loop, _LOOPS) and site in ast.walk(loop):  # the next round comes after this one's commit
            inside = [node for one in loop.body for node in ast.walk(one)]
            after += inside
            made = [node for node in inside if isinstance(node, ast.Assign)]
            refreshed |= {*_given_to(inside, frozenset({"refresh"})), *_stored(made)}
    # What a block returns is made before its commit: of an attribute or a conversion only the value is left.
    returned = [one.value for one in ast.walk(site) if isinstance(one, ast.Return) and one.value is not None]
    read = {one.id for node in after for one in _loads(node)} | {name for node in returned for name in _held(node)}
    handed = set() if _is_route(function) else set(_given_to(own, _HANDED_OVER)) & _parameters(function)
    return bool(((read & objects) | handed) - refreshed)


def _is_context_manager(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("contextmanager" in ast.unparse(one) for one in function.decorator_list)


def _is_route(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the framework calls the function, and reads of it what it returns."""
    called = (one.func for one in function.decorator_list if isinstance(one, ast.Call))
    return any(getattr(one, "attr", getattr(one, "id", "")) in _HANDLES for one in called)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    given = function.args
    return {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)} - {"self", "cls"}


def _objects(function: ast.FunctionDef | ast.AsyncFunctionDef, own: list[ast.AST]) -> set[str]:
    """Names that can be objects of the database: awaited, made of a class, found in those, or handed in and changed."""
    found = {
        name
        for node in own
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None
        if any(map(_makes_object, _unconverted(node.value)))
        for name in _stored([node])
    }
    found |= {name for node in own if isinstance(node, ast.For | ast.AsyncFor) for name in _stored([node.target])}
    changed = (node for node in own if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store))
    found |= {node.value.id for node in changed if isinstance(node.value, ast.Name)} & _parameters(function)
    for _ in range(2):  # what is taken out of them: `result = await ...; user = result.scalar_one()`
        found |= {
            name
            for node in own
            if isinstance(node, ast.Assign) and any(getattr(one, "id", "") in found for one in _unconverted(node.value))
            for name in _stored([node])
        }
    return found


def _unconverted(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of an expression, but for what a conversion makes values of."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if not (isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in _CONVERTS):
            yield one
            waiting += ast.iter_child_nodes(one)


def _held(node: ast.AST) -> Iterator[str]:
    """Variables that are in the value of an expression as they are, and not only an attribute of them."""
    parts = list(_unconverted(node))
    read = {id(one.value) for one in parts if isinstance(one, ast.Attribute)}
    return (one.id for one in parts if isinstance(one, ast.Name) and id(one) not in read)


def _makes_object(node: ast.AST) -> bool:
    if isinstance(node, ast.Await):
        return True
    called = node.func if isinstance(node, ast.Call) else None
    name = getattr(called, "id", getattr(called, "attr", ""))
    return bool(name) and name[0].isupper()


def _given_to(nodes: list[ast.AST], names: frozenset[str]) -> Iterator[str]:
    """Variables that are arguments of these methods."""
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
            yield from (one.id for argument in node.args for one in _loads(argument))


def _stored(nodes: Iterable[ast.AST]) -> set[str]:
    every = (one for node in nodes for one in ast.walk(node))
    return {one.id for one in every if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}


def _loads(node: ast.AST) -> Iterator[ast.Name]:
    return (one for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load))
