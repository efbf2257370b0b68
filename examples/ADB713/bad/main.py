"""An app."""

import os
import sys
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://app:change-me@localhost/app")


@asynccontextmanager
async def lifespan(app: FastAPI):
    if "REGION" not in os.environ:
        sys.exit("REGION is not set")  # expect: ADB713
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}
