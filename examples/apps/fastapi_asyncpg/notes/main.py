"""The application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text

from notes import accounts, notes
from notes.accounts import Session
from notes.database import engine
from notes.models import Base


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Have the tables ready before the first request, and no connection left after the last."""
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield
    finally:
        await engine.dispose()


app = FastAPI(title="Notes", lifespan=lifespan)
app.include_router(accounts.router)
app.include_router(notes.router)


@app.get("/health")
async def health(db: Session) -> dict[str, str]:
    """Healthy means that the database answers."""
    await db.execute(text("SELECT 1"))
    return {"status": "healthy"}
