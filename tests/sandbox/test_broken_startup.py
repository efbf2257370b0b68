"""Apps that import, and then fail or hang: at startup, in engines, sessions or requests, at shutdown."""

from __future__ import annotations

import signal
import time

import pytest

from pytest_asyncdb.model.place import Place


@pytest.mark.parametrize(
    "line", ["sys.exit(5)", "os._exit(5)", "asyncio.get_running_loop().call_soon(sys.exit, 5); await asyncio.sleep(9)"]
)
@pytest.mark.parametrize("child_for", ["new", "copy"], indirect=True)
def test_process_is_ended_at_startup(boot, fastapi_app, line):
    record = boot(main=fastapi_app(line))
    assert (record.end.how, record.end.phase, record.end.code) == ("exit", "startup", 5)
    assert not record.phase("startup").ok
    if "call_soon" not in line:
        assert record.end.place == Place("main.py", 8, 5)


@pytest.mark.parametrize("line", ["os.kill(os.getpid(), 9)", "import ctypes; ctypes.string_at(0)", "os.abort()"])
@pytest.mark.parametrize("child_for", ["new", "copy"], indirect=True)
def test_process_dies(boot, fastapi_app, line):
    record = boot(
        main=fastapi_app(line),
        db="from sqlalchemy.ext.asyncio import create_async_engine as c\nengine = c('postgresql+asyncpg://h/d')",
    )
    assert (record.end.how, record.end.phase) == ("died", "startup")
    assert record.end.code in (-signal.SIGKILL, -signal.SIGSEGV, -signal.SIGABRT)
    assert record.passed("import")
    assert not record.phase("startup").ok
    if "kill" not in line:
        assert record.end.place.path == "main.py"


ENDLESS = {
    "async": ("await asyncio.sleep(1000)", True),
    "sync": ("time.sleep(1000)", False),
    "busy": ("while True: pass", False),
    "nested": ("await asyncio.gather(asyncio.sleep(1000), asyncio.sleep(1000))", True),
}


@pytest.mark.parametrize("way", ENDLESS)
def test_startup_never_ends(boot, fastapi_app, way):
    line, goes_on = ENDLESS[way]
    started = time.monotonic()
    record = boot(
        main=fastapi_app(line).replace("import asyncio", "import db, asyncio"),
        db="from sqlalchemy.ext.asyncio import create_async_engine as c\nengine = c('postgresql+asyncpg://h/d')",
        startup_timeout=0.5,
    )
    assert time.monotonic() - started < 8
    phase = record.phase("startup")
    assert (phase.ok, phase.timed_out) == (False, True)
    assert phase.stuck_at.path == "main.py"
    assert phase.stuck_at.line == 8
    if goes_on:
        assert record.end.how == "done"
        assert record.engines[0].probe.ok
    else:
        assert (record.end.how, record.end.phase) == ("deadline", "startup")


def test_startup_fails_with_its_own_message(boot, fastapi_app):
    record = boot(main=fastapi_app("raise RuntimeError('no such table: users')"))
    phase = record.phase("startup")
    assert (phase.ok, phase.error.type, phase.error.message) == (False, "RuntimeError", "no such table: users")
    assert phase.error.place == Place("main.py", 8, 5)
    assert "RuntimeError: no such table: users" in phase.note
    assert record.end.how == "done"


def test_litestar_startup_error_is_found_in_its_group(boot):
    record = boot(
        main="""
            from litestar import Litestar

            async def connect():
                raise ValueError("database is away")

            app = Litestar([], on_startup=[connect])
        """,
    )
    error = record.phase("startup").error
    assert error.place == Place("main.py", 4, 5) or error.place.line == 5
    assert ("ValueError", "database is away") in {(error.type, error.message), *error.causes}


def test_startup_that_times_out_by_itself_is_no_deadline_of_ours(boot, fastapi_app):
    record = boot(main=fastapi_app("raise TimeoutError('the broker did not answer')"))
    phase = record.phase("startup")
    assert (phase.ok, phase.timed_out, phase.error.type) == (False, False, "TimeoutError")


def test_shutdown_fails_and_shutdown_hangs(boot, fastapi_app):
    failed = boot(main=fastapi_app(shutdown="raise ValueError('already closed')")).phase("shutdown")
    assert (failed.ok, failed.error.type, failed.error.place.line) == (False, "ValueError", 10)
    hung = boot(main=fastapi_app(shutdown="await asyncio.sleep(1000)"), shutdown_timeout=0.3).phase("shutdown")
    assert (hung.ok, hung.timed_out, hung.stuck_at) == (False, True, Place("main.py", 10, 5))


def test_engine_that_cannot_be_made(boot, decoy):
    record = boot(
        main="""
            from sqlalchemy.ext.asyncio import create_async_engine
            url = "postgresql+psycopg2://app:SECRET@127.0.0.2:PORT/prod"
            engine = create_async_engine(url)
        """,
    )
    (engine,) = record.engines
    assert (engine.is_async, engine.place, engine.driver) == (True, Place("main.py", 4, 10), None)
    assert engine.error.type == "sqlalchemy.exc.InvalidRequestError"
    assert (engine.url.drivername, engine.url.port) == ("postgresql+psycopg2", decoy.port)


def test_bad_parameter_fails_as_in_production(boot, fastapi_app):
    record = boot(
        db="""
            from sqlalchemy.ext.asyncio import create_async_engine
            first = create_async_engine("postgresql+asyncpg://app:SECRET@127.0.0.2:PORT/prod?sslmode=require")
            second = create_async_engine("postgresql+asyncpg://app@127.0.0.2:PORT/prod?ssl=true")
            third = create_async_engine("postgresql+psycopg://app@127.0.0.2:PORT/prod?pgbouncer=true")
        """,
        main=fastapi_app().replace("import asyncio", "import db, asyncio"),
    )
    first, second, third = record.engines
    assert first.probe.error.type == "TypeError"
    assert "sslmode" in first.probe.error.message
    assert "`sslmode` parameter must be one of" in second.probe.error.message
    assert "pgbouncer" in third.probe.error.message
    assert [one.ok for one in record.connections if one.driver == "psycopg"] == [False]


def test_factory_that_makes_the_wrong_sessions(boot, fastapi_app):
    record = boot(
        main=fastapi_app()
        + """
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
    from sqlalchemy.orm import sessionmaker
    from sqlalchemy import create_engine
    engine = create_async_engine("postgresql+asyncpg://127.0.0.2:PORT/prod")
    wrapped = AsyncEngine(create_engine("postgresql+asyncpg://127.0.0.2:PORT/prod"))
    wrong = sessionmaker(engine, autoflush=False)
    right = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
    autocommitting = sessionmaker(engine, class_=AsyncSession, autocommit=True)
    unbound = sessionmaker()
    late = sessionmaker(class_=AsyncSession)
    late.configure(bind=wrapped)
""",
    )
    wrong, right, autocommitting, unbound, late = record.factories
    assert (wrong.session_is_async, wrong.bind_is_async, wrong.probe.ok) == (False, True, False)
    assert wrong.probe.error.type.endswith("WrongSessionError")
    assert wrong.options == (("autoflush", "False"),)
    assert (right.session_class, right.probe.ok) == ("sqlalchemy.ext.asyncio.session.AsyncSession", True)
    assert "autocommit" in autocommitting.probe.error.message
    assert unbound.probe.skipped
    assert (late.bind_is_async, late.probe.ok) == (True, True)
    first, core, wrapped = record.engines
    assert (wrapped.function, wrapped.wraps) == ("sqlalchemy.ext.asyncio.AsyncEngine", core.number)
    assert wrapped.probe.ok
    assert core.probe.skipped
    assert first.number == 1


def test_requests_that_fail_or_hang(boot, fastapi_app):
    record = boot(
        main=fastapi_app()
        + """
    @app.get("/health")
    async def health():
        raise ValueError("no database")

    @app.get("/ready")
    async def ready():
        await asyncio.sleep(100)

    @app.post("/login")
    async def login():
        import logging
        try:
            1 / 0
        except ZeroDivisionError:
            logging.getLogger("x").exception("oops")
        return {}
""",
        request_timeout=0.5,
    )
    answers = {one.path: one for one in record.responses}
    assert (answers["/health"].status, answers["/health"].error.type) == (500, "ValueError")
    assert answers["/health"].error.place == Place("main.py", 16, 5)
    assert (answers["/ready"].status, answers["/ready"].timed_out) == (None, True)
    assert (answers["/login"].status, answers["/login"].error.type) == (200, "ZeroDivisionError")
