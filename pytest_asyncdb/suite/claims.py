"""What tests of the suites expect to be raised."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import MissingGreenlet, SQLAlchemyError, StatementError

if TYPE_CHECKING:
    from collections.abc import Iterator


class OnPurposeError(Exception):
    """Raised by a test, in a block of the library under test."""


@contextmanager
def raises(kind: type[BaseException], otherwise: str) -> Iterator[list[BaseException]]:
    """Expect an exception; what was raised is in the list.

    Args:
        kind: of exception.
        otherwise: what is wrong when there is none.
    """
    raised: list[BaseException] = []
    try:
        yield raised
    except kind as error:
        raised.append(error)
    else:
        raise AssertionError(f"{otherwise}: no {kind.__name__} came out")


@contextmanager
def refuses_io(otherwise: str) -> Iterator[None]:
    """Expect that IO outside of an ``await`` is refused; with psycopg that is the cause of another error."""
    with raises(SQLAlchemyError, otherwise) as raised:
        yield
    error = raised[0].orig if isinstance(raised[0], StatementError) else raised[0]
    assert isinstance(error, MissingGreenlet), f"implicit IO raised {type(error).__name__}, not MissingGreenlet"
