"""The database."""

import os

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

url = URL.create(
    "postgresql+asyncpg",
    username="shop",
    password=os.environ["DB_PASSWORD"],
    host="localhost",
    database="shop",
)
engine = create_async_engine(url, pool_pre_ping=True)
