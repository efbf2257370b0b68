"""Apps that do not import, do not start, do not stop, or end the process: each is a record, none is a hang."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.launch import SandboxError, start

LIFESPAN = """
    import asyncio, os, sys, time
    from contextlib import asynccontextmanager
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(app):
        {startup}
        yield
        {shutdown}

    app = FastAPI(lifespan=lifespan)
"""


def app(startup="pass", shutdown="pass"):
    return LIFESPAN.format(startup=startup, shutdown=shutdown)


def test_module_that_is_missing(boot):
    record = boot(main="\n\nfrom helpers import thing", helpers="from nowhere.at_all import thing")
    phase = record.phase("import")
    assert (phase.ok, phase.error.type) == (False, "ModuleNotFoundError")
    assert phase.error.place == Place("helpers.py", 1, 1)
    assert phase.error.frames == (Place("main.py", 3, 1), Place("helpers.py", 1, 1))
    assert dict(phase.error.attributes)["name"] == "nowhere"
    assert record.end.how == "done"
    assert record.phase("startup") is None


def test_name_that_does_not_live_there(boot):
    record = boot(main="from sqlmodel.ext.asyncio.session import AsyncEngine")
    error = record.phase("import").error
    assert error.type == "ImportError"
    attributes = dict(error.attributes)
    assert (attributes["name"], attributes["path"].endswith("session.py")) == ("sqlmodel.ext.asyncio.session", True)


def test_circular_import(boot):
    record = boot(main="import a", a="from b import B\nclass A: pass", b="from a import A\nclass B: pass")
    error = record.phase("import").error
    assert error.type == "ImportError"
    assert "circular import" in error.message
    assert error.place == Place("b.py", 1, 1)


def test_syntax_error(boot):
    record = boot(main="import broken", broken="x = (\n")
    error = record.phase("import").error
    assert error.type == "SyntaxError"
    assert error.place == Place("broken.py", 1, 5)


def test_attribute_that_is_missing(boot):
    record = boot("main:application", main="app = 1")
    error = record.phase("import").error
    assert error.type == "pytest_asyncdb.sandbox.imports.NoSuchAppError"
    assert error.message == "module 'main' has no attribute 'application'"


def test_missing_settings(boot):
    record = boot(
        main="""
            from pydantic_settings import BaseSettings

            class Settings(BaseSettings):
                database_host: str
                jwt_key: str

            settings = Settings()
        """,
    )
    error = record.phase("import").error
    assert error.type.endswith("ValidationError")
    assert dict(error.attributes)["missing"] == "database_host,jwt_key"
    assert dict(error.attributes)["model"] == "Settings"
    assert error.place.path == "main.py"


@pytest.mark.parametrize(
    ("line", "code", "detail"),
    [
        ("raise SystemExit(4)", 4, "4"),
        ("import sys; sys.exit('no settings')", 1, "no settings"),
        ("import os; os._exit(3)", 3, "os._exit"),
    ],
)
def test_process_is_ended_at_import(boot, line, code, detail):
    record = boot(main="import ender", ender=f"\n{line}\n")
    end = record.end
    assert (end.how, end.phase, end.code, end.detail) == ("exit", "import", code, detail)
    assert end.place.path == "ender.py"
    assert end.place.line == 2
    assert not record.phase("import").ok


@pytest.mark.parametrize(
    "line", ["sys.exit(5)", "os._exit(5)", "asyncio.get_running_loop().call_soon(sys.exit, 5); await asyncio.sleep(9)"]
)
def test_process_is_ended_at_startup(boot, line):
    record = boot(main=app(line))
    assert (record.end.how, record.end.phase, record.end.code) == ("exit", "startup", 5)
    assert not record.phase("startup").ok
    if "call_soon" not in line:
        assert record.end.place == Place("main.py", 8, 5)


@pytest.mark.parametrize("line", ["os.kill(os.getpid(), 9)", "import ctypes; ctypes.string_at(0)", "os.abort()"])
def test_process_dies(boot, line):
    record = boot(
        main=app(line),
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
def test_startup_never_ends(boot, way):
    line, goes_on = ENDLESS[way]
    started = time.monotonic()
    record = boot(
        main=app(line).replace("import asyncio", "import db, asyncio"),
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


def test_import_never_ends(boot):
    record = boot(main="import time\n\ntime.sleep(1000)", import_timeout=0.5)
    assert (record.end.how, record.end.phase, record.end.place) == ("deadline", "import", Place("main.py", 3, 1))
    assert record.phase("import").timed_out


def test_code_that_lets_no_other_thread_run(boot):
    # A regular expression holds the interpreter's lock all the time, so that only the parent can end it.
    record = boot(
        main="import re\nre.match('(a+)+$', 'a' * 60 + 'b')",
        import_timeout=0.1,
        startup_timeout=0.1,
        request_timeout=0.1,
        shutdown_timeout=0.1,
    )
    assert (record.end.how, record.end.phase) == ("deadline", "import")
    assert record.phase("import").timed_out


def test_startup_fails_with_its_own_message(boot):
    record = boot(main=app("raise RuntimeError('no such table: users')"))
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


def test_startup_that_times_out_by_itself_is_no_deadline_of_ours(boot):
    record = boot(main=app("raise TimeoutError('the broker did not answer')"))
    phase = record.phase("startup")
    assert (phase.ok, phase.timed_out, phase.error.type) == (False, False, "TimeoutError")


def test_shutdown_fails_and_shutdown_hangs(boot):
    failed = boot(main=app(shutdown="raise ValueError('already closed')")).phase("shutdown")
    assert (failed.ok, failed.error.type, failed.error.place.line) == (False, "ValueError", 10)
    hung = boot(main=app(shutdown="await asyncio.sleep(1000)"), shutdown_timeout=0.3).phase("shutdown")
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


def test_bad_parameter_fails_as_in_production(boot):
    record = boot(
        db="""
            from sqlalchemy.ext.asyncio import create_async_engine
            first = create_async_engine("postgresql+asyncpg://app:SECRET@127.0.0.2:PORT/prod?sslmode=require")
            second = create_async_engine("postgresql+asyncpg://app@127.0.0.2:PORT/prod?ssl=true")
            third = create_async_engine("postgresql+psycopg://app@127.0.0.2:PORT/prod?pgbouncer=true")
        """,
        main=app().replace("import asyncio", "import db, asyncio"),
    )
    first, second, third = record.engines
    assert first.probe.error.type == "TypeError"
    assert "sslmode" in first.probe.error.message
    assert "`sslmode` parameter must be one of" in second.probe.error.message
    assert "pgbouncer" in third.probe.error.message
    assert [one.ok for one in record.connections if one.driver == "psycopg"] == [False]


def test_factory_that_makes_the_wrong_sessions(boot):
    record = boot(
        main=app()
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


def test_requests_that_fail_or_hang(boot):
    record = boot(
        main=app()
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


def test_further_modules(boot):
    record = boot(
        main=app(),
        used="x = 1",
        fine="x = 1",
        broken="import nothing_there",
        depends="import broken",
        ends="raise SystemExit(2)",
        poisoned="import sys\nif 'fine' in sys.modules: raise ValueError('only after fine')",
        modules=tuple((name, f"{name}.py") for name in ("main", "fine", "broken", "depends", "ends", "poisoned")),
    )
    found = {one.module: one for one in record.imports}
    assert (found["main"].ok, found["main"].by_app) == (True, True)
    assert (found["fine"].ok, found["fine"].by_app) == (True, False)
    assert (found["broken"].ok, found["broken"].fresh, found["broken"].error.place.path) == (False, True, "broken.py")
    assert (found["depends"].ok, found["depends"].fresh, found["depends"].error.place.path) == (
        False,
        True,
        "broken.py",
    )
    assert (found["ends"].ok, found["ends"].error.type, found["ends"].fresh) == (False, "SystemExit", True)
    assert found["poisoned"].ok
    assert record.passed("shutdown")


PARENT = """
import sys
from pathlib import Path
from pytest_asyncdb.sandbox.launch import start
from pytest_asyncdb.sandbox.request import BootRequest
root = Path(sys.argv[1])
boot = start(BootRequest(root, "main:app", False, root, root))
boot.no_server("none")
boot.result()
"""


def test_killed_parent_leaves_no_process(project):
    root = project(
        main="""
            import os, subprocess, sys
            busy = [sys.executable, "-c", "while True: pass"]
            children = [os.getpid(), subprocess.Popen(busy, start_new_session=True).pid]
            pid = os.fork()
            if pid == 0:
                os.setsid()
                while True: pass
            open("pids", "w").write(" ".join(map(str, [*children, pid])))
            while True: pass
        """,
    )
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PARENT,
            str(root.resolve()),
        ],
        cwd=Path(__file__).parents[2],
    )
    pids = root / "pids"
    deadline = time.monotonic() + 10
    while not (pids.exists() and len(pids.read_text().split()) == 3) and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    started = [int(pid) for pid in pids.read_text().split()]
    deadline = time.monotonic() + 2
    while any(map(is_alive, started)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(started) == 3
    assert [pid for pid in started if is_alive(pid)] == []


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_end_of_a_boot_ends_everything_it_started(boot, tmp_path):
    pids = tmp_path / "pids"
    record = boot(
        main=app(
            f"import subprocess; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)']);"
            f"open({str(pids)!r}, 'w').write(str(p.pid))"
        ),
    )
    assert record.end.how == "done"
    time.sleep(0.1)
    assert not is_alive(int(pids.read_text()))


def test_secrets_stay_out_of_argv_and_environ(project, server, request_for):
    password = "Pr0duction-s3cret!x"
    root = project(main="import time\nopen('up', 'w').close()\ntime.sleep(1000)")
    booted = start(request_for(root, secrets=(password,), env=(("DATABASE_URL", f"postgresql://u:{password}@h/d"),)))
    booted.serve(server)
    while not (root / "up").exists():
        time.sleep(0.02)
    try:
        for name in ("cmdline", "environ"):
            told = Path(f"/proc/{booted.pid}/{name}").read_bytes().decode()
            assert password not in told
            assert server.password not in told
        assert server.password not in repr(booted.request)
        assert password not in repr(booted.request)
    finally:
        booted.kill()
    assert booted.result().end.how == "deadline"


def test_secrets_that_only_the_app_knows_are_masked_in_its_output(boot):
    record = boot(
        main=app("print('connecting with Unkn0wn-to-the-parent', flush=True)").replace(
            "import asyncio", "import db, asyncio"
        ),
        db="""
            from sqlalchemy import URL
            from sqlalchemy.ext.asyncio import create_async_engine
            engine = create_async_engine(URL.create("postgresql+asyncpg", "app", "Unkn0wn-" + "to-the-parent", "h"))
        """,
    )
    assert "Unkn0wn" not in repr(record)
    assert [one.message for one in record.logs if one.source == "stdout"] == ["connecting with ***"]


def test_environment_of_the_run_is_kept_but_for_pytest(boot, monkeypatch):
    monkeypatch.setenv("SOME_SETTING", "kept")
    record = boot(
        main=app("print(sorted(n for n in os.environ if n[:4] in ('PYTE', 'SOME', 'EXTR')), sys.argv[0], sys.path[0])"),
        env=(("EXTRA", "1"),),
    )
    (line,) = [one.message for one in record.logs if one.source == "stdout"]
    assert line.startswith("['EXTRA', 'SOME_SETTING'] uvicorn /")
    assert line.endswith("/project")


def test_no_process_is_left_after_an_endless_app(boot):
    boot(main="import os\nwhile True: pass", import_timeout=0.3)
    children = [one.name for one in Path("/proc").iterdir() if one.name.isdigit() and is_mine(one.name)]
    assert children == []


def is_mine(pid):
    try:
        parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
        return int(parent) == os.getpid() and b"sandbox.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_modules_after_a_package_that_failed_fail_like_it(project, server, request_for):
    root = project(
        **{
            "shop/__init__.py": "from shop import routes",
            "shop/routes": "from shop.db import get_session",
            "shop/db": "import shop.config\ndef get_session(): pass",
            "shop/config": "import os\nos.environ['SHOP_SETTING_OF_NOBODY']",
            "shop/main": "",
            "shop/more": "from shop.db import get_session",
        }
    )
    modules = tuple((f"shop.{name}", f"shop/{name}.py") for name in ("db", "more", "routes"))
    boot = start(request_for(root, "shop.main:app", modules=modules))
    boot.serve(server)
    assert {one.error.type for one in boot.result().imports} == {"KeyError"}


def test_messages_name_files_relative_to_the_project(boot):
    record = boot(main="raise ValueError(__file__)")
    assert record.phase("import").error.message == "main.py"


def test_an_interpreter_that_does_not_start_is_no_fault_of_the_project(project, request_for, tmp_path):
    """Not the project's module is blamed, and what the interpreter said is told."""
    dead = tmp_path / "python"
    dead.write_text("#!/bin/sh\necho 'no encodings here' >&2\nexit 1\n")
    dead.chmod(0o755)
    booted = start(request_for(project(main="app = None"), python=str(dead)))
    booted.no_server("none needed")
    with pytest.raises(SandboxError, match=r"exit status 1\): no encodings here"):
        booted.result()


def test_a_default_timeout_of_this_process_does_not_reach_the_child(project, request_for):
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(5.0)
    try:
        booted = start(request_for(project(main="app = None")))
        time.sleep(0.5)  # so that the child waits for what it is told
        booted.no_server("none needed")
        assert booted.result().phase("import").ok
    finally:
        socket.setdefaulttimeout(before)
