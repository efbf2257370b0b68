# ruff: noqa: E501 - real URLs in tables: wrapped, nobody would recognise them
"""Every translation, tried for real: SQLAlchemy connects with it and the server sees what was meant."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy
from packaging.version import Version
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from pytest_asyncdb import create_engine_from

DRIVERS = ("asyncpg", "psycopg")
TLS = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def ask(url, *queries, driver, **options):
    async def main():
        engine = create_engine_from(url, driver=driver, **options)
        try:
            async with engine.connect() as connection:
                return [await connection.scalar(text(query)) for query in queries]
        finally:
            await engine.dispose()

    return asyncio.run(main())


def show(setting):
    return f"SELECT current_setting('{setting}')"


# A query as it is handed out, what to ask the server, and what it has to answer; {files} is the directory of certificates.
ACCEPTED = [
    ("", "SELECT current_user", "app"),
    ("sslmode=disable", TLS, False),
    ("sslmode=allow", TLS, False),
    ("sslmode=prefer", TLS, True),
    ("sslmode=require", TLS, True),
    ("sslmode=no-verify", TLS, True),
    ("ssl=true", TLS, True),
    ("ssl=false", TLS, False),
    ("requiressl=1", TLS, True),
    ("sslmode=require&channel_binding=require", TLS, True),
    ("sslmode=require&channel_binding=prefer", TLS, True),
    ("sslmode=verify-ca&sslrootcert={files}/ca.pem", TLS, True),
    ("sslmode=require&sslrootcert={files}/ca.pem", TLS, True),
    ("sslmode=prefer&sslrootcert={files}/ca.pem", TLS, True),
    ("sslmode=verify-ca&sslrootcert={files}/ca.pem&sslcrl={files}/good.crl", TLS, True),
    ("sslmode=require&ssl_min_protocol_version=TLSv1.3", "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()", "TLSv1.3"),
    ("sslmode=require&ssl_max_protocol_version=TLSv1.2", "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()", "TLSv1.2"),
    ("sslcompression=0&sslsni=1&sslcertmode=allow", TLS, True),
    ("connect_timeout=10", "SELECT 1", 1),
    ("connect_timeout=0", "SELECT 1", 1),
    ("timeout=10", "SELECT 1", 1),
    ("timeout=0", "SELECT 1", 1),
    ("application_name=my%20app", show("application_name"), "my app"),
    ("fallback_application_name=fallback", show("application_name"), "fallback"),
    ("options=-c%20statement_timeout%3D5000", show("statement_timeout"), "5s"),
    ("options=-c%20search_path%3Da,b%20--lock_timeout%3D1s", show("search_path"), "a,b"),
    ("options=-c%20application_name%3Da%5C%20b", show("application_name"), "a b"),
    ("statement_timeout=5000", show("statement_timeout"), "5s"),
    ("search_path=a,%20b", show("search_path"), "a, b"),
    ("schema=app", show("search_path"), "app"),
    ("currentSchema=app", show("search_path"), "app"),
    ("schema=public", show("search_path"), '"$user", public'),
    ("timezone=Asia/Tokyo", show("timezone"), "Asia/Tokyo"),
    ("jit=off", show("jit"), "off"),
    ("myapp.tenant=7", show("myapp.tenant"), "7"),
    ("client_encoding=utf8", show("client_encoding"), "UTF8"),
    ("keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=5&tcp_user_timeout=1000", "SELECT 1", 1),
    ("gssencmode=disable", "SELECT 1", 1),
    ("gssencmode=prefer&gssdelegation=0&krbsrvname=postgres&gsslib=gssapi", "SELECT 1", 1),
    ("require_auth=scram-sha-256", "SELECT 1", 1),
    ("target_session_attrs=read-write", "SELECT 1", 1),
    ("target_session_attrs=any&load_balance_hosts=random", "SELECT 1", 1),
    ("min_protocol_version=3.0&max_protocol_version=3.0", "SELECT 1", 1),
    ("oauth_scope=x&scram_client_key=", "SELECT 1", 1),
    ("command_timeout=5", "SELECT 1", 1),
    ("statement_cache_size=0&prepared_statement_cache_size=0", "SELECT 1", 1),
    ("max_cached_statement_lifetime=0&max_cacheable_statement_size=0", "SELECT 1", 1),
    ("async_fallback=true", "SELECT 1", 1),
    ("pgbouncer=true&supa=x&workaround=y&sslaccept=strict&uselibpqcompat=true&sslfactory=z&prepareThreshold=0", "SELECT 1", 1),
    ("pool_size=2&max_overflow=0&pool_timeout=5&min_size=1", "SELECT 1", 1),
    ("connection_limit=1&charset=utf8", "SELECT 1", 1),
    ("dbname=template1", "SELECT current_database()", "template1"),
    ("database=template1", "SELECT current_database()", "template1"),
    ("user=tlsonly&sslmode=require", "SELECT current_user", "tlsonly"),
    ("nonsense=1&sslrootcert=", "SELECT 1", 1),
]  # fmt: skip


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(("query", "question", "answer"), ACCEPTED, ids=[query or "plain" for query, *_ in ACCEPTED])
def test_a_translated_url_connects(tls_server, query, question, answer, driver):
    url = tls_server.url(query.format(files=tls_server.files))
    assert ask(url, question, driver=driver) == [answer]


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_client_certificate_logs_in(tls_server, driver):
    files = tls_server.files
    base = f"sslmode=verify-full&sslrootcert={files}/ca.pem&sslcert={files}/client.pem"
    for key in (f"sslkey={files}/client.key", f"sslkey={files}/locked.key&sslpassword=unlock"):
        url = tls_server.url(f"{base}&{key}", user="certified", host="localhost")
        assert ask(url, "SELECT current_user", driver=driver) == ["certified"]


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("query", "host"),
    [
        ("sslmode=verify-full&sslrootcert={files}/ca.pem", "127.0.0.1"),
        ("sslmode=verify-ca&sslrootcert={files}/other-ca.pem", "localhost"),
        ("sslmode=require&sslrootcert={files}/other-ca.pem", "localhost"),
        ("sslmode=verify-full&sslrootcert=system", "localhost"),
        ("sslmode=verify-full&sslrootcert={files}/ca.pem&sslcrl={files}/revoked.crl", "localhost"),
    ],
    ids=["wrong name", "wrong ca", "require with the wrong ca", "system", "revoked"],
)
def test_a_server_that_must_not_be_trusted_is_refused(tls_server, query, host, driver):
    url = tls_server.url(query.format(files=tls_server.files), host=host)
    with pytest.raises(
        (OSError, SQLAlchemyError), match=r"(?i)certificate|SSL SYSCALL error: EOF"
    ):  # libpq 16 says no more
        ask(url, "SELECT 1", driver=driver)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_verified_name_with_an_address(tls_server, driver):
    query = f"sslmode=verify-full&sslrootcert={tls_server.files}/ca.pem&hostaddr=127.0.0.1"
    assert ask(tls_server.url(query, host="localhost"), TLS, driver=driver) == [True]
    assert ask(tls_server.url("hostaddr=127.0.0.1", host="no-such-host.invalid"), "SELECT 1", driver=driver) == [1]


@pytest.mark.parametrize("driver", DRIVERS)
def test_sockets(tls_server, driver):
    folder, port = tls_server.sockets, tls_server.port
    encoded = str(folder).replace("/", "%2F")
    for url in (
        f"postgresql://app@/postgres?host={folder}&port={port}",
        f"postgresql://app@/postgres?host={folder}:{port}",
        f"postgresql://app@/postgres?host={folder}/.s.PGSQL.{port}",
        f"postgresql://app@{encoded}:{port}/postgres",
        f"postgresql://app@:{port}/postgres?host={folder}",
        f"host={folder} port={port} user=app dbname=postgres",
        f"psql -h {folder} -p {port} -U app postgres",
    ):
        assert ask(url, "SELECT inet_client_addr()", driver=driver) == [None]


@pytest.mark.parametrize("driver", DRIVERS)
def test_several_hosts(tls_server, driver):
    if driver == "asyncpg" and Version(sqlalchemy.__version__) < Version("2.0.18"):
        pytest.skip("SQLAlchemy hands several hosts to asyncpg since 2.0.18")
    port = tls_server.port
    credentials = tls_server.url().partition("://")[2].partition("@")[0]
    for hosts in (f"127.0.0.1:1,127.0.0.1:{port}", f"[::1]:1,127.0.0.1:{port}"):
        url = f"postgresql://{credentials}@{hosts}/postgres?target_session_attrs=read-write"
        assert ask(url, "SELECT 1", driver=driver) == [1]


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_service_file(tls_server, tmp_path, driver):
    file = tmp_path / "services"
    file.write_text(f"[it]\nhost=127.0.0.1\nport={tls_server.port}\nuser=app\ndbname=postgres\nsslmode=require\n")
    password = tls_server.url().partition("://app:")[2].partition("@")[0]
    url = f"postgresql://:{password}@/?service=it&servicefile={file}"
    assert ask(url, "SELECT current_user", TLS, driver=driver) == ["app", True]


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_callers_arguments_win(tls_server, driver):
    name = "server_settings" if driver == "asyncpg" else "application_name"
    value = {"application_name": "mine"} if driver == "asyncpg" else "mine"
    url = tls_server.url("application_name=theirs&statement_timeout=5000&pool_size=2")
    questions = (show("application_name"), show("statement_timeout"))
    assert ask(url, *questions, driver=driver, connect_args={name: value}, pool_size=3) == ["mine", "5s"]
    assert ask(url, "SELECT 1", driver=driver, poolclass=NullPool) == [1]


def test_options_of_the_pool_reach_the_engine(tls_server):
    engine = create_engine_from(tls_server.url("pool_size=3&max_overflow=1"), echo=False)
    assert engine.pool.size() == 3
    assert engine.pool.status().startswith("Pool size: 3")
    assert create_engine_from(tls_server.url("pool_size=3"), pool_size=4).pool.size() == 4


@pytest.mark.parametrize("driver", DRIVERS)
def test_passwords_arrive_as_they_are(tls_server, driver):
    url = make_url(tls_server.url())
    assert "@" in url.password
    assert "%" in url.password
    assert ask(url, "SELECT current_user", driver=driver) == ["app"]
    raw = f"postgresql://app:{url.password.replace('%', '%25')}@127.0.0.1:{tls_server.port}/postgres"
    assert ask(raw, "SELECT current_user", driver=driver) == ["app"]
