"""SQLModel: its session class and its tables, by SQLAlchemy's factory, and in FastAPI as its documentation has it."""

from contextlib import asynccontextmanager
from typing import Annotated

import pytest

pytest.importorskip("sqlmodel")

from fastapi import Depends, FastAPI
from pytest_asyncdb.suite import ASGISuite, DependencySuite, SessionFactorySuite
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession


EXPIRED = (
    "ext/asyncio/session.py:31: its AsyncSession has SQLAlchemy's default, expire_on_commit=True, and its documentation"
    " makes sessions without saying otherwise"
)


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)


class TestSessions(SessionFactorySuite):
    model = Hero

    def create_session_factory(self, engine, **options):
        return async_sessionmaker(engine, **{"class_": AsyncSession, **options})


def dependency(engine):
    async def get_session():
        async with AsyncSession(engine) as session:
            yield session

    return get_session


class TestGetSession(DependencySuite):
    model = Hero
    deviations = {"test_objects_can_be_read_after_a_commit": EXPIRED}

    def create_dependency(self, engine):
        return dependency(engine)


class TestApp(ASGISuite):
    model = Hero
    deviations = {"test_objects_can_be_read_after_a_commit": EXPIRED}

    def create_app(self, url, work):
        engine = create_async_engine(url)

        @asynccontextmanager
        async def lifespan(app):
            yield
            await engine.dispose()

        app = FastAPI(lifespan=lifespan)

        @app.post("/work")
        async def route(session: Annotated[AsyncSession, Depends(dependency(engine))]):
            await work(session)

        return app
