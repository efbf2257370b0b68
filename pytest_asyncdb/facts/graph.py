"""Circles in the project's import graph."""

from __future__ import annotations

import ast
import re
from collections import deque
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.project import Cycle
from pytest_asyncdb.facts.python import Level

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.model.place import Place

    Edges = Mapping[str, Collection[str]]

_FROM = re.compile(
    rb"^[ \t]*from[ \t]+(?P<module>\.*[\w.]*)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n]*)", re.MULTILINE
)
_IMPORT = re.compile(rb"^[ \t]*import[ \t]+(?P<modules>[^\n]+)", re.MULTILINE)
_NAME = re.compile(rb"(?:^|,|\()\s*(?P<name>[\w.]+)")
_COMMENT = re.compile(rb"#[^\n]*")
_AT_IMPORT = (Level.MODULE, Level.GUARDED)


def cycles(codebase: Codebase) -> tuple[Cycle, ...]:
    """Find circular imports among the app's modules, one circle (a shortest one) for each knot of modules.

    Only imports that run when the module is imported count. Most projects have none: a coarse graph, read without
    parsing, tells which modules are worth a closer look.
    """
    modules = {name for path, name in codebase.names.items() if codebase.roles[path] in ("app", "script")}
    coarse = {name: dict.fromkeys(text_imports(codebase, name, modules)) for name in sorted(modules)}
    suspects = {name for knot in _knots(coarse) for name in knot}
    exact = {name: _exact(codebase, name, modules) for name in sorted(suspects)}
    found = []
    for knot in _knots(exact):
        circle = _shortest(exact, knot)
        places = tuple(exact[one][following] for one, following in zip(circle, (*circle[1:], circle[0]), strict=True))
        found.append(Cycle(circle, places))
    return tuple(sorted(found, key=lambda cycle: cycle.places))


def text_imports(codebase: Codebase, name: str, modules: set[str]) -> Iterator[str]:
    """More than the module imports: every import statement that its text may hold."""
    path = codebase.paths[name]
    data = _COMMENT.sub(b"", codebase.project.imports(path))
    package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
    for match in _IMPORT.finditer(data):
        yield from _targets("", [one.decode("utf-8", "replace") for one in _NAME.findall(match["modules"])], modules)
    for match in _FROM.finditer(data):
        module = match["module"].decode("utf-8", "replace")
        dots = len(module) - len(module.lstrip("."))
        if dots:
            parts = package.split(".") if package else []
            module = ".".join([*parts[: len(parts) - dots + 1], *filter(None, [module[dots:]])])
        names = [one.decode("utf-8", "replace") for one in _NAME.findall(match["names"])]
        yield from _targets(module, [*names, ""], modules)


def _targets(module: str, names: list[str], modules: set[str]) -> Iterator[str]:
    for name in names:
        target = ".".join(part for part in (module, name) if part)
        if target in modules:
            yield target


def _exact(codebase: Codebase, name: str, modules: set[str]) -> dict[str, Place]:
    """The modules that are imported when this one is, each with the first statement that does it."""
    source = codebase.module(name)
    found: dict[str, Place] = {}
    for raw in source.imports if source is not None else ():
        if raw.level in _AT_IMPORT and source is not None:
            submodule = f"{raw.module}.{raw.alias.name}"
            target = submodule if isinstance(raw.node, ast.ImportFrom) and submodule in modules else raw.module
            if target in modules and target != name:
                found.setdefault(target, source.span(raw.node).place)
    return found


def _knots(edges: Edges) -> list[list[str]]:
    """Strongly connected components with more than one module (Tarjan's algorithm, without recursion)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[list[str]] = []
    for root in edges:
        work = [] if root in order else [(root, iter(edges[root]))]
        while work:
            node, targets = work[-1]
            if node not in order:
                order[node] = low[node] = len(order)
                stack.append(node)
                on_stack.add(node)
            following = next((one for one in targets if one in edges and (one not in order or one in on_stack)), None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    found.append(_popped(stack, on_stack, node))
            elif following in order:
                low[node] = min(low[node], order[following])
            else:
                work.append((following, iter(edges[following])))
    return [knot for knot in found if len(knot) > 1]


def _popped(stack: list[str], on_stack: set[str], node: str) -> list[str]:
    knot = []
    while node not in knot:
        knot.append(stack.pop())
        on_stack.discard(knot[-1])
    return knot


def _shortest(edges: Edges, knot: list[str]) -> tuple[str, ...]:
    """A shortest circle of the knot; of equal ones the first by name."""
    inside = set(knot)
    circles = (_back_to(edges, inside, start) for start in sorted(knot))
    return min((circle for circle in circles if circle), key=lambda circle: (len(circle), circle))


def _back_to(edges: Edges, inside: set[str], start: str) -> tuple[str, ...]:
    waiting: deque[tuple[str, ...]] = deque([(start,)])
    seen = {start}
    while waiting:
        path = waiting.popleft()
        for target in sorted(edges[path[-1]]):
            if target == start:
                return path
            if target in inside and target not in seen:
                seen.add(target)
                waiting.append((*path, target))
    return ()
