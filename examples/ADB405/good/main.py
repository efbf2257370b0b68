"""An app."""

from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

engine = create_async_engine(
    "postgresql+asyncpg://app:change-me@localhost/app",
    pool_pre_ping=True,
)


def reporting() -> AsyncEngine:
    return create_async_engine(
        "postgresql+asyncpg://app:change-me@localhost/reports",
        isolation_level="repeatable_read",
    )


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
