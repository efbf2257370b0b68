"""What cannot be judged against a throwaway server is said, and never passed off as a fault."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
import trustme

from pytest_asyncdb.sandbox.launch import start

MAIN = """
    from contextlib import asynccontextmanager
    from starlette.applications import Starlette
    {imports}

    @asynccontextmanager
    async def lifespan(app):
        {body}
        yield

    app = Starlette(lifespan=lifespan)
"""
HOST = "postgresql://app@127.0.0.2:PORT/prod"
VERIFIED = {
    "asyncpg-context": (
        "import asyncpg, ssl",
        f'await asyncpg.connect("{HOST}", ssl=ssl.create_default_context(cafile="production-ca.pem"))',
    ),
    "asyncpg-true": ("import asyncpg", f'await asyncpg.connect("{HOST}", ssl=True)'),
    "asyncpg-verify-full": (
        "import asyncpg",
        f'await asyncpg.connect("{HOST}?sslmode=verify-full&sslrootcert=production-ca.pem")',
    ),
    "psycopg-verify-full": (
        "import psycopg",
        f'psycopg.connect("{HOST}?sslmode=verify-full&sslrootcert=production-ca.pem").close()',
    ),
    "psycopg-system": ("import psycopg", f'psycopg.connect("{HOST}?sslmode=verify-full&sslrootcert=system").close()'),
    "psycopg2-verify-ca": (
        "import psycopg2",
        f'psycopg2.connect("{HOST}?sslmode=verify-ca&sslrootcert=production-ca.pem").close()',
    ),
}


@pytest.mark.parametrize("way", VERIFIED)
def test_certificates_are_not_judged(boot, way):
    imports, body = VERIFIED[way]
    production = trustme.CA().cert_pem.bytes().decode()
    record = boot(main=MAIN.format(imports=imports, body=body), **{"production-ca.pem": production})
    (connection,) = record.connections
    assert connection.ok, connection.error
    assert connection.notes == ("the server's certificate was not judged: the throwaway server's own was trusted",)


@pytest.mark.parametrize(
    ("imports", "body"),
    [
        ("import asyncpg", f'await asyncpg.connect("{HOST}?sslmode=verify-full&sslrootcert=missing.pem")'),
        ("import psycopg", f'psycopg.connect("{HOST}?sslmode=verify-full&sslrootcert=missing.pem")'),
        ("import psycopg2", f'psycopg2.connect("{HOST}?sslmode=verify-full&sslrootcert=missing.pem")'),
    ],
    ids=["asyncpg", "psycopg", "psycopg2"],
)
def test_a_root_certificate_that_is_missing_is_a_fault(boot, imports, body):
    record = boot(main=MAIN.format(imports=imports, body=body))
    (connection,) = record.connections
    assert not connection.ok
    assert not record.phase("startup").ok


@pytest.mark.parametrize(
    "way",
    [
        ("import psycopg", f'psycopg.connect("{HOST}?channel_binding=require").close()', "channel_binding=require"),
        ("import psycopg2", f'psycopg2.connect("{HOST}?channel_binding=require").close()', "channel_binding=require"),
        (
            "import psycopg, os",
            f'os.environ["PGCHANNELBINDING"] = "require"; psycopg.connect("{HOST}").close()',
            "channel_binding=require",
        ),
        ("import psycopg", f'psycopg.connect("{HOST}?target_session_attrs=standby").close()', "target_session_attrs"),
        ("import asyncpg", f'await asyncpg.connect("{HOST}?target_session_attrs=standby")', "target_session_attrs"),
        ("import psycopg", f'psycopg.connect("{HOST}?sslmode=require&sslnegotiation=direct").close()', "direct TLS"),
        ("import asyncpg", f'await asyncpg.connect("{HOST}", ssl="require", direct_tls=True)', "direct TLS"),
    ],
)
def test_what_the_server_does_not_offer_is_noted(project, server, request_for, way):
    imports, body, note = way
    if "sslnegotiation" in body and psycopg.pq.version() < 170000:
        pytest.skip("libpq can start with TLS since 17")
    booted = start(request_for(project(main=MAIN.format(imports=imports, body=body))))
    booted.serve(replace(server, channel_binding=False))
    (connection,) = booted.result().connections
    assert connection.ok, connection.error
    assert note in connection.notes[0]


POOLS = {
    "asyncpg": (
        "import asyncpg",
        f'app.pool = await asyncpg.create_pool("{HOST}", min_size=2)',
        "await app.pool.close()",
    ),
    "psycopg-async": (
        "from psycopg_pool import AsyncConnectionPool",
        f'app.pool = AsyncConnectionPool("{HOST}", min_size=2, open=False); await app.pool.open(wait=True)',
        "await app.pool.close()",
    ),
    "psycopg-sync": (
        "from psycopg_pool import ConnectionPool",
        f'app.pool = ConnectionPool("{HOST}", min_size=2, open=True); app.pool.wait()',
        "app.pool.close()",
    ),
}


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize("way", POOLS)
def test_pools_of_the_drivers(boot, way, closes):
    if "psycopg" in way:
        pytest.importorskip("psycopg_pool")
    imports, body, close = POOLS[way]
    main = MAIN.format(imports=imports, body=body) + "    app.pool = None\n"
    if closes:
        main = main.replace("        yield\n", f"        yield\n        {close}\n")
    record = boot(main=main)
    (pool,) = record.engines
    assert pool.place.path == "main.py"
    assert pool.probe.ok, pool.probe
    assert pool.open_after_shutdown == (0 if closes else 2)
    assert pool.is_async == (way.rpartition("-")[2] != "sync")
    assert len(record.connections) >= 2


def test_a_pool_that_startup_does_not_open_is_not_tried(boot):
    record = boot(
        main=MAIN.format(imports="import asyncpg", body="pass") + f'    pool = asyncpg.create_pool("{HOST}")\n'
    )
    assert record.engines[0].probe.skipped == "startup did not open it"


def test_an_engine_on_another_database_is_not_tried(boot):
    record = boot(
        main=MAIN.format(imports="from sqlalchemy import create_engine", body="pass")
        + '    engine = create_engine("sqlite:///local.db")\n'
    )
    assert record.engines[0].probe.skipped == "sqlite+pysqlite is not a Postgres driver that the sandbox redirects"
