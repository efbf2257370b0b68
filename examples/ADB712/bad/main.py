"""An app."""

import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://app:change-me@localhost/app")


async def announce() -> None:
    """Tell the service registry that this instance is there, if it listens."""
    try:
        _, writer = await asyncio.open_connection("203.0.113.7", 8500)  # expect: ADB712
    except OSError:
        return
    writer.close()


@asynccontextmanager
async def lifespan(app: FastAPI):
    await announce()
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}
