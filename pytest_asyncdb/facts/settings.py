"""Settings classes: which variable of the environment a field is read from, its default, and what rewrites it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.flow import decorators

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_asyncdb.facts.bindings import Bound, Scope
    from pytest_asyncdb.facts.flow import Flow, Value
    from pytest_asyncdb.facts.urls import WrittenUrl

_VALIDATORS = frozenset({"field_validator", "validator", "model_validator", "root_validator"})
_WHOLE = frozenset({"model_validator", "root_validator"})
_INITIALISERS = frozenset({"__init__", "model_post_init", "__post_init__"})
_OWN_NAMES = ("alias", "validation_alias", "env")


class SettingsReader:
    """Reads settings classes.

    Args:
        flow: follows names.
        urls: every URL written in the project.
        folders: folders whose ``.env`` the app reads, nearest first (``.`` for the project's root).
    """

    def __init__(self, flow: Flow, urls: Iterable[WrittenUrl], folders: tuple[str, ...]) -> None:
        """Sort the URLs of the environment by how likely the app reads them."""
        self._flow = flow
        self._folders = folders
        self._by_key: dict[str, WrittenUrl] = {}
        found = [
            url for url in urls if url.kind in ("env", "env-example", "compose") and url.key and url.role != "test"
        ]
        for url in sorted(found, key=self._rank):
            self._by_key.setdefault((url.key or "").upper(), url)

    def by_key(self, key: str) -> WrittenUrl | None:
        """The URL that a variable of the environment has; ``.env`` comes before ``.env.example`` and compose files."""
        return self._by_key.get(key.upper())

    def from_environment(self, owner: Scope, name: str, node: ast.expr) -> WrittenUrl | None:
        """The URL that a field of a settings class has from the environment; None for a class that reads none."""
        return next((url for key in self.keys(owner, name, node) if (url := self.by_key(key)) is not None), None)

    def keys(self, owner: Scope, name: str, node: ast.expr) -> list[str]:
        """The variables of the environment that a field may be read from, the likeliest first."""
        nested = _nested(node)
        if not self.reads_environment(owner):
            return [nested] if "__" in nested else []
        return [*self._aliases(owner, name), f"{self._prefix(owner)}{name}", nested]

    def reads_environment(self, owner: Scope) -> bool:
        """Whether a class is a settings class: its fields come from the environment."""
        return any(one.rpartition(".")[2] == "BaseSettings" for one in self._flow.origins(owner))

    def defaults(self, bound: Bound) -> Iterator[Value]:
        """The values a field may have by itself: plain, or in ``Field(...)``."""
        for value, scope in bound.values:
            name = getattr(value.func, "attr", getattr(value.func, "id", "")) if isinstance(value, ast.Call) else ""
            if isinstance(value, ast.Call) and name in ("Field", "field"):
                yield from ((one, scope) for one in value.args[:1])
                for given in value.keywords:
                    if given.arg == "default":
                        yield given.value, scope
                    elif given.arg == "default_factory" and isinstance(given.value, ast.Lambda | ast.Call):
                        yield getattr(given.value, "body", given.value), scope
            else:
                yield value, scope

    def validators(self, owner: Scope, name: str) -> list[Bound]:
        """Methods that may change the field: its validators, those of the whole model, ``__init__`` and the like."""
        found = []
        field = owner.bindings.get(name)
        is_set_inside = field is not None and any(scope.kind == "function" for _, scope in field.values)
        for method, bound in owner.bindings.items():
            if not isinstance(bound.definition, ast.FunctionDef):
                continue
            used = decorators(bound.definition)
            for decorator in _VALIDATORS & used.keys():
                fields = [one.value for one in getattr(used[decorator], "args", []) if isinstance(one, ast.Constant)]
                if name in fields or "*" in fields or (decorator in _WHOLE and _mentions(bound.definition, name)):
                    found.append(bound)
            if method in _INITIALISERS and not is_set_inside and _mentions(bound.definition, name):
                found.append(bound)
        return found

    def _aliases(self, owner: Scope, name: str) -> Iterator[str]:
        found = self._flow.member(owner, name)
        for value, _ in found[0].values if found else ():
            for given in value.keywords if isinstance(value, ast.Call) else ():
                if given.arg in _OWN_NAMES:
                    for one in ast.walk(given.value):  # also AliasChoices("A", "B")
                        if isinstance(one, ast.Constant) and isinstance(one.value, str):
                            yield one.value

    def _prefix(self, owner: Scope) -> str:
        """``env_prefix`` of ``model_config`` or of the inner class ``Config``."""
        config = self._flow.member(owner, "model_config")
        for value, _ in config[0].values if config else ():
            for given in value.keywords if isinstance(value, ast.Call) else ():
                if given.arg == "env_prefix" and isinstance(given.value, ast.Constant):
                    return str(given.value.value)
        inner = self._flow.member(owner, "Config")
        bound = inner[0].inner.bindings.get("env_prefix") if inner and inner[0].inner else None
        for value, _ in bound.values if bound else ():
            if isinstance(value, ast.Constant):
                return str(value.value)
        return ""

    def _rank(self, url: WrittenUrl) -> tuple[int, int, int, str]:
        folder, _, name = url.span.path.rpartition("/")
        kind = ("env", "env-example", "compose").index(url.kind)
        near = self._folders.index(folder or ".") if (folder or ".") in self._folders else len(self._folders)
        plain = 0 if name in (".env", ".env.example") else 1 if "local" in name or "dev" in name else 2
        return (kind, near, plain, url.span.path)


def _nested(node: ast.expr) -> str:
    """``settings.database.url`` as pydantic's nested delimiter has it: ``database__url``."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return "__".join(parts)


def _mentions(definition: ast.AST, name: str) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and node.attr == name)
        or (isinstance(node, ast.Constant) and node.value == name)
        for node in ast.walk(definition)
    )
