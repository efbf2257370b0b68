# ruff: noqa: E501 - real URLs in tables: wrapped, nobody would recognise them
from __future__ import annotations

import ssl

import pytest
import trustme
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import URL, make_url

import pytest_asyncdb
from pytest_asyncdb import Change, InvalidURL, NormalizedURL, normalize_url
from pytest_asyncdb.urls.draft import _UNFILLED
from pytest_asyncdb.urls.normalize import _sqlalchemy_decodes_database

DRIVERS = ("asyncpg", "psycopg")
SECRET = "Zx81kQ"

# What consoles hand out, and the URL (after the scheme) for asyncpg and for psycopg.
PROVIDERS = {
    "neon pooler": (
        "postgresql://neondb_owner:npg_Zx81@ep-cool-1-pooler.us-east-2.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
        "neondb_owner:npg_Zx81@ep-cool-1-pooler.us-east-2.aws.neon.tech/neondb?ssl=require",
        "neondb_owner:npg_Zx81@ep-cool-1-pooler.us-east-2.aws.neon.tech/neondb?channel_binding=require&sslmode=require",
    ),
    "neon psql": (
        "psql 'postgresql://o:npg_Zx81@ep-cool-1.aws.neon.tech/neondb?sslmode=require&options=endpoint%3Dep-cool-1'",
        "o:npg_Zx81@ep-cool-1.aws.neon.tech/neondb?ssl=require",
        "o:npg_Zx81@ep-cool-1.aws.neon.tech/neondb?options=endpoint%3Dep-cool-1&sslmode=require",
    ),
    "supabase direct": (
        "postgresql://postgres:Zx81!kQ@db.abcdefgh.supabase.co:5432/postgres",
        "postgres:Zx81%21kQ@db.abcdefgh.supabase.co:5432/postgres",
        "postgres:Zx81%21kQ@db.abcdefgh.supabase.co:5432/postgres",
    ),
    "supabase pooler for prisma": (
        'DATABASE_URL="postgresql://postgres.abc:Zx81@aws-0-eu-west-1.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=1"',
        "postgres.abc:Zx81@aws-0-eu-west-1.pooler.supabase.com:6543/postgres",
        "postgres.abc:Zx81@aws-0-eu-west-1.pooler.supabase.com:6543/postgres",
    ),
    "supabase for vercel": (
        "postgres://postgres.abc:Zx81@aws-0-eu.pooler.supabase.com:6543/postgres?sslmode=require&supa=base-pooler.x",
        "postgres.abc:Zx81@aws-0-eu.pooler.supabase.com:6543/postgres?ssl=require",
        "postgres.abc:Zx81@aws-0-eu.pooler.supabase.com:6543/postgres?sslmode=require",
    ),
    "rds": (
        "postgresql://admin:Zx81@mydb.c1a2b3.eu-west-1.rds.amazonaws.com:5432/app?sslmode=verify-full",
        "admin:Zx81@mydb.c1a2b3.eu-west-1.rds.amazonaws.com:5432/app?ssl=verify-full",
        "admin:Zx81@mydb.c1a2b3.eu-west-1.rds.amazonaws.com:5432/app?sslmode=verify-full",
    ),
    "heroku": (
        "postgres://u1a2b3:p9f8e7@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d5c4",
        "u1a2b3:p9f8e7@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d5c4",
        "u1a2b3:p9f8e7@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d5c4",
    ),
    "railway": (
        "postgresql://postgres:Zx81@containers-us-west-1.railway.app:6841/railway\n",
        "postgres:Zx81@containers-us-west-1.railway.app:6841/railway",
        "postgres:Zx81@containers-us-west-1.railway.app:6841/railway",
    ),
    "render psql": (
        "PGPASSWORD=Zx81kQ psql -h dpg-c1.oregon-postgres.render.com -U app_user app_db",
        "app_user:Zx81kQ@dpg-c1.oregon-postgres.render.com/app_db",
        "app_user:Zx81kQ@dpg-c1.oregon-postgres.render.com/app_db",
    ),
    "fly": (
        "postgres://app:Zx81@app-db.flycast:5432/app?sslmode=disable",
        "app:Zx81@app-db.flycast:5432/app?ssl=disable",
        "app:Zx81@app-db.flycast:5432/app?sslmode=disable",
    ),
    "azure single server": (
        "postgres://me@server:Zx81@server.postgres.database.azure.com:5432/app?sslmode=require",
        "me%40server:Zx81@server.postgres.database.azure.com:5432/app?ssl=require",
        "me%40server:Zx81@server.postgres.database.azure.com:5432/app?sslmode=require",
    ),
    "azure libpq": (
        "host=server.postgres.database.azure.com port=5432 dbname=app user=me password='Zx 81' sslmode=require",
        "me:Zx 81@server.postgres.database.azure.com:5432/app?ssl=require",
        "me:Zx 81@server.postgres.database.azure.com:5432/app?sslmode=require",
    ),
    "azure ado.net": (
        "Server=server.postgres.database.azure.com;Database=app;Port=5432;User Id=me;Password=Zx81;Ssl Mode=Require;",
        "me:Zx81@server.postgres.database.azure.com:5432/app?ssl=require",
        "me:Zx81@server.postgres.database.azure.com:5432/app?sslmode=require",
    ),
    "cloud sql": (
        "postgresql+psycopg2://me:Zx81@/app?host=/cloudsql/project:europe-west1:instance",
        "me:Zx81@/app?host=%2Fcloudsql%2Fproject%3Aeurope-west1%3Ainstance",
        "me:Zx81@/app?host=%2Fcloudsql%2Fproject%3Aeurope-west1%3Ainstance",
    ),
    "cloud sql in the host": (
        "postgresql://me:Zx81@%2Fcloudsql%2Fproject%3Aeurope-west1%3Ainstance/app",
        "me:Zx81@/app?host=%2Fcloudsql%2Fproject%3Aeurope-west1%3Ainstance",
        "me:Zx81@/app?host=%2Fcloudsql%2Fproject%3Aeurope-west1%3Ainstance",
    ),
    "digitalocean": (
        "postgresql://doadmin:AVNS_Zx81@db-do-user-1-0.b.db.ondigitalocean.com:25060/defaultdb?sslmode=require",
        "doadmin:AVNS_Zx81@db-do-user-1-0.b.db.ondigitalocean.com:25060/defaultdb?ssl=require",
        "doadmin:AVNS_Zx81@db-do-user-1-0.b.db.ondigitalocean.com:25060/defaultdb?sslmode=require",
    ),
    "prisma": (
        "postgresql://me:Zx81@localhost:5432/app?schema=public&sslaccept=strict",
        "me:Zx81@localhost:5432/app",
        "me:Zx81@localhost:5432/app",
    ),
    "jdbc": (
        "jdbc:postgresql://h:5432/app?user=me&password=Zx81&sslmode=require&prepareThreshold=0",
        "me:Zx81@h:5432/app?ssl=require",
        "me:Zx81@h:5432/app?sslmode=require",
    ),
    "localhost": ("postgresql://localhost/app", "localhost/app", "localhost/app"),
    "several hosts": (
        "postgresql://u:Zx81@h1:5432,h2:5433/d?target_session_attrs=read-write",
        "u:Zx81@/d?host=h1%3A5432&host=h2%3A5433&target_session_attrs=read-write",
        "u:Zx81@/d?host=h1%3A5432&host=h2%3A5433&target_session_attrs=read-write",
    ),
    "several hosts, one port, ipv6": (
        "postgresql://u:Zx81@[::1],h2:5433/d",
        "u:Zx81@/d?host=%3A%3A1%2Ch2&port=5432%2C5433",
        "u:Zx81@/d?host=%3A%3A1%2Ch2&port=5432%2C5433",
    ),
    "socket file": ("postgresql://u@/d?host=/run/pg/.s.PGSQL.5433", "u@/d?host=%2Frun%2Fpg&port=5433", "u@/d?host=%2Frun%2Fpg&port=5433"),
    "socket with port": ("postgresql://u@/d?host=/run/pg:5433", "u@/d?host=%2Frun%2Fpg&port=5433", "u@/d?host=%2Frun%2Fpg&port=5433"),
    "unencoded password": ("postgresql://u:Zx@81/k@h/d", "u:Zx%4081%2Fk@h/d", "u:Zx%4081%2Fk@h/d"),
    "query overrides": ("postgresql://u:a@h/d?host=g&user=v&password=Zx81&port=1&dbname=e", "v:Zx81@g:1/e", "v:Zx81@g:1/e"),
    "asyncpg already": ("postgresql+asyncpg://u:Zx81@h/d?ssl=require", "u:Zx81@h/d?ssl=require", "u:Zx81@h/d?sslmode=require"),
}  # fmt: skip


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_urls_of_providers(provider, driver):
    given_url, *expected = PROVIDERS[provider]
    normalized = normalize_url(given_url, driver=driver)
    assert normalized.url == make_url(f"postgresql+{driver}://{expected[DRIVERS.index(driver)]}")
    assert bool(normalized.changes) == (given_url != normalized.url.render_as_string(hide_password=False))
    for change in normalized.changes:
        assert isinstance(change, Change)
        assert change.what
        assert change.reason
    shown = f"{normalized!r} {normalized} {normalized.changes}"
    assert "Zx" not in shown
    assert "p9f8e7" not in shown


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


names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)
passwords = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
hosts = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,5}){0,2}", fullmatch=True) | st.ip_addresses().map(
    str
)
queries = st.dictionaries(
    st.sampled_from(["sslmode", "ssl", "channel_binding", "application_name", "connect_timeout", "options", "pool_size", "pgbouncer",
                     "target_session_attrs", "command_timeout", "search_path", "statement_cache_size", "timezone"]),
    st.sampled_from(["require", "disable", "5", "0", "-c jit=off", "read-write", "true"]),
)  # fmt: skip


def is_template(text):
    return _UNFILLED.fullmatch(text) is not None or set(text) == {"*"}


def accepted(url, driver="asyncpg"):
    """The normalised URL, or None when it is refused, which must not show the password."""
    try:
        return normalize_url(url, driver=driver)
    except InvalidURL as error:
        shown = f"{error} {error.__cause__!r} {error.__context__!r}"
    assert SECRET not in shown
    return None


@st.composite
def urls(draw):
    user, password, database = draw(names), SECRET + draw(passwords), draw(names)
    assume(not any(is_template(part) for part in (user, password, database)))
    assume(database.strip() == database)
    # SQLAlchemy 2.0 writes the database as it is: with these in it no parser can tell where it begins or ends.
    assume(_sqlalchemy_decodes_database() or not set("?@/") & set(database))
    port = draw(st.integers(1, 65535) | st.none())
    return URL.create("postgresql", user, password, draw(hosts), port, database, draw(queries))


@pytest.mark.parametrize("driver", DRIVERS)
@given(url=urls())
def test_nothing_is_lost_and_a_second_time_changes_nothing(driver, url):
    first = accepted(url, driver)
    if first is None:
        return
    assert first.url.set(query={}) == url.set(drivername=f"postgresql+{driver}", query={})
    again = normalize_url(first.url.render_as_string(hide_password=False), driver=driver)
    assert (again.url, again.changes, again.connect_args) == (first.url, (), {})
    assert normalize_url(first.url, driver=driver).changes == ()
    assert SECRET not in f"{first!r} {first!s} {first.changes!r}"


@given(st.text(alphabet="postgresql+:/@?#&=%[],'\" \\0aé{}$<>;", max_size=30))
def test_any_url_like_text_is_normalised_or_refused(rest):
    normalized = accepted(f"postgresql://u:{SECRET}{rest}")
    if normalized is None:
        return
    assert SECRET not in repr(normalized)
    if _sqlalchemy_decodes_database() or not set("?@/") & set(normalized.url.database or ""):
        text = normalized.url.render_as_string(hide_password=False)
        assert normalize_url(text).url == normalized.url
