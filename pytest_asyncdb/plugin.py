"""The pytest11 entry point: options, ini settings and hooks. Every body imports what it needs when it runs.

With ``--asyncdb-check`` the examination takes place before pytest loads any conftest: a project whose app
ends the process at import must still get its findings, and no project code may run here before that.
"""

from __future__ import annotations

import sys

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

_SECONDS = "seconds until a deadline ends it"
_INI = (
    ("app", "string", "module:attribute of the ASGI app or app factory"),
    ("cwd", "string", "directory the app is started from, relative to the project"),
    ("env", "linelist", "extra environment of the app, one NAME=value a line"),
    ("allow", "string", "services on this machine that the app may reach, localhost:6379"),
    ("postgres", "string", "auto, embedded, docker, local or a URL"),
    ("extensions", "string", "extensions that the server must have, with commas or spaces between them"),
    ("no_server", "string", "fail (default) or skip the tests that need a server where there is none; in CI they fail"),
    ("escapes", "string", "fail (default) or warn when a test leaves a transaction, session, lock or task behind"),
    ("keep_minutes", "string", "how long a server outlives the run with --asyncdb-keep; 30 by default"),
    ("fail_on", "string", "lowest severity that fails a check: blocks, latent or advice"),
    ("import_timeout", "string", f"importing the app: {_SECONDS}"),
    ("startup_timeout", "string", f"startup of the app: {_SECONDS}"),
    ("request_timeout", "string", f"one request: {_SECONDS}"),
    ("shutdown_timeout", "string", f"shutdown of the app: {_SECONDS}"),
    ("migrations", "string", "run (default) or skip the project's migrations before the app is asked"),
    ("migrate_timeout", "string", f"the project's migrations: {_SECONDS}"),
)
_MARKERS = (
    'asyncdb(isolation="rollback"|"database", postgres=..., extensions=[...]): how the asyncdb fixtures isolate a test',
    "asyncdb_check: a check of pytest-asyncdb; each has the marker asyncdb, too",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and ini settings."""
    group = parser.getgroup("asyncdb", "async database checks")
    flag = group.addoption
    flag("--asyncdb-check", action="store_true", help="boot the project's app against a throwaway Postgres and report "
         "each async database fault, with a proven fix, before the tests run")  # fmt: skip
    flag("--asyncdb-diff", action="store_true", help="check, and show every fix as a diff")
    flag(
        "--asyncdb-fix",
        action="store_true",
        help="check, and apply the safe fixes, but for those whose proof on a copy failed",
    )
    flag("--asyncdb-no-gate", action="store_true", help="run the tests even when a fault blocks the start of the app")
    flag("--asyncdb-report", action="append", default=[], metavar="FILE",
         help="write a report; .json or .md decides the form; repeatable")  # fmt: skip
    flag("--asyncdb-explain", metavar="ID", help="print what a check looks for, why, and how it is fixed, and exit")
    flag(
        "--asyncdb-postgres",
        metavar="SERVER",
        help="auto (default), embedded, docker, docker:17, local, local:15 or a URL; "
        "several, with commas between them, run the tests of the fixtures on each",
    )
    flag("--asyncdb-keep", action="store_true", help="keep the databases of failed tests for a while, and print how to "
         "connect to them")  # fmt: skip
    flag(
        "--asyncdb-cache-clear", action="store_true", help="remove the cached templates of server directories, and exit"
    )
    flag("--asyncdb-app", metavar="MODULE:ATTRIBUTE", help="the ASGI app or app factory, when it is not found")
    flag("--asyncdb-cwd", metavar="DIRECTORY", help="the directory that the app is started from")
    flag("--asyncdb-env", action="append", default=[], metavar="NAME=VALUE",
         help="a variable of the app's environment; repeatable")  # fmt: skip
    flag("--asyncdb-fail-on", metavar="SEVERITY", help="blocks (default), latent or advice")
    for name, kind, text in _INI:
        parser.addini(f"asyncdb_{name}", help=text, type=kind)  # type: ignore[arg-type]  # the kinds above are literals


pytest.register_assert_rewrite("pytest_asyncdb.suite")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """Examine the project, then let pytest load its conftests, unless a fault blocks the start."""
    if not _asked_for(early_config):
        return (yield)
    from pytest_asyncdb.session import CheckSession

    session = CheckSession.begin(early_config, parser, args)
    try:
        return (yield)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a conftest may raise anything, SystemExit too
        session.conftest_failed(error, parser, args)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Answer ``--asyncdb-explain`` and ``--asyncdb-cache-clear``, which run no tests."""
    if config.getoption("asyncdb_cache_clear"):
        from pytest_asyncdb.postgres.cache import clear

        cleared = clear()
        sys.stdout.write(f"{cleared}\n")
        return int(bool(cleared.failed))
    asked: str | None = config.getoption("asyncdb_explain")
    if asked is None:
        return None
    from pytest_asyncdb.explain import explain
    from pytest_asyncdb.registry import UnknownCheckError

    try:
        sys.stdout.write(explain(asked))
    except UnknownCheckError as error:
        raise pytest.UsageError(f"--asyncdb-explain: {error}") from None
    return 0


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, the checks when asked for, and the fixtures."""
    from pytest_asyncdb.fixture_set import fixtures

    if config.pluginmanager.hasplugin("asyncio"):
        _spare_from_error()
    for line in _MARKERS:
        config.addinivalue_line("markers", line)
    config.pluginmanager.register(fixtures(config), "asyncdb-fixtures")
    if config.getoption("asyncdb_keep"):
        from pytest_asyncdb.serving.keep import Keeper

        Keeper.begin(config)
    if _asked_for(config) or (_wanted(config) and config.getoption("collectonly")):
        from pytest_asyncdb.session import CheckSession

        CheckSession.of(config).configure()


def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> None:
    """Prepare the conformance suites of the project; without one nothing of them is loaded."""
    if isinstance(obj, type) and "pytest_asyncdb.suite" in sys.modules:
        from pytest_asyncdb.suite.collecting import prepare

        prepare(collector, obj)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on the servers that its marker names."""
    if "asyncdb_server" in metafunc.fixturenames and metafunc.definition.get_closest_marker("asyncdb"):
        from pytest_asyncdb.fixtures.marker import parametrize

        parametrize(metafunc)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse markers that mean nothing; isolate tests that ask for no more than an engine of the project's own."""
    if any(item.get_closest_marker("asyncdb") for item in items):
        from pytest_asyncdb.fixtures.marker import check

        check(items)
    if any("asyncdb_engine" in names or "asyncdb_sync_engine" in names for names in map(_names, items)):
        from pytest_asyncdb.fixtures.overridden import isolate_all

        isolate_all(items)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of xdist whom to ask for a server; none is started for that."""
    from pytest_asyncdb.serving import HANDED_OVER, Serving

    node.workerinput[HANDED_OVER] = Serving.of(node.config).address()  # type: ignore[attr-defined]  # a node of xdist has both


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Keep the password of `asyncdb_server` and its URLs out of the comparison that a failing assert shows."""
    if {"DatabaseURL", "Server"} & {type(left).__name__, type(right).__name__}:
        return [f"{left!r} {op} {right!r}"]
    return None


def _spare_from_error() -> None:
    """Have pytest-asyncio say that a setting is missing, where warnings are errors, instead of ending the run.

    We bring it along, also into projects that do not use it.
    """
    import warnings

    unset = 'The configuration option "asyncio_default_fixture_loop_scope" is unset'
    warnings.filterwarnings("default", unset, pytest.PytestDeprecationWarning)


def _names(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


def _wanted(config: pytest.Config) -> bool:
    """Whether the command line asks for checks, by flag or by the pasted id of one."""
    options = config.known_args_namespace
    flags = options.asyncdb_check or options.asyncdb_diff or options.asyncdb_fix
    return bool(flags or any("::asyncdb" in str(arg) for arg in config.invocation_params.args))


def _asked_for(config: pytest.Config) -> bool:
    """Whether checks are to be run by this process or its workers."""
    options = config.known_args_namespace
    idle = (
        "help",
        "version",
        "collectonly",
        "showfixtures",
        "show_fixtures_per_test",
        "markers",
        "asyncdb_explain",
        "asyncdb_cache_clear",
    )
    return _wanted(config) and not any(getattr(options, name, None) for name in idle)
