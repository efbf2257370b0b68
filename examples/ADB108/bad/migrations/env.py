"""The migrations' environment."""

from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://app:change-me@localhost/app")
context.configure(url=engine.url)
