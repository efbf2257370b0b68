"""The engine and the sessions made from it."""

import os

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=5, max_overflow=5)
new_session = async_sessionmaker(engine, expire_on_commit=False)
