"""The expression that has the project make an engine: a function of its own, called with all that it requires."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.flow import decorators
from pytest_asyncdb.facts.provenance import calls_of

if TYPE_CHECKING:
    from pytest_asyncdb.facts.bindings import Bound, Scope
    from pytest_asyncdb.facts.flow import Flow
    from pytest_asyncdb.facts.provenance import Provenance
    from pytest_asyncdb.facts.settings import SettingsReader

_DEPTH = 4
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Caller:
    """Writes the expression that has an engine made."""

    def __init__(
        self,
        flow: Flow,
        settings: SettingsReader,
        found: Provenance,
        fields: list[tuple[Scope, str]],
        values: list[tuple[Scope, str, str]],
    ) -> None:
        """Take what is known about the URL: where it comes from, its fields, and values that choose Postgres."""
        self._flow = flow
        self._settings = settings
        self._parameters = {(id(where), name) for where, name in found.parameters}
        self._fields = fields
        self._values = values
        self.takes_url = False
        """Whether the URL is handed over as an argument."""

    def invoke(self, node: ast.Call, scope: Scope, depth: int = 0) -> tuple[str, str] | None:
        """The module to import and the expression to evaluate in it, empty where importing is enough."""
        function = _function_around(scope)
        if function is None:
            return scope.module, ""
        own = function.parent.bindings.get(function.name.rpartition(".")[2]) if function.parent else None
        if own is None or not isinstance(own.definition, _FUNCTIONS) or depth > _DEPTH:
            return None
        made = function.parent if own.definition.name == "__init__" else None
        callers = [call for call in calls_of(self._flow, own, own.definition.name, made) if self._is_app(call[1])]
        direct = self._direct(own, function, has_callers=bool(callers))
        if direct is not None:
            return function.module, direct
        text = self._evaluable(node, scope)
        if text:
            return scope.module, text
        return next((found for one in callers if (found := self.invoke(*one, depth + 1)) is not None), None)

    def _is_app(self, scope: Scope) -> bool:
        source = self._flow.source(scope)
        return source is not None and source.role == "app"

    def _direct(self, own: Bound, function: Scope, *, has_callers: bool) -> str | None:
        """A call of the function with all that it requires; None when something can't be supplied."""
        definition, holder = own.definition, function.parent
        if not isinstance(definition, _FUNCTIONS) or holder is None or holder.kind == "function":
            return None
        path = self._path(definition, holder)
        bound = holder.kind == "class" and "staticmethod" not in decorators(definition)
        required = _required(definition.args)[1 if bound else 0 :]
        written = [(one.arg, self._supplied(one, given, function, has_callers=has_callers)) for one, given in required]
        if path is None or any(text is None for _, text in written):
            return None
        return f"{path}({', '.join(f'{name}={text}' for name, text in written)})"

    def _path(self, definition: ast.FunctionDef | ast.AsyncFunctionDef, holder: Scope) -> str | None:
        if holder.kind == "module":
            return definition.name
        if definition.name == "__init__":
            return holder.name
        used = decorators(definition)
        return f"{holder.name}.{definition.name}" if "staticmethod" in used or "classmethod" in used else None

    def _supplied(self, one: ast.arg, given: ast.expr | None, function: Scope, *, has_callers: bool) -> str | None:
        """The text of a value for a parameter: settings, a configuration object with the URL in it, or the URL."""
        where = function.parent or function
        depends = given.args[0] if isinstance(given, ast.Call) and given.args else None
        node = one.annotation if one.annotation is not None else depends
        owner = self._flow.class_of(node, where) if node is not None else self._used_as(one, function)
        if owner is None and (id(function), one.arg) in self._parameters and not has_callers and _is_text(one):
            self.takes_url = True
            return "_asyncdb_url"
        if owner is None:
            return None
        made = f"_asyncdb_load({owner.module!r}, {owner.name!r})"
        if self._settings.reads_environment(owner):
            return f"{made}()"
        fields = [name for place, name in self._fields if place is owner]
        if not fields:
            return None
        self.takes_url = True
        values = [f"{name}={value!r}" for place, name, value in self._values if place is owner and name not in fields]
        return f"{made}({', '.join(dict.fromkeys([*(f'{name}=_asyncdb_url' for name in fields), *values]))})"

    def _used_as(self, one: ast.arg, function: Scope) -> Scope | None:
        """The class of a parameter without annotation, by a property that the function reads off it."""
        own = function.parent.bindings.get(function.name.rpartition(".")[2]) if function.parent else None
        for node in ast.walk(own.definition) if own is not None and own.definition is not None else ():
            match node:
                case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == one.arg:
                    if (owner := self._flow.only_owner(attribute)) is not None:
                        return owner
        return None

    def _evaluable(self, node: ast.Call, scope: Scope) -> str:
        """The call's own text, when it needs nothing but what its module has."""
        source = self._flow.source(scope)
        names = [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]
        found = [self._flow.names.find(name, scope) for name in names]
        inside = any(one is not None and one[1].kind == "function" for one in found)
        return "" if source is None or inside else source.segment(node)


def _function_around(scope: Scope | None) -> Scope | None:
    while scope is not None and scope.kind != "function":
        scope = scope.parent
    return scope


def _required(arguments: ast.arguments) -> list[tuple[ast.arg, ast.expr | None]]:
    """Parameters without a default, and those that a framework fills in: ``settings=Depends(get_settings)``."""
    positional = [*arguments.posonlyargs, *arguments.args]
    plain = len(positional) - len(arguments.defaults)
    filled = zip(positional[plain:], arguments.defaults, strict=True)
    found: list[tuple[ast.arg, ast.expr | None]] = [(one, None) for one in positional[:plain]]
    found += [(one, given) for one, given in filled if _is_depends(given)]
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [*found, *((one, given) for one, given in named if given is None or _is_depends(given))]


def _is_depends(given: ast.expr) -> bool:
    return isinstance(given, ast.Call) and getattr(given.func, "id", getattr(given.func, "attr", "")) in (
        "Depends",
        "Provide",
    )


def _is_text(one: ast.arg) -> bool:
    plain = one.annotation is None or (isinstance(one.annotation, ast.Name) and one.annotation.id == "str")
    return plain and re.search(r"(?i)url|dsn|uri|conn", one.arg) is not None
