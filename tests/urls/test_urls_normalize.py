# ruff: noqa: E501 - real URLs in tables: wrapped, nobody would recognise them
"""What a URL's parts become for each driver, and which URLs are refused."""

from __future__ import annotations

import ssl

import pytest
import trustme
from sqlalchemy import URL, make_url

import pytest_asyncdb
from pytest_asyncdb import InvalidURL, NormalizedURL, normalize_url


@pytest.mark.parametrize(
    ("query", "connect_args", "left"),
    [
        ("connect_timeout=10", {"timeout": 10.0}, ""),
        ("connect_timeout=0", {"timeout": None}, ""),
        ("timeout=2.5", {"timeout": 2.5}, ""),
        ("timeout=0", {"timeout": None}, ""),
        ("statement_cache_size=0&prepared_statement_cache_size=0", {"statement_cache_size": 0}, "prepared_statement_cache_size=0"),
        ("command_timeout=5", {}, "command_timeout=5"),
        ("application_name=a%20b", {"server_settings": {"application_name": "a b"}}, ""),
        ("fallback_application_name=f&application_name=a", {"server_settings": {"application_name": "a"}}, ""),
        ("application_name=a&fallback_application_name=f", {"server_settings": {"application_name": "a"}}, ""),
        ("options=-c%20statement_timeout%3D5000%20--search_path%3Da%5C%20b", {"server_settings": {"statement_timeout": "5000", "search_path": "a b"}}, ""),
        ("options=endpoint%3Dep-1", {}, ""),
        ("search_path=app", {"server_settings": {"search_path": "app"}}, ""),
        ("currentSchema=app", {"server_settings": {"search_path": "app"}}, ""),
        ("schema=public", {}, ""),
        ("myapp.tenant=7", {"server_settings": {"myapp.tenant": "7"}}, ""),
        ("client_encoding=utf8&gssencmode=disable&keepalives=1&keepalives_idle=30&krbsrvname=", {}, ""),
        ("sslmode=require&sslnegotiation=direct", {"direct_tls": True}, "ssl=require"),
        ("direct_tls=false", {"direct_tls": False}, ""),
        ("sslnegotiation=postgres", {}, ""),
        ("ssl=true", {}, "ssl=require"),
        ("ssl=0", {}, "ssl=disable"),
        ("sslmode=no-verify", {}, "ssl=require"),
        ("ssl=true&sslmode=verify-full", {}, "ssl=verify-full"),
        ("sslmode=", {}, ""),
        ("sslmode=disable&sslmode=require", {}, "ssl=require"),
        ("requiressl=1", {}, "ssl=require"),
        ("async_fallback=true&nonsense=1&uselibpqcompat=true&charset=utf8", {}, ""),
        ("target_session_attrs=read-write", {}, "target_session_attrs=read-write"),
        ("passfile=/x", {}, "passfile=%2Fx"),
        ("sslmode=prefer&sslrootcert=/nowhere", {}, "ssl=prefer"),
    ],
)  # fmt: skip
def test_translation_for_asyncpg(query, connect_args, left):
    normalized = normalize_url(f"postgresql://u:p@h/d?{query}")
    assert normalized.connect_args == connect_args
    assert normalized.url.render_as_string(hide_password=False) == "postgresql+asyncpg://u:p@h/d" + (
        f"?{left}" if left else ""
    )


@pytest.mark.parametrize(
    ("query", "connect_args", "left"),
    [
        ("sslmode=require&channel_binding=require", {}, "channel_binding=require&sslmode=require"),
        ("connect_timeout=10", {}, "connect_timeout=10"),
        ("timeout=2.5", {}, "connect_timeout=3"),
        ("timeout=0", {}, ""),
        ("ssl=verify-full", {}, "sslmode=verify-full"),
        ("ssl=true", {}, "sslmode=require"),
        ("command_timeout=1.5", {}, "options=-c+statement_timeout%3D1500"),
        ("statement_cache_size=0", {"prepare_threshold": None}, ""),
        ("statement_cache_size=100", {}, ""),
        ("prepare_threshold=3", {"prepare_threshold": 3}, ""),
        ("prepare_threshold=None", {"prepare_threshold": None}, ""),
        ("direct_tls=true&ssl=require", {}, "sslmode=require&sslnegotiation=direct"),
        ("options=-c%20jit%3Doff&search_path=a%20b", {}, "options=-c+jit%3Doff+-c+search_path%3Da%5C+b"),
        ("database=e", {}, None),
        ("max_cached_statement_lifetime=0&async_fallback=true&pgbouncer=true", {}, ""),
        ("sslpassword=Zx81kQ", {"sslpassword": "Zx81kQ"}, ""),
        ("ApplicationName=x", {}, "application_name=x"),
    ],
)
def test_translation_for_psycopg(query, connect_args, left):
    normalized = normalize_url(f"postgresql+asyncpg://u:p@h/d?{query}", driver="psycopg")
    assert normalized.connect_args == connect_args
    rendered = normalized.url.render_as_string(hide_password=False)
    assert rendered == "postgresql+psycopg://u:p@h/" + ("e" if left is None else "d" + (f"?{left}" if left else ""))
    assert "Zx81kQ" not in repr(normalized)


def test_pool_parameters_become_engine_options():
    normalized = normalize_url("postgresql://h/d?pool_size=3&pool_timeout=2.5&pool_pre_ping=true")
    assert normalized.engine_options == {"pool_size": 3, "pool_timeout": 2.5, "pool_pre_ping": True}
    assert normalize_url("postgresql://h/d?connection_limit=1").engine_options == {"pool_size": 1, "max_overflow": 0}


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "empty"),
        ("mysql://u:Zx81kQ@h/d", "`mysql` is no scheme of Postgres"),
        ("prisma://accelerate?api_key=Zx81kQ", "`prisma` is no scheme of Postgres"),
        ("u:Zx81kQ@h/d", "no `scheme://`"),
        ("postgresql://u:Zx81kQ@h:port/d", "the port"),
        ("postgresql://u:Zx81kQ@h:99999/d", "the port"),
        ("postgresql://u:Zx81kQ/x", "the port"),
        ("postgresql://u:Zx81kQ@h:${PORT}/d", "the port in the database URL is a placeholder"),
        ("postgresql://u:Zx81kQ@<host>/d", "the host in the database URL is a placeholder"),
        ("postgresql://u:[YOUR-PASSWORD]@h/d", "the password in the database URL is a placeholder"),
        ("postgresql://u:***@h/d", "masked"),
        ("postgresql://u:Zx81kQ@h/d?sslmode=sometimes", "`sslmode` must be one of disable, allow"),
        ("postgresql://u:Zx81kQ@h/d?sslmod=require", "did you mean sslmode"),
        ("postgresql://u:Zx81kQ@h/d?connect_timeout=soon", "`connect_timeout` must be a number"),
        ("postgresql://u:Zx81kQ@h/d?statement_cache_size=none", "`statement_cache_size` must be a number"),
        ("postgresql://u:Zx81kQ@h/d?command_timeout=-1", "`command_timeout` must be a number above 0"),
        ("postgresql://u:Zx81kQ@h/d?sslnegotiation=direct", "direct TLS needs sslmode=require"),
        (
            "postgresql://u:Zx81kQ@h/d?sslmode=verify-full&sslrootcert=/nowhere.pem",
            "`sslrootcert` names '/nowhere.pem'",
        ),
        ("postgresql://u:Zx81kQ@h/d?sslmode=require&sslkey=/k", "`sslkey` is given without `sslcert`"),
        (
            "postgresql://u:Zx81kQ@h/d?sslmode=require&ssl_min_protocol_version=3",
            "`ssl_min_protocol_version` must be one of",
        ),
    ],
)
def test_unusable_urls_are_refused_without_the_password(url, says):
    with pytest.raises(InvalidURL) as error:
        normalize_url(url)
    assert says in str(error.value)
    chain = f"{error.value!r} {error.value.__cause__!r} {error.value.__context__!r}"
    assert "Zx81kQ" not in chain
    assert isinstance(error.value, ValueError)


def test_arguments_of_the_wrong_kind_are_refused():
    with pytest.raises(ValueError, match="driver must be one of asyncpg, psycopg"):
        normalize_url("postgresql://h/d", driver="psycopg2")
    with pytest.raises(InvalidURL, match="not NoneType"):
        normalize_url(None)


def test_a_sqlalchemy_url_is_taken_too():
    url = URL.create("postgresql", "u", "p@ss%40", "h", 5433, "d", {"sslmode": "require", "connect_timeout": "3"})
    normalized = normalize_url(url)
    assert normalized.url == make_url("postgresql+asyncpg://u:p%40ss%2540@h:5433/d?ssl=require")
    assert normalized.connect_args == {"timeout": 3.0}


def test_services_are_resolved_where_the_driver_does_not(tmp_path, monkeypatch):
    file = tmp_path / "services"
    file.write_text("# mine\n[prod]\nhost=db.test\nport=5433\nuser=me\npassword=Zx81kQ\ndbname=app\nsslmode=require\n")
    normalized = normalize_url(f"postgresql:///other?service=prod&servicefile={file}", driver="psycopg")
    rendered = normalized.url.render_as_string(hide_password=False)
    assert rendered == "postgresql+psycopg://me:Zx81kQ@db.test:5433/other?sslmode=require"
    assert "Zx81kQ" not in repr(normalized)
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    # asyncpg >= 0.31 has the parameter, and reads service files only along with a DSN, which SQLAlchemy never gives it.
    resolved = normalize_url("postgresql://?service=prod")
    assert (
        resolved.url.render_as_string(hide_password=False)
        == "postgresql+asyncpg://me:Zx81kQ@db.test:5433/app?ssl=require"
    )
    with pytest.raises(InvalidURL, match="the service 'dev' is not defined"):
        normalize_url("postgresql://?service=dev")
    assert normalize_url("postgresql://?service=prod", driver="psycopg").url.query == {"service": "prod"}


def test_hostaddr_is_dialled_unless_the_name_is_verified():
    assert normalize_url("postgresql://db.test:5433/d?hostaddr=10.0.0.1").url.host == "10.0.0.1"
    assert normalize_url("postgresql://db.test:5433/d?hostaddr=10.0.0.1&sslmode=verify-full").url.host == "db.test"
    kept = normalize_url("postgresql://db.test:5433/d?hostaddr=10.0.0.1", driver="psycopg").url
    assert (kept.host, kept.query["hostaddr"]) == ("db.test", "10.0.0.1")


def test_tls_files_become_a_context(tmp_path):
    authority = trustme.CA()
    root = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(root)
    own = authority.issue_cert("client.test")
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    own.cert_chain_pems[0].write_to_path(certificate)
    own.private_key_pem.write_to_path(key)
    files = f"sslrootcert={root}&sslcert={certificate}&sslkey={key}&ssl_min_protocol_version=TLSv1.3"

    def context(query):
        normalized = normalize_url(f"postgresql://u:p@h/d?{query}")
        assert not normalized.url.query
        assert list(normalized.connect_args) == ["ssl"]
        return normalized.connect_args["ssl"]

    full = context(f"sslmode=verify-full&{files}")
    assert (full.verify_mode, full.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert full.minimum_version == ssl.TLSVersion.TLSv1_3
    assert len(full.get_ca_certs()) == 1
    ca = context(f"sslmode=verify-ca&{files}")
    assert (ca.verify_mode, ca.check_hostname) == (ssl.CERT_REQUIRED, False)
    require = context(f"sslmode=require&sslcert={certificate}&sslkey={key}")
    assert require.verify_mode == ssl.CERT_NONE
    system = context("sslmode=verify-full&sslrootcert=system")
    assert (system.verify_mode, system.check_hostname) == (ssl.CERT_REQUIRED, True)
    disabled = normalize_url(f"postgresql://u:p@h/d?sslmode=disable&{files}")
    assert (disabled.connect_args, disabled.url.query) == ({}, {"ssl": "disable"})


def test_public_names_are_the_ones_of_the_package():
    assert pytest_asyncdb.normalize_url is normalize_url
    assert isinstance(normalize_url("postgresql://h"), NormalizedURL)
