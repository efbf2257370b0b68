"""The application."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from src.api import auth, health, tasks
from src.core.config import settings
from src.core.database import close_db, init_db

logging.basicConfig(level=settings.LOG_LEVEL, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
logger = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Create the tables at the start, close the connections at the end."""
    logger.info("Starting application...")
    logger.info("Environment: %s", settings.ENVIRONMENT)
    logger.info("CORS Origins: %s", settings.cors_origins_list)
    await init_db()
    yield
    logger.info("Shutting down application...")
    await close_db()


app = FastAPI(title="Harbor", version="1.0.0", lifespan=lifespan)

app.add_middleware(
    CORSMiddleware,
    allow_origins=settings.cors_origins_list,
    allow_credentials=True,
    allow_methods=["*"],
    allow_headers=["*"],
)

app.include_router(health.router)
app.include_router(auth.router, prefix="/api")
app.include_router(tasks.router, prefix="/api")


if __name__ == "__main__":
    uvicorn.run("src.main:app", host="127.0.0.1", port=settings.PORT, reload=not settings.is_production)
