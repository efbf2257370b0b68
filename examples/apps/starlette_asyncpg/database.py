"""The engine and the sessions made from it."""

import os

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

# The platform sets DATABASE_URL; on a developer's machine the database is local.
url = os.environ.get("DATABASE_URL", "postgresql+asyncpg://links:change-me@localhost:5432/links")

engine = create_async_engine(url, pool_size=5, max_overflow=5, pool_pre_ping=True)
new_session = async_sessionmaker(engine, expire_on_commit=False)
