"""Tables."""

from decimal import Decimal

from sqlalchemy import Numeric, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What all tables share."""


class Customer(Base):
    """Somebody who may buy."""

    __tablename__ = "customer"

    email: Mapped[str] = mapped_column(String(320), primary_key=True)
    password_hash: Mapped[str]


class Product(Base):
    """Something for sale."""

    __tablename__ = "product"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
