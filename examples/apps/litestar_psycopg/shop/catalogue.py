"""What is for sale."""

from dataclasses import dataclass
from decimal import Decimal

from litestar import get
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shop.models import Product


@dataclass
class Offer:
    """A product and its price."""

    name: str
    price: Decimal


@get("/products")
async def products(session: AsyncSession) -> list[Offer]:
    """Everything for sale, by name."""
    found = await session.scalars(select(Product).order_by(Product.name))
    return [Offer(product.name, product.price) for product in found]
