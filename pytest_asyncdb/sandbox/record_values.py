"""What several records of the sandbox are made of: exceptions and URLs."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_asyncdb.model.place import Place


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """An exception.

    ``place`` is the project's own last frame of the traceback. ``causes`` walks ``__cause__``, ``__context__``
    and the members of exception groups, outermost first, as (qualified class name, message).
    ``frames`` are the project's own frames, outermost first.
    """

    type: str
    message: str
    place: Place | None = None
    frames: tuple[Place, ...] = ()
    causes: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    """Facts off the exception: ``name`` and ``path`` of an ImportError, ``sqlstate``, ``code`` of SystemExit;
    ``model``, ``missing`` and ``invalid`` (comma-joined field names) of a pydantic ValidationError."""


@dataclass(frozen=True, slots=True)
class UrlRecord:
    """The database URL that an engine really got. The password is only told to exist, never kept."""

    drivername: str
    username: str | None = None
    has_password: bool = False
    host: str | None = None
    port: int | None = None
    database: str | None = None
    query: tuple[tuple[str, str], ...] = ()
