"""Real apps of several frameworks and drivers, booted whole."""

from __future__ import annotations

import pytest

ENGINE = """
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

    engine = create_async_engine(
        "postgresql+{driver}://app:SECRET@127.0.0.2:PORT/prod?{query}",
        pool_size=2,
        connect_args={connect_args},
    )
    Session = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
"""
DRIVERS = {
    "asyncpg": {"driver": "asyncpg", "query": "ssl=require", "connect_args": {"timeout": 5}},
    "psycopg": {
        "driver": "psycopg",
        "query": "sslmode=require&channel_binding=require",
        "connect_args": {"connect_timeout": 5},
    },
}
FASTAPI = """
    import logging
    from contextlib import asynccontextmanager

    from fastapi import APIRouter, FastAPI, Request
    from pydantic import BaseModel
    from sqlalchemy import text

    from db import Session, engine

    logging.basicConfig(level=logging.INFO)

    class Credentials(BaseModel):
        email: str

    auth = APIRouter(prefix="/auth")
    forgotten = APIRouter(prefix="/forgotten")

    @auth.post("/signup")
    async def signup(body: Credentials):
        return {}

    @forgotten.get("/thing")
    async def thing():
        return {}

    @asynccontextmanager
    async def lifespan(app):
        logging.getLogger("app").info("Starting application")
        async with engine.begin() as connection:
            await connection.execute(text("SELECT 1"))
        print("Database initialized")
        yield {"greeting": "hello"}
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)
    api = APIRouter(prefix="/api")
    api.include_router(auth)
    app.include_router(api)

    @app.get("/health")
    async def health(request: Request):
        async with Session() as session:
            await session.execute(text("SELECT 1"))
        return {"status": request.state.greeting}

"""
STARLETTE = """
    from contextlib import asynccontextmanager

    from sqlalchemy import text
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Mount, Route

    from db import Session, engine

    @asynccontextmanager
    async def lifespan(app):
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        yield {"greeting": "hello"}
        await engine.dispose()

    async def health(request):
        return JSONResponse({"status": request.state.greeting})

    async def signup(request):
        return JSONResponse({"error": "email"}, 422)

    app = Starlette(lifespan=lifespan, routes=[
        Route("/health", health),
        Mount("/api", routes=[Route("/auth/signup", signup, methods=["POST"])]),
    ])
"""
LITESTAR = """
    from dataclasses import dataclass

    from litestar import Litestar, Router, get, post
    from sqlalchemy import text

    from db import Session, engine

    @dataclass
    class Credentials:
        email: str

    @get("/health")
    async def health() -> dict[str, str]:
        return {"status": "hello"}

    @post("/signup")
    async def signup(data: Credentials) -> dict[str, str]:
        return {}

    async def connect() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close() -> None:
        await engine.dispose()

    app = Litestar([health, Router("/api/auth", route_handlers=[signup])], on_startup=[connect], on_shutdown=[close])
"""


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("framework", "main"), [("fastapi", FASTAPI), ("starlette", STARLETTE), ("litestar", LITESTAR)]
)
def test_boots_whole(boot, decoy, driver, framework, main):
    record = boot(db=ENGINE.format(**DRIVERS[driver]), main=main)

    assert [(phase.name, phase.ok, phase.error) for phase in record.phases] == [
        (name, True, None) for name in ("import", "startup", "probe", "requests", "outage", "shutdown")
    ]
    assert record.end.how == "done"
    assert record.framework == framework
    assert dict(record.versions)["sqlalchemy"].startswith("2.")

    (engine,) = record.engines
    assert (engine.function, engine.is_async) == ("sqlalchemy.ext.asyncio.create_async_engine", True)
    assert (engine.place.path, engine.place.line, engine.phase) == ("db.py", 4, "import")
    assert (engine.url.host, engine.url.port, engine.url.database) == ("127.0.0.2", decoy.port, "prod")
    assert (engine.url.username, engine.url.has_password) == ("app", True)
    assert engine.driver == driver
    assert engine.arguments == (("pool_size", "2"),)
    assert dict(engine.connect_args) in ({"timeout": "5"}, {"connect_timeout": "5"})
    assert engine.pool_class == "AsyncAdaptedQueuePool"
    assert engine.probe.ok
    assert engine.open_after_shutdown == 0

    (factory,) = record.factories
    assert (factory.factory, factory.session_is_async) == ("sqlalchemy.ext.asyncio.async_sessionmaker", True)
    assert (factory.place.line, factory.expire_on_commit, factory.bind_is_async) == (9, False, True)
    assert factory.probe.ok

    first = record.connections[0]
    assert (first.driver, first.phase, first.host, first.port, first.database, first.user) == (
        driver,
        "startup",
        "127.0.0.2",
        str(decoy.port),
        "prod",
        "app",
    )
    assert first.ok
    assert first.place.path == "main.py"
    assert not first.by_probe
    assert record.refused == ()

    answers = {(one.kind, one.path): one for one in record.responses}
    assert answers["health", "/health"].status == 200
    assert "hello" in answers["health", "/health"].body
    assert answers["auth", next(path for kind, path in answers if kind == "auth")].status in (400, 422)
    assert all(one.place.path == "main.py" for one in record.responses)


def test_fastapi_routers_logs_and_output(boot):
    record = boot(db=ENGINE.format(**DRIVERS["asyncpg"]), main=FASTAPI)

    assert {(one.name, one.registered) for one in record.routers} == {
        ("main.auth", True),
        ("main.forgotten", False),
        ("main.api", True),
    }
    assert "/api/auth/signup" in {one.path for one in record.routes}
    health = next(one for one in record.routes if one.path == "/health")
    assert (health.endpoint, health.methods) == ("main.health", ("GET",))
    said = {(one.phase, one.source, one.level, one.message) for one in record.logs}
    assert ("startup", "logging", "INFO", "Starting application") in said
    assert ("startup", "stdout", "", "Database initialized") in said


def test_connections_that_shutdown_leaves_are_counted(boot):
    main = FASTAPI.replace("        await engine.dispose()\n", "")
    record = boot(db=ENGINE.format(**DRIVERS["asyncpg"]), main=main)
    assert record.engines[0].open_after_shutdown == 1


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_probes_own_connection_is_not_blamed_on_the_app(boot, driver):
    record = boot(
        db=ENGINE.format(**DRIVERS[driver]),
        main="""
            from fastapi import FastAPI
            import db
            app = FastAPI()
        """,
    )
    assert record.engines[0].probe.ok
    assert record.factories[0].probe.ok
    assert {one.by_probe for one in record.connections} == {True}
    assert record.engines[0].open_after_shutdown == 0
