from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from config import settings

engine = create_async_engine(str(settings.DATABASE_URL), pool_pre_ping=True)


@asynccontextmanager
async def lifespan(app):
    async with engine.connect() as connection:
        await connection.execute(text("SELECT count(*) FROM users"))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
