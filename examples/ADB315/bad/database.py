"""The database."""

import os
from urllib.parse import quote_plus

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

url = URL.create(
    "postgresql+asyncpg",
    username="shop",
    password=quote_plus(os.environ["DB_PASSWORD"]),  # expect: ADB315
    host="localhost",
    database="shop",
)
engine = create_async_engine(url, pool_pre_ping=True)
