"""The application."""

from litestar import Litestar, Router, get
from litestar.di import Provide
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shop.accounts import AccountController
from shop.catalogue import products
from shop.database import database, provide_session


@get("/health")
async def health(session: AsyncSession) -> dict[str, str]:
    """Healthy means that the database answers."""
    await session.execute(text("SELECT 1"))
    return {"status": "healthy"}


api = Router("/api", route_handlers=[AccountController, products])

app = Litestar(
    route_handlers=[health, api],
    dependencies={"session": Provide(provide_session)},
    lifespan=[database],
)
