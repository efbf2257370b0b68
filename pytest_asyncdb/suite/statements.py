"""Which statement of SQLAlchemy's documentation a test stands for, and how a failing test says so.

The tests say in our words what is documented; a few key words of the page lead a reader to its place there.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_asyncdb.suite.case import Case

    Test = Callable[[Any, Case], Awaitable[None]]

SQLALCHEMY = "https://docs.sqlalchemy.org/en/{series}/"
LATEST = "21"
"""Series of SQLAlchemy whose pages are named where no installed one decides."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One documented statement."""

    page: str
    """Of the documentation, e.g. ``orm/session_basics.html``; or a whole URL elsewhere."""
    anchor: str
    section: str
    """Heading of the section, or name of what is described there."""
    phrase: str
    """Key words in it."""
    since: tuple[int, ...] = ()
    """First version of SQLAlchemy that it holds for."""

    def url(self, series: str = LATEST) -> str:
        """Where it stands, e.g. for the series ``20``."""
        root = "" if self.page.startswith("https://") else SQLALCHEMY.format(series=series)
        return f"{root}{self.page}#{self.anchor}"


@dataclass(frozen=True, slots=True)
class Section:
    """A place in the documentation that tests take statements from."""

    page: str
    anchor: str
    title: str

    def says(self, phrase: str, since: tuple[int, ...] = ()) -> Callable[[Test], Test]:
        """Have a test stand for a statement of this section, and say so when it fails.

        Args:
            phrase: key words of the statement.
            since: first version of SQLAlchemy that it holds for.
        """
        return _decorator(Statement(self.page, self.anchor, self.title, phrase, since))


def statement_of(test: object) -> Statement | None:
    """The statement that a test stands for; None for any other function."""
    found = getattr(test, "documented", None)
    return found if isinstance(found, Statement) else None


def closed(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Have a test that a maintainer adds to a suite close what its case made, in the event loop that it ran in."""

    @wraps(test)
    async def run(self: object, case: Case, **others: object) -> None:
        __tracebackhide__ = True
        try:
            await test(self, case=case, **others)
        finally:
            await case.close()

    return run


def _decorator(statement: Statement) -> Callable[[Test], Test]:
    def decorate(test: Test) -> Test:
        @wraps(test)
        async def documented(self: object, case: Case) -> None:
            __tracebackhide__ = True
            try:
                await test(self, case)
            except Exception as error:
                error.add_note(_told(test, statement))
                raise
            finally:
                await case.close()

        vars(documented)["documented"] = statement
        return documented

    return decorate


def _told(test: Test, statement: Statement) -> str:
    expected = " ".join((inspect.getdoc(test) or "").split())
    name = getattr(test, "__name__", "")
    return (
        f"\nexpected:   {expected}\n"
        f'documented: "{statement.phrase}" ({statement.section})\n'
        f"            {statement.url(_installed_series())}\n"
        f"on purpose? Say why in the class: deviations = {{{name!r}: '...'}}"
    )


def _installed_series() -> str:
    import sqlalchemy

    return "".join(sqlalchemy.__version__.split(".")[:2])
