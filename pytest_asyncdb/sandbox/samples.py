"""Has the project make its engine out of sample URLs: each in a forked copy of a process that has all packages."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import sys
import time
import warnings
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_asyncdb.urls.parse import parse_url
from pytest_asyncdb.urls.samples import naming

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.control import Address
    from pytest_asyncdb.sandbox.recorder import Recorder
    from pytest_asyncdb.sandbox.watch import Watch

_ONE = 10.0
"""Seconds that one sample may take."""
_AT_ONCE = 2
_CONNECT = 5.0
_TEXT = 400
_DRIVERS = frozenset({"asyncpg", "psycopg", "psycopg_async"})


class Samples:
    """Tries each sample on each trial.

    Args:
        told: the request: ``trials``, ``urls`` (name and URL of each sample) and ``sample_seconds`` for all of them.
        recorder: where results are told.
        watch: sees the engines.
        server: waits for the throwaway server.
    """

    def __init__(
        self, told: dict[str, Any], recorder: Recorder, watch: Watch, server: Callable[[], Address | None]
    ) -> None:
        """Take what to try; nothing runs yet."""
        self._trials: list[dict[str, Any]] = told["trials"]
        self._urls: list[tuple[str, str]] = [(str(name), str(url)) for name, url in told["urls"]]
        self._until = time.monotonic() + float(told["sample_seconds"])
        self._recorder = recorder
        self._watch = watch
        self._server = server
        self._tell = recorder.emit
        self._kept: object = None
        """What the call made: an engine lives no longer than something holds it."""

    def run(self) -> None:
        """Load the packages that the project needs, then fork for each sample, two at a time."""
        running: list[int] = []
        for number, trial in enumerate(self._trials):
            _load_packages(trial["packages"])
            self._server()
            for name, url in self._urls:
                if time.monotonic() < self._until:
                    running.append(_fork(partial(self._try, number, trial, name, naming(url, str(trial["driver"])))))
                if len(running) == _AT_ONCE:
                    os.waitpid(running.pop(0), 0)
        for left in running:
            os.waitpid(left, 0)

    def _try(self, number: int, trial: dict[str, Any], name: str, url: str) -> None:
        engines: dict[int, dict[str, Json]] = {}
        asked: list[dict[str, Json]] = []

        def emit(kind: str, /, **fields: Json) -> None:
            if kind == "engine":
                engines.setdefault(int(str(fields["number"])), {}).update(fields)
            elif kind == "connection":
                asked.append({key: fields[key] for key in ("host", "port", "database", "user")})

        self._recorder.emit = emit  # type: ignore[method-assign]  # this copy tells one thing only
        runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
        step, error = self._attempt(trial, url, runner)
        made = _chosen(engines, str(trial["path"]))
        told: dict[str, Json] = {"trial": number, "sample": name, "step": step}
        if made is not None:
            told |= {key: made.get(key) for key in ("url", "driver", "connect_args", "place")}
            told["step"] = "make" if made.get("error") else "made"
            del asked[:]
            error = made.get("error") or self._connect(int(str(made["number"])), url, told, runner)
            told |= asked[0] if asked else {}
        self._recorder.emit = self._tell  # type: ignore[method-assign]  # the real one again
        self._tell("sample", **_short({**told, "error": error}))

    def _attempt(self, trial: dict[str, Any], url: str, runner: asyncio.Runner) -> tuple[str, Json]:
        """Import the module, and call what makes the engine where importing does not."""
        os.environ.update(dict.fromkeys(trial["variables"], url))
        os.environ.update({str(name): str(value) for name, value in trial["constants"]})
        step = "import"
        try:
            module = import_module(str(trial["module"]))
            step = "call"
            if trial["call"]:
                names = {**vars(module), "_asyncdb_url": url, "_asyncdb_load": _load}
                self._kept = runner.run(_settled(eval(str(trial["call"]), names)))  # noqa: S307 - the project's own call
        except BaseException as caught:  # noqa: BLE001 - the project may raise anything
            return step, self._recorder.error(caught)
        return step, None

    def _connect(self, number: int, url: str, told: dict[str, Json], runner: asyncio.Runner) -> Json:
        engine = next((one.made for one in self._watch.engines if one.number == number), None)
        if engine is None or not hasattr(engine, "sync_engine"):
            return None
        told["password_kept"] = (engine.url.password or "") == (parse_url(url).password or "")
        if engine.dialect.driver not in _DRIVERS or self._server() is None:
            return None
        told["step"] = "connect"
        try:
            runner.run(_select(engine))
        except BaseException as caught:  # noqa: BLE001 - whatever the arguments lead to
            return self._recorder.error(caught)
        told["step"] = "done"
        return None


def _load_packages(names: list[str]) -> None:
    """Import what the project imports from elsewhere: the copies then have it."""
    for name in names:
        try:
            import_module(name)
        except BaseException:  # noqa: BLE001, S112 - it is imported again where it is needed, and fails there
            continue


def _load(module: str, name: str) -> Any:
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


async def _settled(made: Any) -> object:
    """Let a coroutine, generator or context manager go as far as it takes to make what it makes."""
    async with asyncio.timeout(_CONNECT):
        if inspect.isawaitable(made):
            made = await made
        if inspect.isasyncgen(made):
            return made, await anext(made)
        if inspect.isgenerator(made):
            return made, next(made)
        if hasattr(made, "__aenter__") and not hasattr(made, "sync_engine"):
            return made, await made.__aenter__()
        return made


async def _select(engine: Any) -> None:
    async with asyncio.timeout(_CONNECT), engine.connect() as connection:
        await connection.execute(sys.modules["sqlalchemy"].text("SELECT 1"))


def _chosen(engines: dict[int, dict[str, Json]], path: str) -> dict[str, Json] | None:
    """The async engine that is made in that file, else the first async one."""
    found = [one for one in engines.values() if one.get("is_async") and one.get("wraps") is None]
    there = [one for one in found if isinstance(place := one.get("place"), dict) and place["path"] == path]
    return next(iter(there or found), None)


def _short(told: dict[str, Any]) -> dict[str, Json]:
    """Cut what is told to a size that a pipe takes in one piece."""
    if error := told.get("error"):
        causes = [[kind, str(text)[:_TEXT]] for kind, text in error["causes"][:2]]
        message = str(error["message"])[:_TEXT]
        told["error"] = {"type": error["type"], "message": message, "place": error["place"], "causes": causes}
    told["connect_args"] = [[name, str(value)[:80]] for name, value in (told.get("connect_args") or [])[:8]]
    return told


def _fork(work: Callable[[], None]) -> int:
    """Do something in a copy of this process, which ends by itself after a while."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the threads of this process are the sandbox's own, and the copy needs none
        pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, _ONE)
    try:
        work()
    finally:
        os._exit(0)
