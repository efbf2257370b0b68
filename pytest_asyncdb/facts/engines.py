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

_MAKERS = ("sqlalchemy.", "sqlmodel.", "asyncpg.", "psycopg_pool.")


@dataclass(frozen=True, slots=True)
class EngineUrl:
    """The URL of an engine, as far as it is known.

    ``certain`` is false when the value goes through project code (``.replace``, a helper, a validator) that no boot has
    run. ``written`` is where the project wrote it; ``place`` is that or, failing that, the engine's own place.
    ``added`` are parameters that code appends to it (``url + "?ssl=require"``); they are among ``parameters`` too.
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
    added: tuple[UrlParameter, ...] = ()

    @property
    def driver(self) -> str | None:
        """The driver that the scheme names."""
        return self.scheme.partition("+")[2] or None

    def written_parameter(self, name: str) -> UrlParameter | None:
        """The parameter as written in the project's file, for an edit."""
        return self.written.parameter(name) if self.written else None

    def parameter_place(self, name: str) -> Place:
        """Where the project wrote the parameter, else the place of the URL."""
        spot = next((one for one in self.added if one.name == name), None) or self.written_parameter(name)
        return spot.span.place if spot else self.place


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool class that an engine is given: its canonical name (empty for the default), and where it is written."""

    name: str
    span: Span


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
    pools: tuple[Pool, ...] = ()
    """What ``poolclass`` may be: several where a condition decides."""

    @property
    def serves_async(self) -> bool:
        """Whether async code uses it."""
        return self.is_async or self.bound_to_async

    @property
    def makes_at_once(self) -> bool:
        """Whether the call itself makes the engine, rather than configuring an extension that does so later."""
        return self.function.startswith(_MAKERS)

    def connect_arg(self, name: str) -> str | None:
        """``repr`` of one connect argument."""
        return dict(self.connect_args).get(name)
