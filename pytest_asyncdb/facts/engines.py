"""Facts about engines: what the source says and what the boot saw are one engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.facts.python import Call
    from pytest_asyncdb.facts.urls import UrlParameter, WrittenUrl
    from pytest_asyncdb.model.finding import Evidence
    from pytest_asyncdb.model.place import Place, Span
    from pytest_asyncdb.sandbox.record import EngineRecord


@dataclass(frozen=True, slots=True)
class EngineUrl:
    """The URL of an engine, as far as it is known.

    ``certain`` is false when the value goes through project code (``.replace``, a helper, a validator) that no boot has
    run. ``written`` is where the project wrote it; ``place`` is that or, failing that, the engine's own place.
    """

    scheme: str
    host: str | None
    port: str | None
    database: str | None
    username: str | None
    parameters: tuple[tuple[str, str], ...]
    place: Place
    certain: bool
    written: WrittenUrl | None = None

    @property
    def driver(self) -> str | None:
        """The driver that the scheme names."""
        return self.scheme.partition("+")[2] or None

    def written_parameter(self, name: str) -> UrlParameter | None:
        """The parameter as written in the project's file, for an edit."""
        return self.written.parameter(name) if self.written else None


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine of the project.

    ``function`` is the canonical name of what makes it, e.g. ``sqlalchemy.ext.asyncio.create_async_engine`` or
    ``sqlmodel.create_engine``. ``is_async`` says whether the project uses it as an async engine
    (also ``AsyncEngine(create_engine(...))``).
    """

    function: str
    is_async: bool
    place: Place
    callee: Span | None
    evidence: Evidence
    url: EngineUrl | None
    role: str
    """``app``, ``test``, ``migration`` or ``script``: of the module it stands in."""
    connect_args: tuple[tuple[str, str], ...] = ()
    connect_args_known: bool = True
    """False when connect_args or ``**options`` could not be resolved."""
    options: tuple[tuple[str, str], ...] = ()
    call: Call | None = None
    seen: EngineRecord | None = None
    bound_to_async: bool = False
    """A sync ``create_engine`` whose engine is handed to an async session factory or AsyncSession."""

    @property
    def serves_async(self) -> bool:
        """Whether async code uses it."""
        return self.is_async or self.bound_to_async

    def connect_arg(self, name: str) -> str | None:
        """``repr`` of one connect argument."""
        return dict(self.connect_args).get(name)
