"""
Database engine, session factory and table creation.
"""

from typing import AsyncGenerator
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
import logging

from src.core.config import settings

logger = logging.getLogger(__name__)

# One engine for the whole process
engine: AsyncEngine = create_async_engine(
    settings.DATABASE_URL,
    echo=False,
    pool_pre_ping=True,
    pool_recycle=300,
    pool_size=5,
    max_overflow=10,
)

# One session for each request; objects stay readable after a commit
async_session_maker = async_sessionmaker(
    engine,
    class_=AsyncSession,
    expire_on_commit=False,
    # services flush when they need an id
    autoflush=False,
)


async def get_session() -> AsyncGenerator[AsyncSession, None]:
    """Give a request its session; what it did is rolled back when it raises."""
    async with async_session_maker() as session:
        try:
            yield session
        except Exception:
            await session.rollback()
            raise


async def init_db() -> None:
    """Create the tables that do not exist yet."""
    from src import models  # noqa: F401 - fills SQLModel.metadata

    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    logger.info("Database initialized successfully")


async def close_db() -> None:
    """Close all pooled connections."""
    await engine.dispose()
    logger.info("Database connections closed")
