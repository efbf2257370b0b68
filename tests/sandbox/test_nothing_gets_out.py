# ruff: noqa: E501, ISC004 - each way out is one line of the table, however long
"""No connection, datagram or name lookup leaves for what the project configured; the decoy fixture proves it."""

from __future__ import annotations

import socket
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

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
def test_drivers_are_redirected(boot, starlette_app, decoy, way):
    if way == "sqlalchemy-async-creator" and Version(version("sqlalchemy")) < Version("2.0.16"):
        pytest.skip("SQLAlchemy has async_creator since 2.0.16")
    imports, body = REDIRECTED[way]
    record = boot(main=starlette_app(imports=imports, body=body))
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
def test_everything_else_is_refused_and_told(boot, starlette_app, decoy, way):
    imports, body, kind, target = REFUSED[way]
    record = boot(main=starlette_app(imports=imports, body=body))
    assert not record.phase("startup").ok
    (refused,) = record.refused
    assert refused.kind == kind
    assert target is None or refused.target == target.replace("PORT", str(decoy.port))
    assert refused.phase == "startup"
    assert refused.place is None or refused.place.path == "main.py"


def test_an_app_may_reach_what_it_serves_itself(boot, starlette_app):
    body = """server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
        await asyncio.open_connection(*server.sockets[0].getsockname())
        server.close()"""
    record = boot(main=starlette_app(body=body))
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


def test_refusals_are_counted(boot, starlette_app, decoy):
    body = """for _ in range(5):
            try:
                await asyncio.open_connection("127.0.0.2", PORT)
            except OSError:
                pass"""
    record = boot(main=starlette_app(body=body))
    assert record.phase("startup").ok
    assert [(one.target, one.count) for one in record.refused] == [(f"127.0.0.2:{decoy.port}", 5)]


def test_without_a_server_connections_are_refused(boot, starlette_app):
    record = boot(
        serve=False,
        main=starlette_app(imports="import asyncpg", body=f'await asyncpg.connect("{DSN}")')
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
