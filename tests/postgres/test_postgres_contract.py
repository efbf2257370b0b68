"""What every provider must give."""

import asyncio
import os
import socket
import ssl
import stat
import struct
import threading
import time
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psycopg
import pytest

from pytest_asyncdb.postgres.choose import choose


def arguments(server, **changes):
    return {"host": server.host, "port": server.port, "user": server.user, "password": server.password, **changes}


def libpq(server, **changes):
    return arguments(server, dbname=server.database, connect_timeout=10, **changes)


def ask(server, statement="SELECT 1", **changes):
    """One statement over asyncpg; gives its value and whether the connection was encrypted."""

    async def run():
        try:
            connection = await asyncpg.connect(**arguments(server, database=server.database, **changes))
        except Exception:
            await asyncio.sleep(0.05)  # asyncpg lets go of a TLS transport without waiting for its end
            raise
        try:
            encrypted = connection._transport.get_extra_info("ssl_object") is not None  # noqa: SLF001 - no public way to ask
            return await connection.fetchval(statement), encrypted
        finally:
            await connection.close()

    return asyncio.run(run())


def test_it_serves(served, provider):
    version, _ = ask(served, "SHOW server_version")
    assert version.split()[0] == served.version
    assert served.provider == provider.name
    assert 0 < served.seconds < 60


def test_the_database_is_empty_and_utf8(served):
    assert ask(served, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")[0] == 0
    assert ask(served, "SHOW server_encoding")[0] == "UTF8"


def test_the_socket_is_a_way_in_with_the_same_password(served):
    if not served.socket:
        assert served.provider in {"docker", "url"}
        return
    assert ask(served, host=served.socket, port=5432) == (1, False)
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(served, host=served.socket, port=5432, password="wrong")


def test_letters_are_letters(served):
    assert ask(served, "SELECT lower('ÄÉ') || upper('ñ')")[0] == "äéÑ"


def test_the_workspace_is_private_and_ours(served):
    status = served.workspace.stat()
    assert stat.S_IMODE(status.st_mode) == 0o700
    assert status.st_uid == os.geteuid()
    assert list(served.workspace.iterdir()) == []


def test_asyncpg_with_ssl_require_is_encrypted(fronted):
    assert ask(fronted, ssl="require") == (1, True)
    assert ask(fronted, ssl=False) == (1, False)


def test_the_certificate_satisfies_a_strict_client(fronted):
    context = ssl.create_default_context(cafile=fronted.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    assert ask(fronted, ssl=context) == (1, True)
    assert ask(fronted, host="localhost", ssl=context) == (1, True)


def test_an_unknown_authority_is_refused(fronted):
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(fronted, ssl=ssl.create_default_context())


@pytest.mark.parametrize("binding", ["require", "disable"])
def test_libpq_gets_tls_and_scram_and_channel_binding(fronted, binding):
    with psycopg.connect(
        **libpq(fronted, sslmode="verify-full", sslrootcert=fronted.ca_file, channel_binding=binding),
        require_auth="scram-sha-256",
    ) as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_libpq_without_tls_gets_scram_and_no_channel_binding(fronted):
    with psycopg.connect(**libpq(fronted, sslmode="disable", require_auth="scram-sha-256")) as connection:
        assert not connection.pgconn.ssl_in_use
    with pytest.raises(psycopg.OperationalError, match="channel binding"):
        psycopg.connect(**libpq(fronted, sslmode="disable", channel_binding="require"))


def test_a_given_server_without_tls_gets_it_and_says_what_it_cannot_have(given_server):
    if not given_server.socket:
        pytest.skip("the server's directory has too long a name for a socket")
    url = f"postgresql://{given_server.user}:{given_server.password}@{quote(given_server.socket, safe='')}/postgres"
    with choose(url).provider.serve() as served:
        assert ask(served, ssl="require") == (1, True)
        strict = libpq(served, sslmode="verify-full", sslrootcert=served.ca_file, require_auth="scram-sha-256")
        with psycopg.connect(**strict, channel_binding="prefer") as connection:
            assert connection.execute("SELECT current_database()").fetchone() == (served.database,)
        with pytest.raises(psycopg.OperationalError, match="channel binding"):
            psycopg.connect(**strict, channel_binding="require")
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(served, password="wrong", ssl="require")
        assert not served.channel_binding
        assert "`ssl=require` works, but channel binding needs the server's own TLS" in served.limits[0]


def test_a_given_server_with_tls_is_used_directly(given_server):
    with choose(given_server.url()).provider.serve() as served:
        assert (served.port, served.channel_binding, served.limits) == (given_server.port, True, ())
        with psycopg.connect(**libpq(served, sslmode="require", channel_binding="require")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_direct_tls(fronted):
    if psycopg.pq.version() < 170000:
        pytest.skip("libpq can start with TLS since 17")
    with psycopg.connect(**libpq(fronted, sslmode="require", sslnegotiation="direct")) as connection:
        assert connection.pgconn.ssl_in_use


def test_direct_tls_needs_alpn(fronted):
    context = ssl.create_default_context(cafile=fronted.ca_file)
    with (
        socket.create_connection((fronted.host, fronted.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        try:
            answer = tls.sendall(startup(fronted)) or tls.recv(1)
        except ConnectionError:  # refused at once, before or after it was written
            answer = b""
        assert answer == b""


def test_gss_encryption_is_declined_and_tls_still_offered(fronted):
    with socket.create_connection((fronted.host, fronted.port)) as client:
        client.sendall(struct.pack("!II", 8, 80877104))
        assert client.recv(1) == b"N"
        client.sendall(struct.pack("!II", 8, 80877103))
        assert client.recv(1) == b"S"


def startup(server):
    words = f"user\0{server.user}\0database\0{server.database}\0\0".encode()
    return struct.pack("!II", 8 + len(words), 196608) + words


def test_what_is_said_in_clear_after_asking_for_tls_is_never_passed_on(fronted):
    with socket.create_connection((fronted.host, fronted.port)) as client:
        client.settimeout(10)
        client.sendall(struct.pack("!II", 8, 80877103) + startup(fronted))
        answer = b""
        try:
            while more := client.recv(1000):
                answer += more
        except ConnectionError:
            pass
        assert answer[:1] == b"S"
        assert b"SCRAM" not in answer


def test_the_server_keeps_a_scram_verifier(fronted):
    assert ask(fronted, "SELECT rolpassword FROM pg_authid WHERE rolname = current_user")[0].startswith(
        "SCRAM-SHA-256$4096:"
    )


@pytest.mark.parametrize("tls", ["require", False])
def test_a_wrong_password_is_refused(fronted, tls):
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(fronted, password="wrong", ssl=tls)


@pytest.mark.parametrize("mode", ["require", "disable"])
@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_is_refused_to_libpq(fronted, mode, password):
    with pytest.raises(psycopg.OperationalError, match=r"password authentication failed|no password supplied"):
        psycopg.connect(**libpq(fronted, password=password, sslmode=mode))


def test_no_role_gets_in_without_its_password(fronted):
    with psycopg.connect(**libpq(fronted), autocommit=True) as connection:
        connection.execute("CREATE ROLE somebody LOGIN PASSWORD 'theirs'")
        try:
            with psycopg.connect(**libpq(fronted, user="somebody", password="theirs", sslmode="require")) as other:
                assert other.execute("SELECT current_user").fetchone() == ("somebody",)
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(**libpq(fronted, user="somebody", password="ours", sslmode="require"))
        finally:
            connection.execute("DROP ROLE somebody")


@pytest.mark.parametrize("mode", ["require", "disable"])
def test_a_query_can_be_cancelled(fronted, mode):
    with psycopg.connect(**libpq(fronted, sslmode=mode)) as connection:
        connection.execute("SELECT 1")
        threading.Timer(0.2, connection.cancel_safe).start()
        began = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(20)")
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("mode", ["require", "disable"])
def test_much_data_both_ways_at_once(fronted, mode):
    """More than fits into any buffer, in a pipeline: whoever waits for one side only is stuck."""
    block = "x" * 100_000
    with psycopg.connect(**libpq(fronted, sslmode=mode)) as connection, connection.pipeline():
        cursors = [connection.execute("SELECT %s || %s", (block, str(number))) for number in range(100)]
        assert [cursor.fetchone()[0][len(block) :] for cursor in cursors] == [str(number) for number in range(100)]


def test_many_connections_at_once(fronted):
    async def run():
        pool = await asyncpg.create_pool(
            **arguments(fronted, ssl="require"), database=fronted.database, min_size=20, max_size=20
        )
        async with pool:
            return await asyncio.gather(*(pool.fetchval("SELECT $1::int", number) for number in range(200)))

    assert asyncio.run(run()) == list(range(200))


def test_the_password_is_nowhere_to_be_seen(served):
    secrets = [served.password.encode()]
    assert served.password not in repr(served)
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                seen = (process / name).read_bytes()
            except OSError:
                continue
            assert not any(secret in seen for secret in secrets), f"{process}/{name}"
    for path in served.workspace.parent.rglob("*"):
        if path.is_file():
            assert not any(secret in path.read_bytes() for secret in secrets), path
