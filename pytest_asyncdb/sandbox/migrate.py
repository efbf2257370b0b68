"""Upgrades the throwaway database with the project's own migrations, in a child process of its own."""

from __future__ import annotations

import gc
import linecache
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.boot import Order
    from pytest_asyncdb.sandbox.leave import Phases
    from pytest_asyncdb.sandbox.recorder import Recorder

_STAND_IN = "postgresql+{driver}://postgres@localhost/postgres"
"""Its address and user never matter: the drivers are redirected."""
_DRIVERS = {True: ("asyncpg", "psycopg"), False: ("psycopg2", "psycopg")}
"""By whether ``env.py`` is asynchronous."""


class NotPostgresError(Exception):
    """The migrations connect to something else; nothing is written there."""


class Migrate:
    """One upgrade.

    Args:
        order: what the parent asked for.
        recorder: where everything is told.
        phases: runs the phase.
    """

    def __init__(self, order: Order, recorder: Recorder, phases: Phases) -> None:
        """Take what it needs; nothing runs yet."""
        self._order = order
        self._told = order.migration or {}
        self._recorder = recorder
        self._phases = phases
        self._applied: list[Json] = []
        self._heads: tuple[str, ...] = ()
        self._unjudged = ""

    def run(self) -> None:
        """Upgrade to the head, and tell how far it came."""
        with self._phases.phase("migrate", float(self._told["seconds"])):
            try:
                self._upgrade()
            except Exception as error:
                self._unjudged = self._unjudged or self._not_theirs(error)
                raise
            finally:
                self._recorder.emit(
                    "migration",
                    command=self._told["command"],
                    applied=list(self._applied),
                    heads=list(self._heads),
                    unjudged=self._unjudged,
                )

    def _upgrade(self) -> None:
        # The project's folder of scripts is often called `alembic` too: the command has its own before it looks there.
        own = sys.path.pop(0)
        try:
            import alembic.config  # type: ignore[import-not-found, unused-ignore]  # the project's own, if it has it
        except ModuleNotFoundError:
            self._unjudged = "Alembic is not installed in this environment, so the migrations were not run"
            raise
        finally:
            sys.path.insert(0, own)
        self._watch()
        if self._told["kind"] == "alembic":
            self._to_head(alembic.config)
            return
        from pytest_asyncdb.sandbox.imports import load

        app = load(self._order.target)
        kept = app() if self._order.factory else app
        for commands in _of_plugins():
            commands.upgrade()
        del kept

    def _to_head(self, config: Any) -> None:
        from alembic import command, util  # type: ignore[import-not-found, unused-ignore]

        made = self._config(config)
        try:
            command.upgrade(made, "head")
        except util.CommandError as error:
            if "ultiple head" not in str(error):
                raise
            from alembic.script import ScriptDirectory  # type: ignore[import-not-found, unused-ignore]

            self._heads = tuple(ScriptDirectory.from_config(made).get_heads())
            command.upgrade(self._config(config), "heads")
        except Exception as error:
            if self._applied or not _lacks_url(error):
                raise
            # Whoever runs these migrations hands the URL over: any will do, for all are redirected.
            self._unjudged = "the program that runs these migrations hands them their URL, which is not known here"
            made = self._config(config)
            made.set_main_option("sqlalchemy.url", _STAND_IN.format(driver=self._driver(error)))
            command.upgrade(made, "head")
            self._unjudged = ""

    def _config(self, config: Any) -> Any:
        """The configuration as the command line makes it."""
        path = f"{self._recorder.sources.root}{self._told['config']}"
        options = config.CommandLine(prog="alembic").parser.parse_args(["-c", path, "upgrade", "head"])
        if path.endswith(".toml"):
            beside = f"{path.rpartition('/')[0]}/alembic.ini"
            return config.Config(file_=beside, toml_file=path, ini_section=options.name, cmd_opts=options)
        return config.Config(file_=path, ini_section=options.name, cmd_opts=options)

    def _driver(self, error: BaseException) -> str:
        from importlib.util import find_spec

        text = "\n".join(line for path in _files(error) for line in linecache.getlines(path))
        is_async = "run_sync" in text or "async_engine_from_config" in text or "create_async_engine" in text
        return next((one for one in _DRIVERS[is_async] if find_spec(one) is not None), _DRIVERS[is_async][0])

    def _watch(self) -> None:
        """Count what is applied, and let nothing but Postgres be connected to."""
        context: Any = sys.modules["alembic.runtime.environment"].EnvironmentContext
        configure = context.configure

        def configured(this: Any, *args: Any, on_version_apply: Any = None, **options: Any) -> Any:
            own = () if on_version_apply is None else on_version_apply
            callbacks = own if isinstance(own, tuple | list) else (own,)
            return configure(this, *args, on_version_apply=(*callbacks, self._apply), **options)

        context.configure = configured
        engine = sys.modules["sqlalchemy.engine"].Engine
        sys.modules["sqlalchemy.event"].listen(engine, "do_connect", self._only_postgres)

    def _apply(self, *, step: Any, **_more: Any) -> None:
        self._applied.append(str(step.up_revision_id))

    def _only_postgres(self, dialect: Any, *_arguments: Any) -> None:
        if dialect.name != "postgresql":
            self._unjudged = f"the migrations are for {dialect.name} ({dialect.driver}), not for Postgres"
            raise NotPostgresError(self._unjudged)

    def _not_theirs(self, error: BaseException) -> str:
        """Why an error says nothing of the migrations: they are written to be run by a program."""
        place = next((one for one in reversed(list(self._recorder.sources.traceback(error.__traceback__)))), None)
        if place is None or type(error) is not KeyError:
            return ""
        line = linecache.getline(f"{self._recorder.sources.root}{place['path']}", int(str(place["line"])))
        return (
            "the program that runs these migrations hands them their connection (`config.attributes`)"
            if "attributes" in line
            else ""
        )


def _lacks_url(error: BaseException) -> bool:
    """Tell whether an engine was to be made of a configuration without a URL."""
    if isinstance(error, KeyError):
        return error.args == ("url",)
    return type(error).__name__ == "ArgumentError" and "got None" in str(error)


def _files(error: BaseException) -> Iterator[str]:
    traceback = error.__traceback__
    while traceback is not None:
        path = traceback.tb_frame.f_code.co_filename
        if path.endswith("env.py"):
            yield path
        traceback = traceback.tb_next


def _of_plugins() -> Iterator[Any]:
    """The upgrade of each configuration that Advanced Alchemy's plugins hold, once per folder of scripts."""
    module = sys.modules.get("advanced_alchemy.config.common")
    if module is None:
        return
    commands: Callable[..., Any]
    from advanced_alchemy.alembic.commands import AlembicCommands as commands  # type: ignore[import-not-found, no-redef, unused-ignore]  # noqa: N813

    seen: set[str] = set()
    for one in gc.get_objects():
        if isinstance(one, module.GenericSQLAlchemyConfig) and one.alembic_config.script_location not in seen:
            seen.add(one.alembic_config.script_location)
            yield commands(sqlalchemy_config=one)
