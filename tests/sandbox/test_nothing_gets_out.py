# ruff: noqa: E501, ISC004 - each way out is one line of the table, however long
"""No connection, datagram or name lookup leaves for what the project configured; the decoy fixture proves it."""

from __future__ import annotations

import socket
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

ASYNC = """
    import asyncio
    from contextlib import asynccontextmanager

    {imports}

    async def work():
        {body}

    @asynccontextmanager
    async def lifespan(app):
        await work()
        yield

    from starlette.applications import Starlette
    app = Starlette(lifespan=lifespan)
"""
DSN = "postgresql://app:SECRET@127.0.0.2:PORT/prod?sslmode=require"
REDIRECTED = {
    "asyncpg-connect-dsn": ("from asyncpg import connect", f'await connect("{DSN}")'),
    "asyncpg-connect-arguments": (
        "import asyncpg.connection",
        'await asyncpg.connection.connect(host=["127.0.0.2"], port=PORT, user="app", password="SECRET", database="prod")',
    ),
    "asyncpg-pool": ("import asyncpg", f'await asyncpg.create_pool("{DSN}", min_size=2)'),
    "asyncpg-multihost": (
        "import asyncpg",
        'await asyncpg.connect("postgresql://app@127.0.0.2:PORT,localhost:PORT/prod")',
    ),
    "asyncpg-unix-socket": (
        "import asyncpg",
        'await asyncpg.connect(host="/tmp/nowhere", user="app", database="prod")',
    ),
    "asyncpg-environment": (
        "import asyncpg, os",
        'os.environ.update(PGHOST="127.0.0.2", PGPORT="PORT", PGUSER="app", PGPASSWORD="SECRET"); await asyncpg.connect()',
    ),
    "asyncpg-in-a-thread": (
        "import asyncpg",
        f'await asyncio.to_thread(lambda: asyncio.run(asyncpg.connect("{DSN}")))',
    ),
    "psycopg-sync": ("import psycopg", f'psycopg.connect("{DSN}").close()'),
    "psycopg-class": (
        "from psycopg import Connection",
        'Connection.connect(host="127.0.0.2", port=PORT, user="app", password="SECRET").close()',
    ),
    "psycopg-async": ("import psycopg", f'await (await psycopg.AsyncConnection.connect("{DSN}")).close()'),
    "psycopg-conninfo": (
        "import psycopg",
        'psycopg.connect("host=127.0.0.2 port=PORT user=app password=SECRET dbname=prod").close()',
    ),
    "psycopg-hostaddr": (
        "import psycopg",
        'psycopg.connect(host="db.example.com", hostaddr="127.0.0.2", port=PORT, user="app", password="SECRET").close()',
    ),
    "psycopg-environment": (
        "import psycopg, os",
        'os.environ.update(PGHOST="a.example.com", PGHOSTADDR="127.0.0.2", PGPORT="PORT", PGUSER="app"); psycopg.connect().close()',
    ),
    "psycopg-unix-socket": ("import psycopg", 'psycopg.connect("host=/tmp user=app").close()'),
    "psycopg-multihost": (
        "import psycopg",
        'psycopg.connect("host=127.0.0.2,127.0.0.2 port=PORT,PORT user=app").close()',
    ),
    "psycopg-name": (
        "import psycopg",
        'await (await psycopg.AsyncConnection.connect("host=db.example.com user=app")).close()',
    ),
    "psycopg-service": (
        "import psycopg, os",
        'open("service.conf", "w").write("[prod]\\nhost=127.0.0.2\\nport=PORT\\nhostaddr=127.0.0.2\\nsslmode=require\\n");'
        ' os.environ["PGSERVICEFILE"] = "service.conf"; psycopg.connect("service=prod user=app").close()',
    ),
    "psycopg2-dsn": ("import psycopg2", f'psycopg2.connect("{DSN}").close()'),
    "psycopg2-arguments": (
        "from psycopg2 import connect",
        'connect(host="127.0.0.2", port=PORT, user="app", password="SECRET").close()',
    ),
    "psycopg2-class": ("import psycopg2.extensions", f'psycopg2.extensions.connection("{DSN}").close()'),
    "psycopg2-factory": (
        "import psycopg2, psycopg2.extras",
        f'psycopg2.connect("{DSN}", connection_factory=psycopg2.extras.RealDictConnection).close()',
    ),
    "psycopg2-pool": ("import psycopg2.pool", f'psycopg2.pool.SimpleConnectionPool(1, 2, "{DSN}").closeall()'),
    "psycopg2-environment": (
        "import psycopg2, os",
        'os.environ.update(PGHOST="a.example.com", PGHOSTADDR="127.0.0.2", PGPORT="PORT", PGUSER="app"); psycopg2.connect("").close()',
    ),
    "sqlalchemy-async-creator": (
        "import asyncpg\n    from sqlalchemy.ext.asyncio import create_async_engine",
        f'e = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect("{DSN}"));'
        " await (await e.connect()).close(); await e.dispose()",
    ),
    "sqlalchemy-creator": (
        "import psycopg2\n    from sqlalchemy import create_engine",
        f'create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect("{DSN}")).connect().close()',
    ),
    "sqlalchemy-do-connect": (
        "from sqlalchemy import create_engine, event",
        'e = create_engine("postgresql+psycopg://app@db.example.com/prod");'
        ' event.listen(e, "do_connect", lambda d, r, a, kw: kw.update(host="127.0.0.2", port=PORT, password="SECRET"));'
        " e.connect().close()",
    ),
}


@pytest.mark.parametrize("way", REDIRECTED)
def test_drivers_are_redirected(boot, decoy, way):
    if way == "sqlalchemy-async-creator" and Version(version("sqlalchemy")) < Version("2.0.16"):
        pytest.skip("SQLAlchemy has async_creator since 2.0.16")
    imports, body = REDIRECTED[way]
    record = boot(main=ASYNC.format(imports=imports, body=body))
    startup = record.phase("startup")
    assert startup.ok, startup.error
    assert record.connections
    assert all(one.ok for one in record.connections)
    assert record.connections[0].place.path == "main.py" or "thread" in way
    assert not record.refused
    if "127.0.0.2" in body and "hostaddr" not in way and "environment" not in way and "service" not in way:
        assert record.connections[0].host.split(",")[0] == "127.0.0.2"
        assert record.connections[0].port.split(",")[0] == str(decoy.port)


REFUSED = {
    "socket": ("import socket", 'socket.create_connection(("127.0.0.2", PORT), 2)', "connect", "127.0.0.2:PORT"),
    "connect-ex": (
        "import socket",
        's = socket.socket(); code = s.connect_ex(("127.0.0.2", PORT)); raise SystemError(code)',
        "connect",
        "127.0.0.2:PORT",
    ),
    "datagram": (
        "import socket",
        'socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.2", PORT))',
        "send",
        "127.0.0.2:PORT",
    ),
    "asyncio": ("", 'await asyncio.open_connection("127.0.0.2", PORT)', "connect", "127.0.0.2:PORT"),
    "name": (
        "import socket",
        'socket.create_connection(("db.example.com", 5432), 2)',
        "resolve",
        "db.example.com:5432",
    ),
    "asyncio-name": ("", 'await asyncio.open_connection("db.example.com", 5432)', "resolve", "db.example.com:5432"),
    "http": ("import urllib.request", 'urllib.request.urlopen("http://127.0.0.2:PORT/")', "connect", "127.0.0.2:PORT"),
    "httpx": (
        "import httpx",
        'await httpx.AsyncClient(trust_env=False).get("http://127.0.0.2:PORT/")',
        "connect",
        "127.0.0.2:PORT",
    ),
    "unix": (
        "import socket",
        'socket.socket(socket.AF_UNIX).connect("/var/run/docker.sock")',
        "connect",
        "/var/run/docker.sock",
    ),
    "psql": (
        "import subprocess",
        'subprocess.run(["psql", "-h", "127.0.0.2", "-p", "PORT"])',
        "program",
        "psql -h 127.0.0.2 -p PORT",
    ),
    "shell": (
        "import subprocess",
        'subprocess.run("curl http://127.0.0.2:PORT", shell=True)',
        "program",
        "curl http://127.0.0.2:PORT",
    ),
    "system": ("import os", 'os.system("curl http://127.0.0.2:PORT")', "program", "curl http://127.0.0.2:PORT"),
    "exec": (
        "import os",
        'os.execvp("curl", ["curl", "http://127.0.0.2:PORT"])',
        "program",
        "curl http://127.0.0.2:PORT",
    ),
    "spawn": (
        "import os",
        'os.posix_spawn("/usr/bin/curl", ["curl", "http://127.0.0.2:PORT"], {})',
        "program",
        "curl http://127.0.0.2:PORT",
    ),
    "asyncio-program": ("", 'await asyncio.create_subprocess_exec("psql", "-p", "PORT")', "program", "psql -p PORT"),
    "isolated-python": (
        "import subprocess, sys",
        'subprocess.run([sys.executable, "-I", "-c", "import socket"], check=True)',
        "program",
        None,
    ),
    "shell-around-python": (
        "import subprocess",
        'subprocess.run("true; python -c 1", shell=True, check=True)',
        "program",
        "true; python -c 1",
    ),
}


@pytest.mark.parametrize("way", REFUSED)
def test_everything_else_is_refused_and_told(boot, decoy, way):
    imports, body, kind, target = REFUSED[way]
    record = boot(main=ASYNC.format(imports=imports, body=body))
    assert not record.phase("startup").ok
    (refused,) = record.refused
    assert refused.kind == kind
    assert target is None or refused.target == target.replace("PORT", str(decoy.port))
    assert refused.phase == "startup"
    assert refused.place is None or refused.place.path == "main.py"


NATIVE = {
    "psqlpy": (
        "import psqlpy",
        f'await psqlpy.ConnectionPool(dsn="{DSN}").connection()',
        "psqlpy._internal.ConnectionPool",
    ),
    "psqlpy-connect": ("from psqlpy import connect", f'await connect(dsn="{DSN}")', "psqlpy._internal.connect"),
    "pg": ("import pg", 'pg.DB(host="127.0.0.2", port=PORT, user="app")', "pg._pg.connect"),
    "confluent_kafka": (
        "from confluent_kafka import Producer",
        'Producer({"bootstrap.servers": "127.0.0.2:PORT"})',
        "confluent_kafka.cimpl.Producer",
    ),
    "pgdb": ("import pgdb", 'pgdb.connect(host="127.0.0.2:PORT", user="app")', "pg._pg.connect"),
}


@pytest.mark.parametrize("way", NATIVE)
def test_native_drivers_that_are_not_redirected_are_refused(boot, way):
    imports, body, door = NATIVE[way]
    pytest.importorskip(way.partition("-")[0])
    record = boot(main=ASYNC.format(imports=imports, body=body))
    assert record.phase("startup").error.type == "ConnectionRefusedError", record.phase("startup").error
    assert [one.target for one in record.refused] == [door]


def test_native_name_lookups_are_refused(boot):
    pytest.importorskip("aiodns")
    body = 'await aiodns.DNSResolver().query_dns("db.example.com", "A")'
    record = boot(main=ASYNC.format(imports="import aiodns", body=body))
    assert record.phase("startup").error.type == "socket.gaierror"
    assert [(one.kind, one.target) for one in record.refused] == [("resolve", "db.example.com")]


def test_grpc_reaches_nothing(boot):
    pytest.importorskip("grpc")
    body = """channel = grpc.insecure_channel("127.0.0.2:PORT")
        grpc.channel_ready_future(channel).result(timeout=1)"""
    record = boot(main=ASYNC.format(imports="import grpc", body=body))
    assert record.phase("startup").error.type == "grpc.FutureTimeoutError"


CHILDREN = {
    "run": ("import subprocess, sys", 'subprocess.run([sys.executable, "child.py"], check=True)'),
    "shell": ("import subprocess, sys", 'subprocess.run(sys.executable + " child.py", shell=True, check=True)'),
    "own-environment": (
        "import subprocess, sys",
        'subprocess.run([sys.executable, "child.py"], env={"A": "b"}, check=True)',
    ),
    "own-session": (
        "import subprocess, sys",
        'subprocess.Popen([sys.executable, "child.py"], start_new_session=True).wait()',
    ),
    "asyncio": ("import sys", 'await (await asyncio.create_subprocess_exec(sys.executable, "child.py")).wait()'),
    "grandchild": (
        "import subprocess, sys",
        """subprocess.run([sys.executable, "-c", "import subprocess, sys; subprocess.run([sys.executable, 'child.py'])"], check=True)""",
    ),
    "fork": (
        "import os, child",
        "pid = os.fork()\n        if not pid: child.main(); os._exit(0)\n        os.waitpid(pid, 0)",
    ),
    "multiprocessing-spawn": (
        "import multiprocessing, child",
        'p = multiprocessing.get_context("spawn").Process(target=child.main); p.start(); p.join()',
    ),
    "multiprocessing-fork": (
        "import multiprocessing, child",
        'p = multiprocessing.get_context("fork").Process(target=child.main); p.start(); p.join()',
    ),
}
CHILD = """
    import os
    import socket

    def main():
        try:
            socket.create_connection(("127.0.0.2", PORT), 2)
        except ConnectionRefusedError:
            print("child was refused", flush=True)
        import psycopg
        psycopg.connect("postgresql://app:SECRET@127.0.0.2:PORT/prod").close()
        print("child was redirected", flush=True)

    if __name__ == "__main__":
        main()
"""


@pytest.mark.parametrize("way", CHILDREN)
def test_python_children_run_under_the_same_guard(boot, decoy, way):
    imports, body = CHILDREN[way]
    record = boot(main=ASYNC.format(imports=imports, body=body), child=CHILD)
    assert record.phase("startup").ok, record.phase("startup").error
    said = [one.message for one in record.logs if one.source == "stdout"]
    assert said == ["child was refused", "child was redirected"]
    assert [(one.kind, one.target) for one in record.refused] == [("connect", f"127.0.0.2:{decoy.port}")]
    assert [(one.driver, one.host, one.ok) for one in record.connections] == [("psycopg", "127.0.0.2", True)]


@pytest.mark.parametrize(
    "command",
    [
        '["git", "rev-parse", "HEAD"]',
        '["uname", "-a"]',
        '["hostname"]',
        '"date", shell=True',
        '"id -u 2>/dev/null", shell=True',
    ],
)
def test_harmless_programs_run(boot, command):
    record = boot(main=ASYNC.format(imports="import subprocess", body=f"subprocess.run({command})"))
    assert record.phase("startup").ok
    assert record.refused == ()


def test_an_app_may_reach_what_it_serves_itself(boot):
    body = """server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
        await asyncio.open_connection(*server.sockets[0].getsockname())
        server.close()"""
    record = boot(main=ASYNC.format(imports="", body=body))
    assert record.phase("startup").ok, record.phase("startup").error
    assert record.refused == ()


def test_dotenv_that_overrides_the_environment(boot, decoy):
    record = boot(
        main="""
            import os
            from dotenv import load_dotenv
            load_dotenv(override=True)
            from sqlalchemy.ext.asyncio import create_async_engine
            from fastapi import FastAPI
            engine = create_async_engine(os.environ["DATABASE_URL"])
            app = FastAPI()
        """,
        env=(("DATABASE_URL", "postgresql+asyncpg://other@127.0.0.1/other"),),
        secrets=("Pr0duction-s3cret!x",),
        **{".env": "DATABASE_URL=postgresql+asyncpg://app:SECRET@127.0.0.2:PORT/prod\n"},
    )
    assert record.engines[0].url.port == decoy.port
    assert record.engines[0].probe.ok


def test_refusals_are_counted(boot, decoy):
    body = """for _ in range(5):
            try:
                await asyncio.open_connection("127.0.0.2", PORT)
            except OSError:
                pass"""
    record = boot(main=ASYNC.format(imports="", body=body))
    assert record.phase("startup").ok
    assert [(one.target, one.count) for one in record.refused] == [(f"127.0.0.2:{decoy.port}", 5)]


def test_without_a_server_connections_are_refused(boot):
    record = boot(
        serve=False,
        main=ASYNC.format(imports="import asyncpg", body=f'await asyncpg.connect("{DSN}")')
        + "\n    from sqlalchemy.ext.asyncio import create_async_engine\n    engine = create_async_engine('postgresql+asyncpg://127.0.0.2/x')\n",
    )
    assert record.phase("startup").error.type == "ConnectionRefusedError"
    assert not record.connections[0].ok
    assert record.engines[0].probe.skipped == "there is no database server: none was started"


def test_the_name_of_the_machine_itself_is_looked_up_where_a_file_has_it(boot):
    text = Path("/etc/hosts").read_text(encoding="utf-8", errors="replace")
    known = any(socket.gethostname() in line.partition("#")[0].split()[1:] for line in text.splitlines())
    record = boot("main", main="import socket\nsocket.gethostbyname(socket.gethostname())")
    assert record.phase("import").ok is known
    assert [one.target for one in record.refused] == ([] if known else [socket.gethostname()])


def test_without_its_guard_no_python_program_is_started(monkeypatch, tmp_path):
    from pytest_asyncdb.sandbox import programs

    monkeypatch.setattr(programs, "_SITE", str(tmp_path))
    started = programs.Programs(refusals=None, payload=dict, events=2)
    with pytest.raises(PermissionError, match="lacks the guard"):
        started.hand_down({})
