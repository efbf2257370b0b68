"""Facts about database URLs written in the project's files. No fact ever holds a password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.model.place import Span


@dataclass(frozen=True, slots=True)
class UrlParameter:
    """One ``name=value`` of the query; ``span`` covers ``name=value`` without the ``&`` or ``?``."""

    name: str
    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class WrittenUrl:
    """A database URL as it stands in a file.

    ``key`` is the setting's name (``DATABASE_URL``) or the dotted name it is assigned to. ``query_span`` covers the
    query including its ``?``; it is an empty span at the URL's end when there is none.
    """

    kind: str
    """``env``, ``env-example``, ``python``, ``ini``, ``compose`` or ``docker`` (a Dockerfile)."""
    key: str | None
    masked: str
    span: Span
    scheme: str
    scheme_span: Span
    username: str | None
    host: str | None
    port: str | None
    database: str | None
    parameters: tuple[UrlParameter, ...]
    query_span: Span
    has_password: bool
    password_is_placeholder: bool
    tracked: bool
    """Whether git tracks the file."""
    role: str = "app"
    """``app``, ``test``, ``migration`` or ``script``: of the file it stands in."""

    @property
    def driver(self) -> str | None:
        """``asyncpg`` of ``postgresql+asyncpg``, None when the scheme names none."""
        return self.scheme.partition("+")[2] or None

    def parameter(self, name: str) -> UrlParameter | None:
        """The first parameter of that name."""
        return next((p for p in self.parameters if p.name == name), None)
