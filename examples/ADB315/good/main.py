from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text

from database import engine


@asynccontextmanager
async def lifespan(app):
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
