"""The tables that the tests of the suites work with, unless a suite brings a class of its own."""

from __future__ import annotations

import sqlalchemy.ext.asyncio
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class _Plain:
    """In the place of ``AsyncAttrs`` before SQLAlchemy 2.0.13; the test that needs it is left out there."""


_AsyncAttrs: type = getattr(sqlalchemy.ext.asyncio, "AsyncAttrs", _Plain)


class Base(_AsyncAttrs, DeclarativeBase):  # type: ignore[misc]  # a class that only later versions have
    """Of the tables of the suites."""


class Author(Base):
    """Has a name and books."""

    __tablename__ = "suite_author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    books: Mapped[list[Book]] = relationship(back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    """Has an author."""

    __tablename__ = "suite_book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("suite_author.id"))
    author: Mapped[Author] = relationship(back_populates="books")
