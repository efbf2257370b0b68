"""Facts about Python sources: imports, calls, definitions, with canonical names resolved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.model.place import Place, Span


class Level(StrEnum):
    """Where a statement stands, as far as import time is concerned."""

    MODULE = "module"
    FUNCTION = "function"
    TYPE_CHECKING = "type-checking"
    GUARDED = "guarded"
    """Inside ``try`` with an ``except ImportError`` (or broader)."""


@dataclass(frozen=True, slots=True)
class Import:
    """One name bound by an import statement; ``import x.y`` has ``name`` None."""

    module: str
    """Absolute dotted module; relative imports are resolved."""
    name: str | None
    alias: str
    """The name bound in the importing module."""
    span: Span
    statement: Span
    level: Level
    used: bool
    """Read anywhere in the file, re-exported by ``__all__``, or in a package's ``__init__``."""
    reads: int = 0
    """How often the file reads the bound name (``__all__`` counts as one); 0 where it was not counted."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression, as far as it can be known without running it.

    ``canonical`` is the dotted origin of a name or attribute (``sqlalchemy.ext.asyncio.AsyncSession``,
    ``src.core.config.settings.DATABASE_URL``); ``literal`` holds a constant's value. Strings with secrets in
    them are redacted in ``source`` and ``literal``.
    """

    source: str
    span: Span
    canonical: str | None = None
    literal: bool | int | float | str | None = None
    is_literal: bool = False
    call: Call | None = None


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call; ``span`` covers ``keyword=value``.

    ``keyword`` is None for a positional one, ``*`` for ``*x`` and ``**`` for ``**x``.
    """

    keyword: str | None
    span: Span
    value: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """A call of something that matters here (databases, frameworks), with the callee's canonical name.

    ``target`` follows import aliases: ``from sqlmodel import create_engine as ce; ce(...)`` has the target
    ``sqlmodel.create_engine``. Project-defined functions keep the project's name.
    """

    target: str
    callee: Span
    span: Span
    arguments: tuple[Argument, ...]
    assigned_to: str | None
    """Dotted canonical name that the result is bound to at module or class level (``src.core.database.engine``)."""
    level: Level

    def argument(self, keyword: str) -> Argument | None:
        """The argument given by that keyword."""
        return next((a for a in self.arguments if a.keyword == keyword), None)

    def positional(self, index: int) -> Argument | None:
        """The positional argument at that index, from 0."""
        plain = [a for a in self.arguments if a.keyword is None]
        return plain[index] if index < len(plain) else None


@dataclass(frozen=True, slots=True)
class SyntaxFault:
    """A file that the running Python cannot parse.

    ``needs`` is the Python whose syntax it uses (``3.14``), when that can be told: what it imports and calls is known
    all the same. ``inside`` is what a pair of parentheses would make valid on every Python, where one would.
    """

    place: Place
    message: str
    needs: str = ""
    inside: Span | None = None


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file of the project; modules that mention nothing relevant have no calls."""

    name: str
    """Dotted name from the import root (``src.core.database``)."""
    path: str
    is_package: bool
    role: str
    """``app``, ``test``, ``migration``, ``script``, ``generated``, or ``template`` of another project."""
    imports: tuple[Import, ...] = ()
    calls: tuple[Call, ...] = ()
    fault: SyntaxFault | None = None
