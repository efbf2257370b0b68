"""An app."""

from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://app:change-me@localhost/app")


class Worker:
    """Does things in the background."""

    async def stop(self) -> None:
        """Leave nothing half done."""


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    app.state.worker = Worker()
    yield
    await engine.dispose()
    await app.state.worker.stop()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}
