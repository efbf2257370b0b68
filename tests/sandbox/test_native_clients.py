"""Clients that open sockets of their own, past Python's, reach nothing either."""

from __future__ import annotations

import pytest

DSN = "postgresql://app:SECRET@127.0.0.2:PORT/prod?sslmode=require"
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
def test_native_drivers_that_are_not_redirected_are_refused(boot, starlette_app, way):
    imports, body, door = NATIVE[way]
    pytest.importorskip(way.partition("-")[0])
    record = boot(main=starlette_app(imports=imports, body=body))
    assert record.phase("startup").error.type == "ConnectionRefusedError", record.phase("startup").error
    assert [one.target for one in record.refused] == [door]


def test_native_name_lookups_are_refused(boot, starlette_app):
    pytest.importorskip("aiodns")
    body = 'await aiodns.DNSResolver().query_dns("db.example.com", "A")'
    record = boot(main=starlette_app(imports="import aiodns", body=body))
    assert record.phase("startup").error.type == "socket.gaierror"
    assert [(one.kind, one.target) for one in record.refused] == [("resolve", "db.example.com")]


def test_grpc_reaches_nothing(boot, starlette_app):
    pytest.importorskip("grpc")
    body = """channel = grpc.insecure_channel("127.0.0.2:PORT")
        grpc.channel_ready_future(channel).result(timeout=1)"""
    record = boot(main=starlette_app(imports="import grpc", body=body))
    assert record.phase("startup").error.type == "grpc.FutureTimeoutError"
