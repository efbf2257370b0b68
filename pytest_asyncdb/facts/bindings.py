"""The pieces of a file's scopes: what names are bound to, and imports and calls before positions are worked out."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pytest_asyncdb.facts.python import Level

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(slots=True)
class Bound:
    """What a name is bound to in one scope: by import, definition, assignments, or opaquely (a loop, a parameter)."""

    imported: tuple[str, str | None] | None = None
    definition: Definition | None = None
    values: list[tuple[ast.expr, Scope]] = field(default_factory=list)
    opaque: bool = False
    inner: Scope | None = None
    """Scope of the definition."""
    annotation: ast.expr | None = None


@dataclass(slots=True)
class Scope:
    """A module, class or function; ``name`` is dotted from the module on (``Settings.url``), empty for the module."""

    kind: str
    name: str
    parent: Scope | None
    module: str
    bindings: dict[str, Bound] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    stars: list[str] = field(default_factory=list)

    @property
    def top(self) -> Scope:
        """The module's scope."""
        return self if self.parent is None else self.parent.top

    def owner(self) -> Scope | None:
        """The class that ``self`` belongs to inside a method."""
        if self.kind == "class":
            return self
        return self.parent.owner() if self.parent else None

    def dotted(self, name: str) -> str:
        """Canonical name of something bound here."""
        return ".".join(part for part in (self.module, self.name, name) if part)


@dataclass(frozen=True, slots=True)
class RawImport:
    """One imported name, before positions are worked out."""

    node: ast.Import | ast.ImportFrom
    alias: ast.alias
    module: str
    bound: str
    level: Level


@dataclass(frozen=True, slots=True)
class RawCall:
    """One call: where it stands and the plain or dotted target that its result is assigned to."""

    node: ast.Call
    scope: Scope
    level: Level
    target: ast.expr | None
    decorates: Definition | None = None
