"""The database, and a second pool for long reports."""

import os

from dotenv import load_dotenv
from sqlalchemy.ext.asyncio import create_async_engine

load_dotenv()

engine = create_async_engine(os.environ["DATABASE_URL"], pool_pre_ping=True)
reports = create_async_engine(str(engine.url), pool_pre_ping=True, pool_size=2)  # expect: ADB314
