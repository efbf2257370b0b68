"""ADB602: which checks leave a refused percent sign to it, and how bad it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from booted_by_hand import boot, error, facts, failed

from pytest_asyncdb.facts.alembic_options import AlembicOption
from pytest_asyncdb.facts.dependencies import Declared, Requirement
from pytest_asyncdb.facts.migrations import Migrations
from pytest_asyncdb.model.finding import Confidence, Evidence, Severity
from pytest_asyncdb.model.place import Place, Span
from pytest_asyncdb.sandbox.record import MigrationRecord

OPTION = AlembicOption(
    name="sqlalchemy.url",
    setter="set_main_option",
    call=Span("alembic/env.py", 5, 1, 100, 160),
    last_line=7,
    value=Span("alembic/env.py", 6, 5, 130, 150),
    source="settings.DATABASE_URL",
    is_atom=True,
    role="migration",
    certain=True,
)
MIGRATIONS = Migrations("alembic", "alembic.ini", "alembic/env.py", ".")
REFUSED = "invalid interpolation syntax in 'postgresql://shop:***@localhost/shop' at position 20"


def given(option=OPTION, **more):
    return facts(alembic_options=(option,), migrations=more.pop("migrations", MIGRATIONS), **more)


def refused(line=6, path="alembic/env.py", message=REFUSED):
    return error("ValueError", message, place=Place(path, line, 1))


def upgrade(problem):
    return boot(migration=MigrationRecord("alembic upgrade head", error=problem))


@pytest.mark.parametrize(
    ("option", "severity", "confidence"),
    [
        (OPTION, Severity.LATENT, Confidence.CERTAIN),
        (replace(OPTION, certain=False), Severity.LATENT, Confidence.LIKELY),
        (replace(OPTION, role="test"), Severity.ADVICE, Confidence.CERTAIN),
    ],
)
def test_what_was_not_seen_is_latent(judge, option, severity, confidence):
    for seen in (boot(), None, upgrade(refused(line=9)), upgrade(refused(message="no")), upgrade(refused(path="b.py"))):
        (finding,) = judge("ADB602", given(option, boot=seen))
        assert (finding.severity, finding.confidence, finding.evidence) == (severity, confidence, Evidence.STATIC)
        assert finding.place == Place("alembic/env.py", 5, 1)


def test_it_blocks_where_migrations_stop_there(judge):
    stopped = given(replace(OPTION, certain=False), boot=upgrade(refused()))
    (finding,) = judge("ADB602", stopped)
    assert (finding.severity, finding.confidence) == (Severity.BLOCKS, Confidence.CERTAIN)
    assert finding.evidence is Evidence.BOTH
    assert judge("ADB601", stopped) == "the `%` that set_main_option() at alembic/env.py:5:1 refuses comes first"

    (finding,) = judge("ADB601", facts(migrations=MIGRATIONS, boot=upgrade(refused())))
    assert "begin of a placeholder" in finding.root_cause

    own_tables = given(boot=upgrade(refused()), migrations=replace(MIGRATIONS, creates_all=True))
    assert judge("ADB602", own_tables)[0].severity is Severity.LATENT


def test_it_blocks_where_the_configuration_itself_has_one(judge):
    problem = error(
        "configparser.InterpolationSyntaxError", "'%' must be followed by '%' or '('", place=Place("e.py", 1)
    )
    percent = Span("alembic.ini", 4, 40, 90, 91)
    found = replace(MIGRATIONS, url_place=Place("alembic.ini", 4), percents=(percent,))
    (finding,) = judge("ADB602", facts(migrations=found, boot=upgrade(problem)))
    assert (finding.place, finding.severity) == (Place("alembic.ini", 4), Severity.BLOCKS)
    assert [(one.span, one.text) for one in finding.fixes[0].changes] == [(percent, "%%")]
    reason = judge("ADB601", facts(migrations=found, boot=upgrade(problem)))
    assert reason == "the `%` in the URL at alembic.ini:4 comes first"

    (finding,) = judge("ADB602", facts(migrations=replace(found, creates_all=True), boot=upgrade(problem)))
    assert finding.severity is Severity.LATENT
    for other in (upgrade(None), upgrade(error("ValueError", "no")), boot(), None):
        assert judge("ADB602", facts(migrations=found, boot=other)) == ()
    assert judge("ADB602", facts(migrations=MIGRATIONS, boot=upgrade(problem))) == ()
    assert len(judge("ADB601", facts(migrations=MIGRATIONS, boot=upgrade(problem)))) == 1


@pytest.mark.parametrize(("phase", "other"), [("startup", "ADB701"), ("import", "ADB202")])
def test_it_blocks_where_the_app_stops_there(judge, phase, other):
    stopped = given(boot=boot(**{phase: failed(phase, refused())}))
    (finding,) = judge("ADB602", stopped)
    assert (finding.severity, finding.evidence) == (Severity.BLOCKS, Evidence.BOTH)
    assert judge(other, stopped) == ()
    assert len(judge(other, given(boot=boot(**{phase: failed(phase, refused(line=9))})))) == 1


def test_what_is_known_as_sqlite_alone_is_reported_where_postgres_is_declared(judge):
    sqlite = replace(OPTION, is_sqlite=True)
    assert judge("ADB602", given(sqlite)) == ()
    place = Span("requirements.txt", 1, 1, 0, 15)
    asyncpg = Requirement("psycopg2-binary", "psycopg2-binary", (), "", "", "", place, place)
    assert len(judge("ADB602", given(sqlite, declared=Declared((asyncpg,), ("requirements.txt",), None)))) == 1


def test_the_fix_keeps_what_is_put_together_in_one_piece(judge):
    (finding,) = judge("ADB602", given())
    assert [(one.span.start, one.text) for one in finding.fixes[0].changes] == [(150, '.replace("%", "%%")')]

    assert judge("ADB602", given(replace(OPTION, source="")))[0].message.startswith(
        "the value of `sqlalchemy.url` goes"
    )
    (finding,) = judge("ADB602", given(replace(OPTION, is_atom=False, source="a" * 61)))
    assert [(one.span.start, one.text) for one in finding.fixes[0].changes] == [
        (130, "("),
        (150, ').replace("%", "%%")'),
    ]
    assert finding.message.startswith("the value of `sqlalchemy.url` goes to `set_main_option`")
