"""Where a value comes from: bindings, attributes of settings objects, results of the project's own functions."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from pytest_asyncdb.facts.python import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts.bindings import Bound, Scope
    from pytest_asyncdb.facts.codebase import Codebase, Source
    from pytest_asyncdb.facts.names import Names

Value: TypeAlias = "tuple[ast.expr, Scope]"
_DEPTH = 8
_PROPERTIES = frozenset({"property", "cached_property", "computed_field"})


class Flow:
    """Follows values through the project, without running it."""

    def __init__(self, codebase: Codebase, names: Names) -> None:
        """Remember where modules and names are found."""
        self._codebase = codebase
        self.names = names
        self._owners: dict[str, Scope | None] = {}

    @cached_property
    def _calls(self) -> dict[str, list[tuple[ast.Call, Scope]]]:
        """Every call outside of tests, by the last part of what is called."""
        found: dict[str, list[tuple[ast.Call, Scope]]] = {}
        for source in self._codebase.sources():
            for raw in source.calls if source.role != "test" else ():
                called = raw.node.func
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                found.setdefault(name, []).append((raw.node, raw.scope))
        return found

    def source(self, scope: Scope) -> Source | None:
        """The file that a scope belongs to."""
        return self._codebase.module(scope.module)

    def packages_of(self, module: str) -> Iterator[str]:
        """Modules from outside the project that importing one of its modules imports, each once."""
        waiting, met = [module, *_parents(module)], {module, *_parents(module)}
        while waiting:
            source = self._codebase.module(waiting.pop(0))
            for one in source.imports if source is not None else ():
                named = (one.module, f"{one.module}.{one.alias.name}")
                inside = [name for name in (*_parents(one.module), *named) if name in self._codebase.paths]
                new = [name for name in inside or [one.module] if name not in met and one.level is Level.MODULE]
                met.update(new)
                waiting += new if inside else []
                yield from () if inside else new

    def bound(  # noqa: PLR0911 - one return per kind of expression
        self, node: ast.expr, scope: Scope, depth: int = 0
    ) -> tuple[Bound, Scope] | None:
        """What a name or attribute is bound to, following imports, objects and base classes."""
        if depth > _DEPTH:
            return None
        if isinstance(node, ast.Name):
            found = self.names.find(node.id, scope)
            if found is not None and found[0].imported is None:
                return found
            canonical = self.names.canonical(node, scope)
            return self._by_name(canonical) if canonical else None
        if not isinstance(node, ast.Attribute):
            return None
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            owner = scope.owner()
            return self.member(owner, node.attr) if owner else None
        owner = self.class_of(node.value, scope, depth + 1)
        if owner is not None:
            return self.member(owner, node.attr)
        canonical = self.names.canonical(node, scope)
        return self._by_name(canonical) if canonical else None

    def class_of(  # noqa: PLR0911 - one return per kind of expression
        self, node: ast.expr, scope: Scope, depth: int = 0
    ) -> Scope | None:
        """Scope of the project's class that an expression is, is annotated as, or is an instance of."""
        if depth > _DEPTH:
            return None
        if isinstance(node, ast.Call):
            return self._class_made_by(node, scope, depth)
        if isinstance(node, ast.BinOp):  # Settings | None
            return self.class_of(node.left, scope, depth + 1) or self.class_of(node.right, scope, depth + 1)
        if isinstance(node, ast.Constant):  # "Settings", a forward reference
            named = _expression(node.value)
            return self.class_of(named, scope, depth + 1) if named is not None else None
        if isinstance(node, ast.Subscript):  # Annotated[Settings, ...], type[Settings]
            inner = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
            return self.class_of(inner, scope, depth + 1)
        found = self.bound(node, scope, depth + 1)
        if found is None:
            return None
        bound, where = found
        if isinstance(bound.definition, ast.ClassDef):
            return bound.inner
        for value, inside in bound.values[:1]:
            made = self.class_of(value, inside, depth + 1)
            if made is not None:
                return made
        return self.class_of(bound.annotation, where, depth + 1) if bound.annotation is not None else None

    def member(self, owner: Scope, name: str, depth: int = 0) -> tuple[Bound, Scope] | None:
        """An attribute of a class, looked for in its bases too."""
        if name in owner.bindings:
            return owner.bindings[name], owner
        for base in self.bases(owner) if depth < _DEPTH else ():
            inner = self.class_of(base, owner.parent or owner)
            found = self.member(inner, name, depth + 1) if inner is not None and inner is not owner else None
            if found is not None:
                return found
        return None

    def only_owner(self, name: str) -> Scope | None:
        """The app's class that defines a property of that name, when one alone does."""
        if name not in self._owners:
            owners = list(self._owners_of(name))
            self._owners[name] = owners[0] if len(owners) == 1 else None
        return self._owners[name]

    def _owners_of(self, name: str) -> Iterator[Scope]:
        for path, role in self._codebase.roles.items():
            if role != "app" or f"def {name}(".encode() not in (self._codebase.project.data(path) or b""):
                continue
            source = self._codebase.module(self._codebase.names[path])
            for bound in source.scope.bindings.values() if source is not None else ():
                inner = bound.inner if isinstance(bound.definition, ast.ClassDef) else None
                if inner is not None and name in inner.bindings and is_property(inner.bindings[name]):
                    yield inner

    def bases(self, owner: Scope) -> list[ast.expr]:
        """Base class expressions of a class."""
        name = owner.name.rpartition(".")[2]
        bound = owner.parent.bindings.get(name) if owner.parent else None
        return bound.definition.bases if bound and isinstance(bound.definition, ast.ClassDef) else []

    def origins(self, owner: Scope, depth: int = 0) -> Iterator[str]:
        """Canonical names of all bases of a class, those of its project bases included."""
        for base in self.bases(owner) if depth < _DEPTH else ():
            plain = base.value if isinstance(base, ast.Subscript) else base
            canonical = self.names.canonical(plain, owner.parent or owner)
            if canonical is not None:
                yield canonical
            inner = self.class_of(plain, owner.parent or owner)
            if inner is not None and inner is not owner:
                yield from self.origins(inner, depth + 1)

    def returns(self, bound: Bound) -> list[Value]:
        """What a function of the project returns or yields."""
        if bound.definition is None or bound.inner is None:
            return []
        inner = bound.inner
        found = (node.value for node in _own_nodes(bound.definition) if isinstance(node, ast.Return | ast.Yield))
        return [(value, inner) for value in found if value is not None]

    def calls_of(self, name: str, function: Bound | None) -> list[tuple[ast.Call, Scope]]:
        """Every call of one of the project's functions, outside of tests."""
        calls = self._calls.get(name, ())
        return [call for call in calls if (found := self.bound(call[0].func, call[1])) and found[0] is function]

    def final(  # noqa: PLR0911 - one return per kind of expression
        self, node: ast.expr, scope: Scope, depth: int = 0
    ) -> list[Value]:
        """The expressions that a value may be, names and the project's own functions followed to their end."""
        if depth > _DEPTH:
            return []
        if isinstance(node, ast.Await):
            return self.final(node.value, scope, depth)
        if isinstance(node, ast.IfExp):
            return self.final(node.body, scope, depth + 1) + self.final(node.orelse, scope, depth + 1)
        if isinstance(node, ast.Call):
            function = self.bound(node.func, scope)
            if function is None or isinstance(function[0].definition, ast.ClassDef | None):
                return [(node, scope)]
            made = [one for value in self.returns(function[0]) for one in self.final(*value, depth + 1)]
            return made or [(node, scope)]
        found = self.bound(node, scope) if isinstance(node, ast.Name | ast.Attribute) else None
        if found is None:
            return [(node, scope)]
        bound = found[0]
        if bound.definition is not None and is_property(bound):
            return [one for value in self.returns(bound) for one in self.final(*value, depth + 1)]
        return [one for value in bound.values for one in self.final(*value, depth + 1)] or [(node, scope)]

    def _class_made_by(self, node: ast.Call, scope: Scope, depth: int) -> Scope | None:
        function = self.bound(node.func, scope, depth + 1)
        if function is None:
            return None
        bound = function[0]
        if isinstance(bound.definition, ast.ClassDef):
            return bound.inner
        if bound.definition is not None and bound.definition.returns is not None:
            made = self.class_of(bound.definition.returns, function[1], depth + 1)
            if made is not None:
                return made
        return next((made for value in self.returns(bound) if (made := self.class_of(*value, depth + 1))), None)

    def _by_name(self, canonical: str) -> tuple[Bound, Scope] | None:
        """The binding of a canonical name: the longest module it begins with, then objects and classes."""
        module, rest = canonical, ""
        while module not in self._codebase.paths:
            module, _, last = module.rpartition(".")
            if not module:
                return None
            rest = f"{last}.{rest}" if rest else last
        source = self._codebase.module(module)
        if source is None or not rest:
            return None
        first, *further = rest.split(".")
        bound = source.scope.bindings.get(first)
        found = (bound, source.scope) if bound is not None else None
        for name in further:
            owner = self._owner(found)
            found = self.member(owner, name) if owner is not None else None
        return found

    def _owner(self, found: tuple[Bound, Scope] | None) -> Scope | None:
        if found is None:
            return None
        bound, where = found
        if isinstance(bound.definition, ast.ClassDef):
            return bound.inner
        for value, inside in bound.values[:1]:
            return self.class_of(value, inside)
        return self.class_of(bound.annotation, where) if bound.annotation is not None else None


def _parents(module: str) -> list[str]:
    """The packages that importing a module imports first."""
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _expression(value: object) -> ast.expr | None:
    """The expression that a text is."""
    try:
        return ast.parse(value, mode="eval").body if isinstance(value, str) else None
    except SyntaxError:
        return None


def is_property(bound: Bound) -> bool:
    """Whether a function is read like an attribute."""
    return bound.definition is not None and not _PROPERTIES.isdisjoint(decorators(bound.definition))


def decorators(definition: ast.AST) -> dict[str, ast.expr]:
    """Decorators of a definition by the last part of their names."""
    found = getattr(definition, "decorator_list", [])
    return {name: one for one in found if (name := _decorator_name(one)) is not None}


def _decorator_name(node: ast.expr) -> str | None:
    plain = node.func if isinstance(node, ast.Call) else node
    if isinstance(plain, ast.Attribute):
        return plain.attr
    return plain.id if isinstance(plain, ast.Name) else None


def _own_nodes(definition: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a function's body, without those of functions and classes inside it."""
    stack = list(getattr(definition, "body", []))
    while stack:
        node = stack.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack += ast.iter_child_nodes(node)
