"""An app."""

import os
from contextlib import asynccontextmanager

from dotenv import load_dotenv
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


def to_async(url: str) -> str:  # expect: ADB313
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


load_dotenv()
engine = create_async_engine(to_async(os.environ["DATABASE_URL"]))


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
