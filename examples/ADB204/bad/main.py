"""An app."""

from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import async_sessionmaker

engine = create_engine("postgresql+asyncpg://app:change-me@localhost/app")  # expect: ADB204
async_session = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def lifespan(app: FastAPI):
    connection = await asyncpg.connect("postgresql://app:change-me@localhost/app")
    await connection.close()
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/visits")
async def visits() -> int:
    async with async_session() as session:
        return await session.scalar(text("SELECT 1"))
