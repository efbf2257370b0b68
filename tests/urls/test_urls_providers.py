# ruff: noqa: E501 - real URLs in tables: wrapped, nobody would recognise them
"""URLs as the consoles of providers hand them out."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from pytest_asyncdb import Change, normalize_url

DRIVERS = ("asyncpg", "psycopg")

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
