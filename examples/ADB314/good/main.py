from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text

from database import engine, reports


@asynccontextmanager
async def lifespan(app):
    for each in (engine, reports):
        async with each.connect() as connection:
            await connection.execute(text("SELECT 1"))
    yield
    await reports.dispose()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
