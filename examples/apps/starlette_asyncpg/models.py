"""The table of links."""

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What all tables share."""


class Link(Base):
    """An address under a short word."""

    __tablename__ = "link"

    word: Mapped[str] = mapped_column(String(40), primary_key=True)
    address: Mapped[str]
