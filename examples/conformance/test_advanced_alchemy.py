"""Advanced Alchemy: its engines, its session factory, and its sessions in Litestar and FastAPI."""

from typing import Annotated

import pytest

pytest.importorskip("advanced_alchemy")

from advanced_alchemy.config import AsyncSessionConfig, EngineConfig, SQLAlchemyAsyncConfig
from advanced_alchemy.extensions import fastapi as aa_fastapi
from advanced_alchemy.extensions import litestar as aa_litestar
from advanced_alchemy.utils.dataclass import Empty
from fastapi import Depends, FastAPI
from litestar import Litestar, post
from pytest_asyncdb.suite import ASGISuite, DependencySuite, EngineSuite, SessionFactorySuite
from sqlalchemy.ext.asyncio import AsyncSession

EXPIRED = (
    "config/common.py:97: nothing is said of expire_on_commit, so it is SQLAlchemy's default, True; an application says"
    " AsyncSessionConfig(expire_on_commit=False)"
)
LISTENERS = (
    "config/asyncio.py:178: create_session_maker() puts a sessionmaker with its listeners in the place of"
    " sync_session_class, whatever AsyncSessionConfig(sync_session_class=...) says"
)
INFO = "config/common.py:234: info has file_object_raise_on_error, which is its own, beside what was given"
UNDISPOSED = (
    "extensions/litestar/plugins/init/config/asyncio.py:227: the engine is looked up under engine_dependency_key, and from"
    " the second config of a process on it is stored under another key (db_engine_1), so it is not disposed of"
)
AFTER = (
    "extensions/starlette/config.py:115: the middleware commits when the app is done, and by then the answer is on its way"
)
aa_litestar.SQLAlchemyAsyncConfig(connection_string="postgresql+asyncpg://first.invalid/of_the_process")  # UNDISPOSED


class TestEngines(EngineSuite):
    def create_engine(self, url, **options):
        return SQLAlchemyAsyncConfig(connection_string=url, engine_config=EngineConfig(**options)).get_engine()


class TestSessions(SessionFactorySuite):
    deviations = {
        "test_class_of_the_synchronous_sessions": LISTENERS,
        "test_events_of_the_factory": LISTENERS,
        "test_info_is_merged": INFO,
    }

    def create_session_factory(
        self,
        engine,
        *,
        autobegin=Empty,
        autoflush=Empty,
        class_=Empty,
        expire_on_commit=Empty,
        info=Empty,
        sync_session_class=Empty,
    ):
        session = AsyncSessionConfig(
            autobegin=autobegin,
            autoflush=autoflush,
            class_=class_,
            expire_on_commit=expire_on_commit,
            info=info,
            sync_session_class=sync_session_class,
        )
        return SQLAlchemyAsyncConfig(engine_instance=engine, session_config=session).create_session_maker()


class TestGetSession(DependencySuite):
    deviations = {"test_objects_can_be_read_after_a_commit": EXPIRED}

    def create_dependency(self, engine):
        return SQLAlchemyAsyncConfig(engine_instance=engine).get_session


class TestLitestar(ASGISuite):
    handler = None
    deviations = {"test_objects_can_be_read_after_a_commit": EXPIRED, "test_shutdown_closes_the_connections": UNDISPOSED}

    def create_app(self, url, work):
        @post("/work")
        async def route(db_session: AsyncSession) -> None:
            await work(db_session)

        config = aa_litestar.SQLAlchemyAsyncConfig(connection_string=url, before_send_handler=self.handler)
        return Litestar([route], plugins=[aa_litestar.SQLAlchemyInitPlugin(config)])


class TestLitestarAutocommit(TestLitestar):
    commits = True
    handler = "autocommit"


class TestFastAPI(ASGISuite):
    mode = "manual"
    deviations = {"test_objects_can_be_read_after_a_commit": EXPIRED}

    def create_app(self, url, work):
        app = FastAPI()
        config = aa_fastapi.SQLAlchemyAsyncConfig(connection_string=url, commit_mode=self.mode)
        alchemy = aa_fastapi.AdvancedAlchemy(config=config, app=app)

        @app.post("/work")
        async def route(session: Annotated[AsyncSession, Depends(alchemy.provide_session())]) -> None:
            await work(session)

        return app


class TestFastAPIAutocommit(TestFastAPI):
    commits = True
    mode = "autocommit"
    deviations = {**TestFastAPI.deviations, "test_commit_comes_before_the_answer": AFTER}
