"""The SQLAlchemy adapter of FastAPI Users, wired as its documentation does."""

from contextlib import asynccontextmanager
from typing import Annotated

import pytest

pytest.importorskip("fastapi_users_db_sqlalchemy")

from fastapi import Depends, FastAPI
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from pytest_asyncdb.suite import ASGISuite, DependencySuite
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


COMMITS = "__init__.py:145: SQLAlchemyUserDatabase.create() commits at once, and with it all that the request did before"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    name: Mapped[str] = mapped_column(unique=True)


class Adapter:
    """What a request is given is the adapter; it writes by the adapter's own methods."""

    model = User
    deviations = {
        "test_requests_at_the_same_time_are_apart": COMMITS,
        "test_end_of_a_request": COMMITS,
        "test_exception_undoes_the_work": COMMITS,
        "test_cancelled_request_returns_its_connection": COMMITS,
    }

    def new(self, name):
        return User(name=name, email=f"{name}@example.com", hashed_password="-")

    def session_of(self, given):
        return given.session

    async def add(self, given, name):
        await given.create({"name": name, "email": f"{name}@example.com", "hashed_password": "-"})


def dependency(engine):
    factory = async_sessionmaker(engine, expire_on_commit=False)

    async def get_async_session():
        async with factory() as session:
            yield session

    async def get_user_db(session: Annotated[AsyncSession, Depends(get_async_session)]):
        yield SQLAlchemyUserDatabase(session, User)

    return get_async_session, get_user_db


class TestUserDatabase(Adapter, DependencySuite):
    def create_dependency(self, engine):
        get_async_session, get_user_db = dependency(engine)

        @asynccontextmanager
        async def request():
            async with asynccontextmanager(get_async_session)() as session:
                async with asynccontextmanager(get_user_db)(session) as database:
                    yield database

        return request


class TestUserDatabaseInAnApp(Adapter, ASGISuite):
    def create_app(self, url, work):
        engine = create_async_engine(url)
        _, get_user_db = dependency(engine)

        @asynccontextmanager
        async def lifespan(app):
            yield
            await engine.dispose()

        app = FastAPI(lifespan=lifespan)

        @app.post("/work")
        async def route(database: Annotated[SQLAlchemyUserDatabase, Depends(get_user_db)]):
            await work(database)

        return app
