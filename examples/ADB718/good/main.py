"""An app."""

import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://app:change-me@localhost/app")


async def warm_up() -> None:
    """Fill the cache, when the first request asks for it."""
    _, writer = await asyncio.open_connection("localhost", 6379)
    writer.close()


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}


@app.get("/prices")
async def prices() -> dict[str, str]:
    await warm_up()
    return {}
