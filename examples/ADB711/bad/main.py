"""An app."""

import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(  # expect: ADB401
    "postgresql+asyncpg://app:change-me@localhost/app",
    connect_args={"server_settings": {"statement_timeout": 5000}},
)
logger = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(app: FastAPI):
    try:
        async with engine.connect() as connection:  # expect: ADB711
            await connection.execute(text("SELECT 1"))
    except Exception as error:
        logger.error("no database: %s", error)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}
