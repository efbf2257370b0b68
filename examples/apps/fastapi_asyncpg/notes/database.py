"""The engine and the sessions made from it."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from notes.settings import settings

engine = create_async_engine(settings.database_url, pool_pre_ping=True)
new_session = async_sessionmaker(engine, expire_on_commit=False)


async def session() -> AsyncIterator[AsyncSession]:
    """Give a request its session, and commit when the request went well."""
    async with new_session.begin() as session:
        yield session
