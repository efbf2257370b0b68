"""Facts about session factories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.facts.python import Call
    from pytest_asyncdb.model.finding import Evidence
    from pytest_asyncdb.model.place import Place
    from pytest_asyncdb.sandbox.record import FactoryRecord


@dataclass(frozen=True, slots=True)
class SessionFactory:
    """One factory; ``session_class`` is canonical (``sqlalchemy.ext.asyncio.AsyncSession``) or None when not given.

    ``factory`` is ``sqlalchemy.orm.sessionmaker`` or ``sqlalchemy.ext.asyncio.async_sessionmaker`` (origins such as
    ``sqlmodel`` are resolved to these). ``bind_is_async`` is None when unknown.
    """

    factory: str
    session_class: str | None
    session_is_async: bool | None
    bind_is_async: bool | None
    options: tuple[tuple[str, str], ...]
    options_known: bool
    """False when ``**options`` are handed on."""
    place: Place
    evidence: Evidence
    role: str
    call: Call | None = None
    seen: FactoryRecord | None = None

    @property
    def serves_async(self) -> bool:
        """Whether it makes sessions for async code, as far as that is known."""
        return bool(self.session_is_async or self.bind_is_async)

    def option(self, name: str) -> str | None:
        """``repr`` of an option given by the project, None when left at its default."""
        return dict(self.options).get(name)
