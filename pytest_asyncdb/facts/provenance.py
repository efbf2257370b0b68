"""Where the URL of an engine comes from, and which of the project's code it passes on the way."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.flow import is_property

if TYPE_CHECKING:
    from pytest_asyncdb.facts.bindings import Bound, Scope
    from pytest_asyncdb.facts.flow import Flow
    from pytest_asyncdb.facts.settings import SettingsReader

_DEPTH = 24
_READERS = ("os.getenv", "os.environ", "decouple.", "environs.", "environ.", "starlette.config", "starlette.Config")
_CALLED = frozenset({"getenv", "get", "config", "env", "str", "pop", "url", "db"})
_CHANGES = frozenset(
    """replace set _replace removeprefix removesuffix split rsplit partition sub format join create build
    update_query_dict update_query_pairs update_query_string difference_update_query urlparse urlsplit urlunparse
    urlunsplit parse_qs parse_qsl render_as_string""".split()  # noqa: SIM905 - a plain list of words
)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*_(?:[A-Z0-9]+_)*(?:URL|URI|DSN)")
"""What a function of the project's own is given that reads the environment: ``get_env("DATABASE_URL")``."""
_POSTGRES = re.compile(r"(?:pg|pgsql|postgres|postgresql|psql|asyncpg)(?:sql)?", re.IGNORECASE)


@dataclass(slots=True)
class Provenance:
    """What a URL depends on, in the order in which it is met, from the engine backwards."""

    variables: dict[str, None] = field(default_factory=dict)
    """Variables of the environment."""
    fields: list[tuple[Scope, str]] = field(default_factory=list)
    """Fields of classes that no environment gives, as (class, name)."""
    parameters: list[tuple[Scope, str]] = field(default_factory=list)
    """Parameters of functions."""
    functions: list[tuple[Bound, Scope]] = field(default_factory=list)
    """The project's functions, validators and properties that it passes."""
    changes: list[tuple[ast.expr, Scope]] = field(default_factory=list)
    """Expressions that make another text of it."""


class Walker:
    """Walks from an expression back to where its parts come from; what it can't follow is left out."""

    def __init__(self, flow: Flow, settings: SettingsReader) -> None:
        """Begin with nothing found."""
        self._flow = flow
        self._settings = settings
        self.found = Provenance()
        self._met: set[tuple[int, int]] = set()

    def walk(self, node: ast.expr, scope: Scope, depth: int = 0) -> None:
        """Follow one expression."""
        if depth > _DEPTH or (id(node), id(scope)) in self._met:
            return
        self._met.add((id(node), id(scope)))
        match node:
            case ast.Name() | ast.Attribute():
                self._name(node, scope, depth)
            case ast.Call():
                self._call(node, scope, depth)
            case ast.Subscript(value=value, slice=ast.Constant(value=str(key))) if self._is_environment(value, scope):
                self.found.variables.setdefault(key)
            case ast.Lambda(body=body):
                self.walk(body, scope, depth + 1)
            case _:
                if isinstance(node, ast.JoinedStr | ast.BinOp):
                    self.found.changes.append((node, scope))
                self._inside(node, scope, depth)

    def _inside(self, node: ast.AST, scope: Scope, depth: int) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.walk(child, scope, depth + 1)
            elif isinstance(child, ast.keyword | ast.comprehension | ast.FormattedValue):
                self._inside(child, scope, depth + 1)

    def _is_environment(self, node: ast.expr, scope: Scope) -> bool:
        return self._flow.names.canonical(node, scope) == "os.environ"

    def _name(self, node: ast.Name | ast.Attribute, scope: Scope, depth: int) -> None:
        found = self._flow.bound(node, scope)
        if found is None:
            owner = self._flow.only_owner(node.attr) if isinstance(node, ast.Attribute) else None
            if owner is not None and isinstance(node, ast.Attribute):
                self._member(node, owner.bindings[node.attr], owner, depth)
            elif isinstance(node, ast.Attribute):
                self.walk(node.value, scope, depth + 1)
            return
        bound, where = found
        if where.kind == "class":
            self._member(node, bound, where, depth)
        elif where.kind == "function" and bound.opaque and not bound.values and isinstance(node, ast.Name):
            self._parameter(node.id, where, depth)
        else:
            if where.kind == "function" and bound.opaque and isinstance(node, ast.Name):
                self._parameter(node.id, where, depth)  # assigned again inside: ``url = url.replace(...)``
            for value, inside in bound.values:
                self.walk(value, inside, depth + 1)

    def _member(self, node: ast.Name | ast.Attribute, bound: Bound, owner: Scope, depth: int) -> None:
        name = node.attr if isinstance(node, ast.Attribute) else node.id
        if bound.definition is not None:
            if is_property(bound):
                self._passes(bound, owner, depth)
            return
        keys = self._settings.keys(owner, name, node)
        for key in keys:
            self.found.variables.setdefault(key)
        if not self._settings.reads_environment(owner):
            self.found.fields.append((owner, name))
        for validator in self._settings.validators(owner, name):
            self._passes(validator, owner, depth)
        for value, inside in self._settings.defaults(bound):
            self.walk(value, inside, depth + 1)

    def _passes(self, bound: Bound, where: Scope, depth: int) -> None:
        """Note a function, and follow what it returns."""
        if all(bound is not one for one, _ in self.found.functions):
            self.found.functions.append((bound, where))
        for value, inside in self._flow.returns(bound):
            self.walk(value, inside, depth + 1)

    def _call(self, node: ast.Call, scope: Scope, depth: int) -> None:
        target = self._flow.names.canonical(node.func, scope) or ""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        key = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        function = self._flow.bound(node.func, scope)
        is_reader = name in _CALLED and (target.startswith(_READERS) or function is None)
        if isinstance(key, str) and ((is_reader and "://" not in key) or _VARIABLE.fullmatch(key)):
            self.found.variables.setdefault(key)
        if function is not None and isinstance(function[0].definition, ast.FunctionDef | ast.AsyncFunctionDef):
            self._passes(*function, depth)
        elif name in _CHANGES:
            self.found.changes.append((node, scope))
        if isinstance(node.func, ast.Attribute):
            self.walk(node.func.value, scope, depth + 1)
        for value in (*node.args, *(one.value for one in node.keywords)):
            self.walk(value, scope, depth + 1)

    def _parameter(self, name: str, where: Scope, depth: int) -> None:
        """What a function's parameter is given where the project calls it."""
        self.found.parameters.append((where, name))
        own = where.parent.bindings.get(where.name.rpartition(".")[2]) if where.parent else None
        definition = own.definition if own else None
        if own is None or where.parent is None or not isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        names = [
            one.arg for one in (*definition.args.posonlyargs, *definition.args.args) if one.arg not in ("self", "cls")
        ]
        made = where.parent if definition.name == "__init__" else None
        for node, scope in calls_of(self._flow, own, definition.name, made):
            given = next((one.value for one in node.keywords if one.arg == name), None)
            if given is None and name in names and names.index(name) < len(node.args):
                given = node.args[names.index(name)]
            if given is not None:
                self.walk(given, scope, depth + 1)


def calls_of(flow: Flow, own: Bound, name: str, made: Scope | None) -> list[tuple[ast.Call, Scope]]:
    """Calls of a function of the project; of ``__init__`` of the class ``made``, the calls of that class."""
    if made is None or made.parent is None:
        return flow.calls_of(name, own)
    called = made.name.rpartition(".")[2]
    return flow.calls_of(called, made.parent.bindings.get(called))


def chosen_by(
    found: Provenance, flow: Flow, settings: SettingsReader
) -> tuple[list[tuple[str, str]], list[tuple[Scope, str, str]]]:
    """What has to be set for the code on the way to take a URL for one of Postgres: ``if backend == "postgres"``.

    Returns:
        Variables of the environment with values, and fields of classes with values.
    """
    variables: dict[str, str] = {}
    fields: list[tuple[Scope, str, str]] = []
    for bound, _ in found.functions:
        for node in ast.walk(bound.definition) if bound.definition is not None else ():
            left = node.left if isinstance(node, ast.Compare) else None
            value = _postgres_in(node.comparators[0]) if isinstance(node, ast.Compare) else ""
            if value and bound.inner is not None and isinstance(left, ast.Name | ast.Attribute):
                walker = Walker(flow, settings)
                walker.walk(left, bound.inner)
                variables |= dict.fromkeys(walker.found.variables, value)
                fields += [(owner, name, value) for owner, name in walker.found.fields]
    return list(variables.items()), fields


def _postgres_in(node: ast.expr) -> str:
    """The constant among those compared with that means Postgres."""
    nodes = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    texts = [one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return next((text for text in texts if _POSTGRES.fullmatch(text)), "")
