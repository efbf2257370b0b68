"""The engine, its sessions, and their place in a Litestar app."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dotenv import load_dotenv
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from shop.models import Base

load_dotenv()

engine = create_async_engine(os.environ["SHOP_DATABASE_URL"], pool_pre_ping=True)
new_session = async_sessionmaker(engine, expire_on_commit=False)


async def provide_session() -> AsyncIterator[AsyncSession]:
    """Give a request its session, and commit when the request went well."""
    async with new_session.begin() as session:
        yield session


@asynccontextmanager
async def database(app: Litestar) -> AsyncIterator[None]:
    """Have the tables ready before the first request, and no connection left after the last."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    try:
        yield
    finally:
        await engine.dispose()
