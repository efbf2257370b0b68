from __future__ import annotations

import pytest
from booted_by_hand import boot, error, facts, failed

from pytest_asyncdb.facts.migrations import Migrations
from pytest_asyncdb.facts.python import Module
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record import ImportRecord, MigrationRecord

ENV = Place("alembic/env.py", 9, 5)
SCRIPT = Place("alembic/versions/0001.py", 9, 5)
HERE = Place("alembic/env.py", 3, 20)
COMMAND = "alembic upgrade head"


def given(done, *, found=None, **booted):
    found = found or migrations()
    return facts(migrations=found, boot=boot(migration=done, **booted))


def migrations(**more):
    return Migrations("alembic", "alembic.ini", "alembic/env.py", ".", **more)


def fails(type_="ValueError", message="no", **more):
    return MigrationRecord(COMMAND, error=error(type_, message, place=more.pop("place", ENV)), **more)


def test_what_went_through_and_what_is_not_there_are_silent(judge):
    assert judge("ADB601", given(MigrationRecord(COMMAND, ok=True, applied=("1",)))) == ()
    assert judge("ADB601", facts()) == ()


@pytest.mark.parametrize(
    ("done", "place", "said"),
    [
        (fails(), ENV, f"`{COMMAND}` fails: ValueError: no"),
        (fails(place=SCRIPT), SCRIPT, f"`{COMMAND}` fails: ValueError: no"),
        (fails("TypeError", "connect() got an unexpected keyword argument 'async_fallback'"), HERE, "async_fallback"),
        (fails("sqlalchemy.exc.NoSuchModuleError", "driver"), Place("alembic.ini", 4), "driver"),
        (fails("KeyError", "'0000'"), Place("v.py", 5, 18), f"`{COMMAND}` misses revision `0000`"),
        (MigrationRecord(COMMAND, timed_out=True, stuck_at=SCRIPT), SCRIPT, f"`{COMMAND}` does not end"),
        (MigrationRecord(COMMAND, ended="os._exit", stuck_at=SCRIPT), SCRIPT, "ends the process (os._exit)"),
    ],
)
def test_a_failure_is_told_where_it_stands(judge, done, place, said):
    found = migrations(
        url_place=Place("alembic.ini", 4),
        parameters=(("async_fallback", HERE),),
        parents=(("0000", Place("v.py", 5, 18)),),
    )
    (finding,) = judge("ADB601", given(done, found=found))
    assert (finding.place, finding.severity, finding.confidence) == (place, Severity.BLOCKS, Confidence.CERTAIN)
    assert said in finding.message


def test_where_the_app_makes_its_tables_itself_it_is_latent(judge):
    (finding,) = judge("ADB601", given(fails(), found=migrations(creates_all=True)))
    assert finding.severity is Severity.LATENT


def test_a_table_that_no_revision_makes_is_only_likely(judge):
    problem = fails("sqlalchemy.exc.ProgrammingError", 'relation "users" does not exist', place=SCRIPT)
    (finding,) = judge("ADB601", given(problem))
    assert (finding.confidence, finding.place) == (Confidence.LIKELY, SCRIPT)
    assert "`users`" in finding.message


def test_so_is_a_schema_that_nothing_makes_and_a_type_is_the_revisions_business(judge):
    (finding,) = judge("ADB601", given(fails("DBAPIError", 'schema "shop" does not exist')))
    assert finding.message == f"`{COMMAND}` needs schema `shop`, which no revision before has made"
    assert finding.confidence is Confidence.LIKELY
    (finding,) = judge("ADB601", given(fails("ProgrammingError", 'type "vector" does not exist')))
    assert finding.confidence is Confidence.CERTAIN


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ('schema "shop" does not exist', ("schema", "shop")),
        ('relation "shop.users" does not exist', ("table", "users")),
        ('type "vector" does not exist', ("type", "vector")),
    ],
)
def test_what_a_sql_file_of_the_project_makes_is_not_judged(judge, message, wanted):
    done = facts(
        migrations=migrations(),
        boot=boot(migration=fails("ProgrammingError", message)),
        made_by_sql={wanted: Place("db/init.sql", 3, 15)},
    )
    assert "db/init.sql:3:15 makes it, which the throwaway database was not given" in judge("ADB601", done)


def test_several_heads(judge):
    done = MigrationRecord(COMMAND, ok=True, heads=("a", "b"))
    (finding,) = judge("ADB601", given(done))
    assert finding.message == f"`{COMMAND}` finds 2 heads: a, b"
    assert judge("ADB601", given(done, found=migrations(upgrades_heads=True))) == ()


@pytest.mark.parametrize(
    ("done", "reason"),
    [
        (fails("ArgumentError", "Could not parse SQLAlchemy URL from string '${SHOP_URL}'"), "`${SHOP_URL}`, in whose"),
        (fails("ArgumentError", "Expected string or URL object, got None"), "the migrations' URL is not set here"),
        (fails("KeyError", "'DATABASE_URL'"), "the migrations need `DATABASE_URL`, which is not set here"),
        (MigrationRecord(COMMAND, unjudged="for mysql"), "for mysql"),
        (fails("DBAPIError", 'extension "postgis" is not available'), "`postgis`; `asyncdb_extensions`"),
        (fails("DBAPIError", 'could not open extension control file "/usr/share/x/pg_cron.control"'), "`pg_cron`"),
        (fails("DBAPIError", 'role "readonly" does not exist'), "`readonly`"),
        (
            fails("OSError", "Connection refused", refused="refused a connection to c:1"),
            "sandbox refused a connection to c:1",
        ),
        (fails("ssl.SSLCertVerificationError", "certificate verify failed"), "certificate"),
    ],
)
def test_what_the_real_server_may_have_is_not_judged(judge, done, reason):
    assert reason in judge("ADB601", given(done))


def test_what_the_app_fails_over_too_is_told_there(judge):
    problem = error("ValueError", "no", place=Place("settings.py", 1))
    done = MigrationRecord(COMMAND, error=problem)
    assert "importing" in judge("ADB601", given(done, **{"import": failed("import", problem)})).replace(
        "import", "importing"
    )
    again = ImportRecord("shop.models", "shop/models.py", ok=False, error=problem)
    assert "a module of the app" in judge("ADB601", given(done, imports=(again,)))


def test_migrations_that_nobody_could_run(judge):
    script = Module("versions.a", "db/versions/a.py", is_package=False, role="migration")
    assert "was not found" in judge("ADB601", facts(modules=(script,)))
    assert "asyncdb_migrations" in judge("ADB601", facts(migrations=migrations()))
