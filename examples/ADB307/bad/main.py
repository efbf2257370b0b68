"""An app."""

from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(  # expect: ADB307
    "postgresql+asyncpg://app:change-me@ep-calm-sea-1-pooler.eu-central-1.aws.neon.tech/app",
    connect_args={"server_settings": {"jit": "off"}},
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
