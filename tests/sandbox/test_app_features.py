"""What apps may be and use, one feature each: factories, middleware, mounts, loops, engine options."""

from __future__ import annotations

from types import ModuleType

import pytest

from pytest_asyncdb.sandbox.recorder import Recorder
from pytest_asyncdb.sandbox.watch import Watch


def test_factory_target_and_plain_asgi_callable(boot):
    record = boot(
        "main:create",
        factory=True,
        main="""
            def create():
                async def app(scope, receive, send):
                    assert scope["type"] == "http", "no lifespan here"
                return app
        """,
    )
    assert [(phase.name, phase.ok) for phase in record.phases][:3] == [
        ("import", True),
        ("create", True),
        ("startup", True),
    ]
    assert record.phase("startup").note == "no lifespan (AssertionError: no lifespan here)"
    assert record.framework is None
    assert record.routes == ()


def test_wrapped_app_and_mounted_app(boot):
    record = boot(
        main="""
            from fastapi import FastAPI

            inner = FastAPI()

            @inner.get("/ping")
            async def ping():
                return "pong"

            outer = FastAPI()
            outer.mount("/v1", inner)

            class Middleware:
                def __init__(self, app):
                    self.app = app

                async def __call__(self, scope, receive, send):
                    await self.app(scope, receive, send)

            app = Middleware(outer)
        """,
    )
    assert record.framework == "fastapi"
    assert [(one.path, one.status) for one in record.responses] == [("/v1/ping", 200)]


def test_uvloop_is_kept_out(boot):
    pytest.importorskip("uvloop")
    record = boot(
        main="""
            import asyncio
            from contextlib import asynccontextmanager

            import uvloop
            from fastapi import FastAPI

            uvloop.install()

            @asynccontextmanager
            async def lifespan(app):
                print(type(asyncio.get_running_loop()).__module__)
                yield

            app = FastAPI(lifespan=lifespan)
        """,
    )
    assert record.passed("startup")
    assert [one.message for one in record.logs if one.source == "stdout"] == ["asyncio.unix_events"]


def test_every_engine_option_still_works(boot):
    record = boot(
        main="""
            from fastapi import FastAPI
            from sqlalchemy import create_engine, create_pool_from_url
            from sqlalchemy.engine import Engine
            from sqlalchemy.ext.asyncio import async_engine_from_config, create_async_engine

            URL = "postgresql+asyncpg://app@127.0.0.2:PORT/prod"
            OPTIONS = dict(
                echo=True, echo_pool=True, logging_name="db", pool_logging_name="pool", hide_parameters=True,
                query_cache_size=10, execution_options={"isolation_level": "AUTOCOMMIT"}, pool_pre_ping=True,
            )
            first = create_async_engine(URL, **OPTIONS)
            second = create_engine(URL.replace("asyncpg", "psycopg"), **OPTIONS)
            third = async_engine_from_config({"sqlalchemy.url": URL, "sqlalchemy.echo": "true"})
            template = create_engine(URL.replace("asyncpg", "psycopg2"))
            by_hand = Engine(template.pool.recreate(), template.dialect, template.url)
            app = FastAPI()
        """,
    )
    assert record.passed("import"), record.phase("import").error
    assert [(one.function.rpartition(".")[2], one.probe.ok) for one in record.engines] == [
        ("create_async_engine", True),
        ("create_engine", True),
        ("create_async_engine", True),
        ("create_engine", True),
        ("Engine", True),
    ]
    assert dict(record.engines[0].arguments)["logging_name"] == "'db'"
    assert {one.place.path for one in record.engines} == {"main.py"}


def test_sqlalchemy_without_async_sessionmaker_is_watched_too():
    patch = Watch(Recorder(-1, None)).patches()["sqlalchemy.ext.asyncio.session"]

    patch(ModuleType("sqlalchemy.ext.asyncio.session"))  # as 1.4 has it: the project's import must not fail over us
