"""Routers that modules define, and whether anything takes them up."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.project import Router

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pytest_asyncdb.facts.codebase import Codebase, Source
    from pytest_asyncdb.facts.names import Names

_ROUTERS = frozenset({"APIRouter", "Router", "Blueprint"})
_LIBRARIES = ("fastapi.", "starlette.", "litestar.", "quart.", "sanic.")
_VERBS = frozenset(
    {
        "get", "post", "put", "patch", "delete", "head", "options", "trace", "websocket", "api_route", "route",
        "add_api_route", "add_route", "websocket_route", "add_api_websocket_route", "add_websocket_route",
    }
)  # fmt: skip
_BY_NAME = re.compile(rb"import_module|\b(?:iter_modules|walk_packages|__import__)\b")
"""What imports modules by computed names; a project's own functions for that are often named after the first."""
_INCLUDES = re.compile(rb"\b(?:include_router|register_blueprint|mount|route_handlers|blueprint)\b")


def routers(codebase: Codebase, names: Names) -> tuple[Router, ...]:
    """Find the routers of the app's modules.

    A router counts as included when its name is read for anything but adding routes to it: handed to
    ``include_router``, ``mount`` or ``route_handlers``, put into a list, returned. Where modules are imported by
    computed names and included, every router counts as included: the sources can't tell.
    """
    defined = {name: (source, node) for source in codebase.sources() for name, node in _defined(source, names)}
    if not defined:
        return ()
    counts = {name: _listed(node) for name, (_, node) in defined.items()}
    taken: set[str] = set()
    attributes = frozenset(name.rpartition(".")[2] for name in counts) | _renamed(codebase, names, counts)
    mentioned = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, attributes)))})\b")
    for source in codebase.sources():
        if source.role != "test" and mentioned.search(source.lines.text):
            taken.update(_taken(source, names, counts, attributes))
    computed = any(_is_computed(codebase.project.data(source.path) or b"") for source in codebase.sources())
    return tuple(
        Router(name, source.span(node).place, counts[name], included=computed or name in taken)
        for name, (source, node) in defined.items()
        if source.role == "app"
    )


def _defined(source: Source, names: Names) -> Iterator[tuple[str, ast.Call]]:
    for raw in source.calls:
        if raw.scope.kind == "module" and isinstance(raw.target, ast.Name):
            target = names.callee(raw.node.func, raw.scope) or ""
            if target.rpartition(".")[2] in _ROUTERS and target.startswith(_LIBRARIES):
                yield source.scope.dotted(raw.target.id), raw.node


def _renamed(codebase: Codebase, names: Names, counts: Collection[str]) -> frozenset[str]:
    """The names under which modules import routers from others, as a package does that hands them on."""
    imports = (one for source in codebase.sources() for one in source.imports if hasattr(one.node, "module"))
    return frozenset(one.bound for one in imports if names.member(one.module, one.alias.name) in counts)


def _listed(node: ast.Call) -> int:
    """Routes that the router is made with: ``route_handlers=[...]``, ``routes=[...]``."""
    lists = [one.value for one in node.keywords if one.arg in ("route_handlers", "routes")]
    return sum(len(one.elts) for one in lists if isinstance(one, ast.List | ast.Tuple))


def _taken(source: Source, names: Names, counts: dict[str, int], attributes: frozenset[str]) -> Iterator[str]:
    """Routers that the module reads; counts the routes it adds to them."""
    aliases = {
        one.bound: names.member(one.module, one.alias.name) for one in source.imports if hasattr(one.node, "module")
    }
    own = {name: source.scope.dotted(name) for name in source.scope.bindings}
    known = {alias: name for alias, name in {**own, **aliases}.items() if name in counts}
    adding: set[int] = set()
    for raw in source.calls:
        function = raw.node.func
        if isinstance(function, ast.Attribute) and function.attr in _VERBS:
            router = names.canonical(function.value, raw.scope)
            if router in counts:
                counts[router] += 1
                adding.add(id(function.value))
    for node in ast.walk(source.tree):
        if id(node) in adding:
            continue
        if isinstance(node, ast.Name) and node.id in known and isinstance(node.ctx, ast.Load):
            yield known[node.id]
        elif isinstance(node, ast.Attribute) and node.attr in attributes:
            base = aliases.get(node.value.id) if isinstance(node.value, ast.Name) else None
            yield names.member(base, node.attr) if base else names.canonical(node, source.scope) or ""


def _is_computed(data: bytes) -> bool:
    return _BY_NAME.search(data) is not None and _INCLUDES.search(data) is not None
