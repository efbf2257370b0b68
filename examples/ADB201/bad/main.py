"""An app."""

from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncEngine, AsyncSession  # expect: ADB201

engine: AsyncEngine = create_async_engine("postgresql+asyncpg://app:change-me@localhost/app")


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with AsyncSession(engine) as session:
        await session.exec(select(1))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}
