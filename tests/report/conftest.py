"""Results as a run leaves them, built by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_asyncdb.model.finding import Confidence, Evidence, Finding, Severity
from pytest_asyncdb.model.fix import Fix, Proof, Replace
from pytest_asyncdb.model.place import Place, Span
from pytest_asyncdb.model.result import (
    AppInfo,
    CheckOutcome,
    Criterion,
    FixOutcome,
    Outcome,
    ReportedFinding,
    Result,
    ServerInfo,
    Verdict,
)


def _outcome(place, old, new, fix):
    diff = f"--- a/{place.path}\n+++ b/{place.path}\n@@ -{place.line} +{place.line} @@\n-{old}\n+{new}\n"
    change = Replace(Span(place.path, place.line, 1, 0, len(old)), new)
    return FixOutcome(replace(fix, changes=(change,)), diff, old, new, Proof.PROVEN, "the fixed copy starts")


URL = ReportedFinding(
    Finding(
        "ADB303",
        "libpq-parameter-in-asyncpg-url",
        Severity.BLOCKS,
        Confidence.CERTAIN,
        Evidence.BOTH,
        Place("backend/.env", 2, 14),
        "`DATABASE_URL` hands `sslmode` and `channel_binding` to asyncpg, which knows neither of them",
        "Both are parameters of libpq. SQLAlchemy passes each query parameter of the URL to `asyncpg.connect()` as a "
        "keyword argument, and asyncpg raises TypeError for the first one it does not know.",
    ),
    (
        _outcome(
            Place("backend/.env", 2),
            "DATABASE_URL=postgresql+asyncpg://app:***@db.example/app?sslmode=require&channel_binding=require",
            "DATABASE_URL=postgresql+asyncpg://app:***@db.example/app?ssl=require",
            Fix(
                "Say it in asyncpg's words",
                (),
                safe=True,
                why="`sslmode=require` becomes `ssl=require`; asyncpg has no counterpart of `channel_binding`.",
            ),
        ),
    ),
)
DRIVER = ReportedFinding(
    Finding(
        "ADB101",
        "driver-not-declared",
        Severity.BLOCKS,
        Confidence.LIKELY,
        Evidence.STATIC,
        Place("backend/requirements.txt", 10, 1),
        "The async engine needs `asyncpg`, and the project declares only `psycopg2-binary`",
        "psycopg2 is a synchronous driver.",
    ),
    (
        replace(
            _outcome(
                Place("backend/requirements.txt", 10),
                "psycopg2-binary>=2.9.9",
                "asyncpg>=0.29.0",
                Fix("Declare the async driver", (), safe=False),
            ),
            proof=Proof.NOT_RUN,
            why="only safe fixes are tried",
        ),
    ),
)
FACTORY = ReportedFinding(
    Finding(
        "ADB502",
        "sync-sessionmaker-for-async-sessions",
        Severity.ADVICE,
        Confidence.CERTAIN,
        Evidence.STATIC,
        Place("backend/src/core/database.py", 28),
        "`sessionmaker` makes async sessions here; `async_sessionmaker` is the typed way",
        "It works; type checkers can't follow it.",
    ),
    (
        _outcome(
            Place("backend/src/core/database.py", 28),
            "sessionmaker(",
            "async_sessionmaker(",
            Fix("Use async_sessionmaker", (), safe=True),
        ),
    ),
)
EXPIRE = ReportedFinding(
    Finding(
        "ADB504",
        "expire-on-commit-left-on",
        Severity.LATENT,
        Confidence.CERTAIN,
        Evidence.RUNTIME,
        Place("backend/src/core/database.py"),
        "Objects expire at commit",
        "The next attribute access needs the database, outside of an await.",
    ),
)


@pytest.fixture
def healthy():
    """A run that found nothing."""
    return Result(
        environment=(("python", "3.12.1"), ("sqlalchemy", "2.1.9"), ("driver", "asyncpg 0.32.0")),
        server=ServerInfo("embedded", "18.6", 0.1234, (("docker", "no engine answers at /var/run/docker.sock"),)),
        app=AppInfo("src.main:app", "backend/Procfile:1", booted=True, path="backend/src/main.py"),
        criteria=(
            Criterion("SC-001", "The server starts without import errors", Verdict.MET, "startup took 0.2 s"),
            Criterion("SC-008", "Dependency versions are aligned", Verdict.MET, "asyncpg 0.32.0"),
        ),
        findings=(),
        checks=(CheckOutcome("ADB101", "driver-not-declared", Outcome.PASSED),),
    )


@pytest.fixture
def broken(healthy):
    """A run with faults of each severity, in no particular order."""
    app = AppInfo("src.main:app", "backend/Procfile:1", booted=False, path="backend/src/main.py")
    return replace(
        healthy,
        app=app,
        apps=(app,),
        criteria=(
            Criterion(
                "SC-001", "The server starts without import errors", Verdict.NOT_MET, "ImportError | AsyncEngine"
            ),
            Criterion("SC-005", "The database connection initialises during startup", Verdict.UNKNOWN, "not reached"),
            Criterion("SC-007", "No circular imports", Verdict.MET, "41 modules import"),
        ),
        findings=(FACTORY, URL, EXPIRE, DRIVER),
        checks=(
            CheckOutcome("ADB101", "driver-not-declared", Outcome.FAILED),
            CheckOutcome("ADB301", "scheme-without-async-driver", Outcome.PASSED),
            CheckOutcome("ADB303", "libpq-parameter-in-asyncpg-url", Outcome.FAILED),
            CheckOutcome("ADB701", "startup-fails", Outcome.SKIPPED, "the app did not import"),
            CheckOutcome("ADB702", "startup-hangs", Outcome.SKIPPED, "the app did not import"),
        ),
        notes=("SECRET_KEY is not set; a value was made up for the boot",),
    )
