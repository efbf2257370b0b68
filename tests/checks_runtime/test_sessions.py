from __future__ import annotations

import pytest
from booted_by_hand import PATH, factory_of, facts, module_of

from pytest_asyncdb import fixes
from pytest_asyncdb.facts.python import Level
from pytest_asyncdb.model.finding import Confidence, Severity

SYNC = "from sqlalchemy.orm import sessionmaker\n"
NEW = "from sqlalchemy.ext.asyncio import async_sessionmaker\n"
ASYNC = "from sqlalchemy.ext.asyncio import AsyncSession\n"


def fixed(text, finding):
    return fixes.apply(finding.fixes, lambda _: text)[PATH]


def test_sessionmaker_is_advice_and_its_fix_keeps_every_argument(judge):
    call = "engine, class_=AsyncSession, expire_on_commit=False, autoflush=False"
    text = f"{SYNC}{ASYNC}\nfactory = sessionmaker({call})\n"
    (finding,) = judge("ADB501", facts(**factory_of(text)))
    assert finding.severity is Severity.ADVICE
    assert "`factory`" in finding.message
    imports = "from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker\n"
    assert fixed(text, finding) == f"{imports}\nfactory = async_sessionmaker({call})\n"


def test_an_import_that_something_else_reads_stays(judge):
    text = f"{SYNC}{ASYNC}\nfactory = sessionmaker(engine, class_=AsyncSession)\nother: sessionmaker\n"
    (finding,) = judge("ADB501", facts(**factory_of(text)))
    assert SYNC in fixed(text, finding)


def test_an_alias_is_no_obstacle(judge):
    text = f"from sqlalchemy.orm import sessionmaker as sm\n{ASYNC}\nfactory = sm(engine, class_=AsyncSession)\n"
    (finding,) = judge("ADB501", facts(**factory_of(text)))
    assert "sm" not in fixed(text, finding).replace("async_sessionmaker", "")


def test_a_factory_that_has_the_new_name_gets_no_fix(judge):
    text = f"{SYNC}{ASYNC}\nasync_sessionmaker = sessionmaker(engine, class_=AsyncSession)\n"
    (finding,) = judge("ADB501", facts(**factory_of(text)))
    assert finding.fixes == ()


@pytest.mark.parametrize("version", ["1.4.54", None])
def test_without_async_sessionmaker_there_is_no_advice(judge, version):
    text = f"{SYNC}{ASYNC}\nfactory = sessionmaker(engine, class_=AsyncSession)\n"
    found = judge("ADB501", facts(**factory_of(text), versions={"sqlalchemy": version} if version else {}))
    assert found == () if version else "not installed" in found


def test_tests_may_use_what_they_like(judge):
    text = f"{SYNC}{ASYNC}\nfactory = sessionmaker(engine, class_=AsyncSession, autocommit=False)\n"
    given = facts(**factory_of(text, role="test"))
    assert not any(judge(check, given) for check in ("ADB501", "ADB502", "ADB503", "ADB504", "ADB505"))


def test_sync_sessions_on_an_async_engine_block(judge):
    text = f"{SYNC}\nfactory = sessionmaker(bind=engine, expire_on_commit=False)\n"
    (finding,) = judge("ADB502", facts(**factory_of(text)))
    assert finding.severity is Severity.BLOCKS
    assert fixed(text, finding) == (
        "from sqlalchemy.ext.asyncio import async_sessionmaker\n"
        "\nfactory = async_sessionmaker(bind=engine, expire_on_commit=False)\n"
    )


@pytest.mark.parametrize(
    ("call", "bind_is_async"),
    [
        ("sessionmaker(engine)", False),
        ("sessionmaker(engine)", None),
        ("sessionmaker(engine, **options)", True),
        ("sessionmaker(engine, class_=AsyncSession)", True),
    ],
)
def test_sync_sessions_elsewhere_are_fine(judge, call, bind_is_async):
    text = f"{SYNC}{ASYNC}\nfactory = {call}\n"
    assert judge("ADB502", facts(**factory_of(text, bind_is_async=bind_is_async))) == ()


@pytest.mark.parametrize("value", ["False", "None", "True", "setting"])
def test_autocommit(judge, value):
    text = f"{NEW}\nf = async_sessionmaker(\n    e,\n    autocommit={value},\n)\n"
    given = facts(**factory_of(text))
    found = (*judge("ADB503", given), *judge("ADB504", given))
    expected = {"True": [("ADB503", "blocks", False)], "False": [("ADB504", "advice", True)]}.get(value, [])
    assert [(one.id, one.severity, one.fixes[0].safe) for one in found] == expected
    for finding in found:
        assert finding.place.line == 5
        assert fixed(text, finding) == text.replace(f"    autocommit={value},\n", "")


def test_autocommit_of_a_single_session(judge):
    text = f"{ASYNC}\nsession = AsyncSession(engine, autocommit=True)\n"
    (finding,) = judge("ADB503", facts(modules=(module_of(text),)))
    assert fixed(text, finding) == f"{ASYNC}\nsession = AsyncSession(engine)\n"


def test_autocommit_of_sync_sessions_is_not_this_tools_business(judge):
    text = f"{SYNC}\nfactory = sessionmaker(autocommit=False, autoflush=False, bind=engine)\n"
    assert judge("ADB504", facts(**factory_of(text, bind_is_async=False))) == ()


def test_expire_on_commit(judge):
    text = f"{NEW}\nfactory = async_sessionmaker(engine)\n"
    (finding,) = judge("ADB505", facts(**factory_of(text)))
    assert (finding.severity, finding.confidence) == (Severity.LATENT, Confidence.LIKELY)
    assert not finding.fixes[0].safe
    assert fixed(text, finding).endswith("async_sessionmaker(engine, expire_on_commit=False)\n")
    (careful,) = judge("ADB505", facts(**factory_of(text), refreshes_after_commits=True))
    assert careful.severity is Severity.ADVICE


@pytest.mark.parametrize("argument", ["expire_on_commit=False", "expire_on_commit=True", "**options"])
def test_expire_on_commit_that_is_given_or_unknown(judge, argument):
    text = f"{NEW}\nfactory = async_sessionmaker(engine, {argument})\n"
    assert judge("ADB505", facts(**factory_of(text))) == ()


def test_every_fix_keeps_autoflush(judge):
    text = f"{SYNC}{ASYNC}\nf = sessionmaker(engine, class_=AsyncSession, autocommit=False, autoflush=False)\n"
    given = facts(**factory_of(text))
    found = [finding for check in ("ADB501", "ADB504", "ADB505") for finding in judge(check, given)]
    assert len(found) == 3
    after = fixes.apply([fix for finding in found for fix in finding.fixes], lambda _: text)[PATH]
    assert "async_sessionmaker(engine, class_=AsyncSession, autoflush=False, expire_on_commit=False)" in after


def test_levels_are_spelled_as_the_reader_spells_them():
    assert module_of(SYNC).imports[0].level is Level.MODULE
