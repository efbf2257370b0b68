"""ADB2xx on versions and boots that the examples cannot have."""

from __future__ import annotations

import importlib
from dataclasses import replace

import pytest
from by_hand import SYNC_ENGINE, boot, engine, error, facts, failed, find, module

from pytest_asyncdb.facts.dependencies import PythonRange
from pytest_asyncdb.facts.python import Level
from pytest_asyncdb.fixes import apply as apply_fixes
from pytest_asyncdb.model.check import NotJudgedError
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.fix import AddImport, RemoveImport, Replace
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record import ImportRecord

UNSET = '[{"name": "DATABASE_URL", "missing": true}, {"name": "PORT", "missing": false}]'
SESSION = "sqlmodel.ext.asyncio.session"
WRONG = module("src.db", (SESSION, "AsyncEngine"))


def test_wrong_names_are_those_that_the_installed_packages_lack():
    """The table against the real packages: what it calls absent is absent, and lives where the fix says."""
    check = importlib.import_module("pytest_asyncdb.checks.adb201_name_imported_from_wrong_module")
    for source, names in vars(check)["_ABSENT"].items():
        for name in names:
            assert not hasattr(importlib.import_module(source), name), (source, name)
            home = vars(check)["_home"](name, source)
            assert hasattr(importlib.import_module(home), name), (home, name)


@pytest.mark.parametrize(("version", "count"), [("0.0.50", 1), ("0.0.12", 1), ("0.0.11", 0), ("0.0.8", 0), ("", 1)])
def test_sqlmodel_leaked_names_up_to_0_0_11(version, count):
    assert len(find("ADB201", facts(modules=(WRONG,), versions={"sqlmodel": version}))) == count


def test_wrong_import_is_moved():
    [finding] = find("ADB201", facts(modules=(WRONG,)))
    moved = (
        RemoveImport("src/db.py", SESSION, "AsyncEngine"),
        AddImport("src/db.py", "sqlalchemy.ext.asyncio", "AsyncEngine"),
    )
    assert finding.fixes[0].changes == moved
    assert finding.severity is Severity.BLOCKS


def test_wrong_import_keeps_its_alias():
    source = f"from {SESSION} import AsyncEngine as AE, AsyncSession\n"
    moved = replace(WRONG, imports=(replace(WRONG.imports[0], alias="AE"),))
    [fix] = find("ADB201", facts(modules=(moved,)))[0].fixes
    assert apply_fixes([fix], {"src/db.py": source}.__getitem__)["src/db.py"].splitlines() == [
        f"from {SESSION} import AsyncSession",
        "from sqlalchemy.ext.asyncio import AsyncEngine as AE",
    ]


def test_wrong_import_that_nothing_reads_just_goes():
    [finding] = find("ADB201", facts(modules=(module("src.db", (SESSION, "!AsyncEngine")),)))
    assert finding.fixes[0].changes == (RemoveImport("src/db.py", SESSION, "AsyncEngine"),)


@pytest.mark.parametrize("level", [Level.GUARDED, Level.TYPE_CHECKING, Level.FUNCTION])
def test_guarded_import_is_silent(level):
    assert find("ADB201", facts(modules=(module("src.db", (SESSION, "AsyncEngine"), level=level),))) == ()


def test_import_that_a_boot_saw_succeed_is_silent():
    seen = boot(imports=(ImportRecord("src.db", "src/db.py", ok=True),))
    assert find("ADB201", facts(modules=(WRONG,), boot=seen)) == ()


def test_wrong_import_that_the_app_does_not_need_is_latent():
    [finding] = find("ADB201", facts(modules=(WRONG,), boot=boot()))
    assert finding.severity is Severity.LATENT


def test_wrong_import_seen_at_boot_has_both_evidences():
    message = f"cannot import name 'AsyncEngine' from '{SESSION}' (<SP>/session.py)"
    [finding] = find("ADB201", facts(modules=(WRONG,), boot=boot(error("ImportError", message, "src/db.py:1"))))
    assert finding.evidence is Evidence.BOTH
    assert find("ADB202", facts(modules=(WRONG,), boot=boot(error("ImportError", message, "src/db.py:1")))) == ()


def test_module_that_does_not_import_is_told_once():
    failure = error("ModuleNotFoundError", "No module named 'jose'", "src/main.py:3", "src/auth.py:1", name="jose")
    given = facts(boot=boot(failure, imports=(failed("src.main", failure, by_app=True), failed("src.auth", failure))))
    [finding] = find("ADB202", given)
    assert finding.place == Place("src/auth.py", 1)
    assert finding.severity is Severity.BLOCKS
    assert finding.message == "`src.main` does not import: ModuleNotFoundError: No module named 'jose'"


def test_missing_package_is_told_once_however_many_modules_want_it():
    fails = [error("ModuleNotFoundError", "No module named 'jose'", f"src/{n}.py:1", name="jose.jwt") for n in "abc"]
    given = facts(boot=boot(imports=[failed(f"src.{n}", one) for n, one in zip("abc", fails, strict=True)]))
    [finding] = find("ADB202", given)
    assert (finding.place, finding.severity) == (Place("src/a.py", 1), Severity.LATENT)
    assert finding.message.endswith("No module named 'jose' (at 3 places)")


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("a", "`a` is declared and not installed here, so `src.a` does not import"),
        ("abcdef", "`a`, `b`, `c`, `d` and 2 more are declared and not installed here, so `src.a` does not import"),
    ],
)
def test_declared_packages_that_are_not_installed_are_one_finding(missing, message):
    imports = [
        failed(f"src.{name}", error("ModuleNotFoundError", f"No module named '{name}'", f"src/{name}.py:1", name=name))
        for name in missing
    ]
    given = facts(requirements=("sqlalchemy[asyncio]", *missing), boot=boot(imports[0].error, imports=imports))
    [finding] = find("ADB107", given)
    assert find("ADB202", given) == ()
    assert (finding.message, finding.place) == (message.replace("src.a", "src.main"), Place("requirements.txt", 2, 1))
    assert finding.severity is Severity.BLOCKS


def test_declared_driver_that_is_not_installed_is_told():
    failure = error("ModuleNotFoundError", "No module named 'psycopg'", "src/db.py:10", name="psycopg")
    given = facts(requirements=("sqlalchemy[asyncio]", "psycopg"), boot=boot(failure), engines=(engine(),))
    [finding] = find("ADB107", given)
    assert finding.message.startswith("`psycopg` is declared and not installed here")


def test_missing_module_of_the_project_itself_is_told_where_it_is_wanted():
    failure = error("ModuleNotFoundError", "No module named 'src.gone'", "src/main.py:1", name="src.gone")
    given = facts(modules=(module("src.main"),), requirements=("src",), boot=boot(failure))
    [finding] = find("ADB202", given)
    assert finding.place == Place("src/main.py", 1)


def test_module_that_the_app_does_not_need_is_latent():
    failure = error("ZeroDivisionError", "division by zero", "src/tool.py:1")
    [finding] = find("ADB202", facts(boot=boot(imports=(failed("src.tool", failure),))))
    assert finding.severity is Severity.LATENT


@pytest.mark.parametrize(
    ("specifier", "judged"), [(">=3.14", False), ("==3.12.1", True), (">=3.11", True), ("<3.12", False)]
)
def test_an_import_that_fails_on_a_python_that_the_project_does_not_ask_for_is_not_judged(specifier, judged):
    failure = error("NameError", "name 'Item' is not defined", "src/models.py:59")
    given = facts(boot=boot(failure), python="3.12.7", pythons=(admits(specifier),))
    if judged:
        assert len(find("ADB202", given)) == 1
    else:
        with pytest.raises(NotJudgedError, match=r"`src.main` does not import .*, but this is Python 3.12.7, and the"):
            find("ADB202", given)


@pytest.mark.parametrize(
    ("declared", "judged"), [("pydantic==1.10.2", False), ("pydantic>=2", True), ("fastapi", True)]
)
def test_an_error_of_a_package_in_a_version_that_is_not_declared_is_not_judged(declared, judged):
    failure = error("pydantic.errors.PydanticImportError", "`BaseSettings` has been moved", "src/conf.py:3")
    versions = {"pydantic": "2.14.4", "fastapi": "0.165.0"}
    given = facts(boot=boot(failure), requirements=("sqlalchemy[asyncio]", declared), versions=versions)
    if judged:
        assert len(find("ADB202", given)) == 1
    else:
        with pytest.raises(NotJudgedError, match=r"but `pydantic` 2\.14\.4 is installed, and `==1\.10\.2` is"):
            find("ADB202", given)


@pytest.mark.parametrize(("declared", "judged"), [("sqlalchemy[asyncio]<2", False), ("sqlalchemy[asyncio]", True)])
def test_a_name_that_another_version_of_a_module_has_is_not_judged(declared, judged):
    failure = error("AttributeError", "module 'sqlalchemy.orm.attributes' has no attribute 'Gone'", "src/conf.py:3")
    given = facts(boot=boot(failure), requirements=(declared,))
    if judged:
        assert len(find("ADB202", given)) == 1
    else:
        with pytest.raises(NotJudgedError, match=r"but `sqlalchemy` 2\.1\.9 is installed, and `<2` is declared"):
            find("ADB202", given)


@pytest.mark.parametrize(
    ("package", "here", "judged"),
    [("pydantic", True, True), ("imp", True, False), ("pydantic", False, False)],
    ids=["told nowhere", "of an earlier Python", "perhaps of what is not here"],
)
def test_a_package_that_nothing_declared_brings_is_missing_on_every_python(package, here, judged):
    failure = error("ModuleNotFoundError", f"No module named '{package}'", "src/main.py:1", name=package)
    more = () if here else ("sanic-ext",)
    given = facts(
        boot=boot(failure),
        python="3.12.7",
        pythons=(admits(">=3.14"),),
        requirements=("sqlalchemy[asyncio]", "asyncpg", *more),
    )
    if judged:
        assert len(find("ADB202", given)) == 1
    else:
        with pytest.raises(NotJudgedError, match="but this is Python"):
            find("ADB202", given)


@pytest.mark.parametrize(
    "failure",
    [
        error("ImportError", "cannot import name 'A' from partially initialized module 'a'", "a.py:1"),
        error("SyntaxError", "invalid syntax", "a.py:1"),
        error("SystemExit", "3", "a.py:1"),
        error("KeyError", "'DATABASE_URL'", "a.py:1"),
        error("pydantic_core.ValidationError", "1 validation error", "a.py:1", settings=UNSET),
        error("ModuleNotFoundError", "No module named 'psycopg2'", "src/db.py:10", name="psycopg2"),
        error("sqlalchemy.exc.InvalidRequestError", "The asyncio extension requires an async driver", "src/db.py:10"),
    ],
)
def test_failures_that_other_checks_explain_are_left_to_them(failure):
    assert find("ADB202", facts(boot=boot(failure), engines=(engine(),))) == ()


@pytest.mark.parametrize("check_id", ["ADB107", "ADB202", "ADB203", "ADB205", "ADB207", "ADB208"])
def test_without_a_boot_it_is_not_judged(check_id):
    with pytest.raises(NotJudgedError, match="not asked for"):
        find(check_id, facts())


def sync_engine(text="postgresql+asyncpg://u@h/d", **given):
    return engine(text, function="sqlmodel.create_engine", is_async=False, **given)


@pytest.mark.parametrize("reads", [1, 2])
def test_sync_engine_of_async_sessions_is_repaired_with_its_import(reads):
    source = module("src.db", ("sqlmodel", "create_engine"), reads=reads)
    made = sync_engine(bound_to_async=True)
    [fix] = find("ADB204", facts(modules=(source,), engines=(made,)))[0].fixes
    assert fix.safe
    assert fix.changes[:2] == (
        Replace(made.callee, "create_async_engine"),
        AddImport("src/db.py", "sqlalchemy.ext.asyncio", "create_async_engine"),
    )
    assert fix.changes[2:] == ((RemoveImport("src/db.py", "sqlmodel", "create_engine"),) if reads == 1 else ())


def test_sync_engine_on_an_async_driver_is_no_safe_fix():
    given = facts(modules=(module("src.db"),), engines=(sync_engine(),))
    [finding] = find("ADB204", given)
    assert [fix.safe for fix in finding.fixes] == [False]


@pytest.mark.parametrize(
    "fine",
    [
        engine("postgresql+asyncpg://u@h/d", function="sqlmodel.create_engine", is_async=True),
        engine("postgresql+psycopg://u@h/d", function=SYNC_ENGINE, is_async=False),
        engine("postgresql://u@h/d", function=SYNC_ENGINE, is_async=False),
        engine("postgresql+asyncpg://u@h/d", function=SYNC_ENGINE, is_async=False, role="test"),
    ],
)
def test_sync_engines_that_are_fine(fine):
    assert find("ADB204", facts(engines=(fine,))) == ()


def admits(specifier, name="requires-python", *minors):
    return PythonRange(specifier, Place("pyproject.toml", 2), name, minors)


def test_unused_names_for_databases_only():
    source = module(
        "src.db",
        ("sqlalchemy.pool", "!NullPool"),
        ("sqlalchemy", "!text"),
        ("sqlalchemy.orm", "sessionmaker"),
        ("os", "!path"),
    )
    [finding] = find("ADB209", facts(modules=(source,)))
    assert finding.fixes[0].changes == (RemoveImport("src/db.py", "sqlalchemy.pool", "NullPool"),)


def test_exported_names_are_used():
    exporter = module("src.db", ("sqlalchemy.pool", "!NullPool"))
    assert find("ADB209", facts(modules=(exporter, module("src.other", ("src.db", "NullPool"))))) == ()
    package = module("src.db", ("sqlalchemy.pool", "!NullPool"), is_package=True)
    assert find("ADB209", facts(modules=(package,))) == ()


@pytest.mark.parametrize(("package", "silent"), [("faker", True), ("rich", True), ("sqlalchemy_utils", False)])
def test_modules_that_need_development_packages(package, silent):
    failure = error("ModuleNotFoundError", f"No module named '{package}'", "seed.py:1", name=package)
    given = facts(boot=boot(imports=(failed("seed", failure),)), development=("rich",))
    assert (find("ADB202", given) == ()) is silent
    # The app cannot do without what it imports itself, whatever it was meant for.
    given = facts(boot=boot(imports=(failed("seed", failure, by_app=True),)), development=("rich",))
    assert find("ADB202", given) != ()
