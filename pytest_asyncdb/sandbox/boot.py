"""The boot itself: import, create, startup, probe, requests, shutdown, modules."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from pytest_asyncdb.sandbox.imports import import_rest, load, tell_imported
from pytest_asyncdb.sandbox.pools import size
from pytest_asyncdb.sandbox.routes import framework, routes
from pytest_asyncdb.sandbox.swallowed import tell_swallowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.sandbox.control import Address
    from pytest_asyncdb.sandbox.leave import Outcome, Phases
    from pytest_asyncdb.sandbox.places import PlaceJson
    from pytest_asyncdb.sandbox.walls import Walls
    from pytest_asyncdb.sandbox.watch import Seen

_NOT_ASGI = frozenset({"flask", "django"})
_NOTE = 4000
_OUTAGE = 20.0
"""Seconds for all that is asked while the database is taken away."""
_ROUNDS = 3
"""A phase with many steps may take this many times the deadline of one step."""


class Order:
    """What the parent asked for: see ``BootRequest``."""

    def __init__(self, told: dict[str, Any]) -> None:
        """Take the values."""
        self.target = str(told["target"])
        self.factory = bool(told["factory"])
        self.probe = bool(told["probe"])
        self.allow = [int(port) for port in told["allow"]]
        self.migration: dict[str, Any] | None = told["migration"]
        self._modules: list[tuple[str, str]] = []
        self._complete = threading.Event()
        self.import_timeout = float(told["import_timeout"])
        self.startup_timeout = float(told["startup_timeout"])
        self.request_timeout = float(told["request_timeout"])
        self.shutdown_timeout = float(told["shutdown_timeout"])

    def complete(self, modules: Any) -> None:
        """Take the part of the request that may come later."""
        self._modules = [(str(name), str(path)) for name, path in modules]
        self._complete.set()

    @property
    def modules(self) -> list[tuple[str, str]]:
        """Further modules to import; waits until they are known."""
        self._complete.wait()
        return self._modules


class Boot:
    """One boot.

    Args:
        order: what the parent asked for.
        walls: what watches the project, and tells everything.
        phases: runs the phases.
        server: waits for the throwaway server.
        reason: tells why there is none.
    """

    def __init__(
        self,
        order: Order,
        walls: Walls,
        phases: Phases,
        server: Callable[[], Address | None],
        reason: Callable[[], str],
    ) -> None:
        """Take what it needs; nothing runs yet."""
        self._order = order
        self._recorder = walls.recorder
        self._watch, self._pools = walls.watch, walls.pools
        self._routers, self._redirect = walls.routers, walls.redirect
        self._phases = phases
        self._server = server
        self._reason = reason
        self._tried: set[int] = set()

    def run(self) -> None:
        """Run every phase that can be run."""
        app = self._load()
        if app is not None and ":" in self._order.target:
            self._run_app(app)
        self._modules()

    def _load(self) -> Any:
        order, app = self._order, None
        with self._phases.phase("import", order.import_timeout):
            app = load(order.target)
        if app is not None and order.factory:
            made, app = app, None
            with self._phases.phase("create", order.import_timeout):
                app = made()
        tell_imported(self._recorder, order.modules)
        return app

    def _run_app(self, app: Any) -> None:
        name, _ = framework(app)
        self._recorder.emit("framework", name=name)
        # Servers wait for nothing either; the time that the database takes to start is not the app's.
        self._server()
        if name in _NOT_ASGI:
            with self._phases.phase("startup", self._order.startup_timeout) as outcome:
                outcome.note = f"{name} is no ASGI app"
            return
        import asyncio

        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            try:
                runner.run(self._serve(app))
            except SystemExit as error:
                self._ended(error)

    async def _serve(self, app: Any) -> None:
        from pytest_asyncdb.sandbox.asgi import Lifespan

        lifespan = self._phases.lifespan = Lifespan(app)
        started = await self._startup(lifespan)
        served = self._routes(app)
        self._watch.sweep()
        await self._probe()
        if started:
            await self._requests(app, lifespan.state, served)
            await self._shutdown(lifespan)
        else:
            await lifespan.abandon()

    async def _startup(self, lifespan: Any) -> bool:
        import asyncio

        seconds = self._order.startup_timeout
        with self._phases.phase("startup", seconds) as outcome:
            try:
                async with asyncio.timeout(seconds):
                    outcome.note = await lifespan.startup()
            except TimeoutError as error:
                self._late(outcome, lifespan.task, error)
            finally:
                outcome.note = outcome.note or lifespan.said[:_NOTE]
        return outcome.error is None and not outcome.timed_out

    def _late(self, outcome: Outcome, task: Any, error: BaseException) -> None:
        """Tell our deadline from a TimeoutError of the app's own."""
        if task is None or task.done():
            raise error
        outcome.timed_out = True
        outcome.stuck_at = self._stuck(task)

    def _stuck(self, task: Any) -> PlaceJson | None:
        import asyncio

        from pytest_asyncdb.sandbox.asgi import where

        others = [one for one in asyncio.all_tasks() if one is not task and one is not asyncio.current_task()]
        for one in [task, *others]:
            places = [place for frame in where(one) if (place := self._own(frame)) is not None]
            if places:
                return places[-1]
        return None

    def _own(self, frame: Any) -> PlaceJson | None:
        path = self._recorder.sources.relative(frame.f_code.co_filename)
        return self._recorder.place(frame) if path is not None else None

    def _routes(self, app: Any) -> list[Any]:
        from pytest_asyncdb.sandbox.ask import tell_routes

        try:
            served = routes(app)
        except Exception as error:  # noqa: BLE001 - a framework of a version that is not known
            self._recorder.own_fault(error)
            return []
        tell_routes(self._recorder, served)
        self._served = served
        return served

    async def _probe(self) -> None:
        from pytest_asyncdb.sandbox.probe import Probe

        if not self._order.probe:
            return
        engines, factories, pools = map(self._untried, (self._watch.engines, self._watch.factories, self._pools.seen))
        seconds = self._order.request_timeout
        no_server = "" if self._server() is not None else f"there is no database server: {self._reason()}"
        with self._phases.phase("probe", _ROUNDS * seconds):
            probe = Probe(self._recorder, seconds, no_server)
            await probe.all(engines, factories, pools)

    def _untried(self, seen: list[Seen]) -> list[Seen]:
        found = [one for one in seen if one.number not in self._tried]
        self._tried.update(one.number for one in found)
        return found

    async def _requests(self, app: Any, state: dict[str, Any], served: list[Any]) -> None:
        from pytest_asyncdb.sandbox.ask import Requests, wanted

        if not self._order.probe:
            return
        seconds = self._order.request_timeout
        requests = Requests(self._recorder, app, state, seconds)
        with self._phases.phase("requests", (_ROUNDS + 1) * seconds) as outcome:
            outcome.note = await requests.all(wanted(served), time.monotonic() + _ROUNDS * seconds)
        if any(one.number not in self._tried for one in (*self._watch.engines, *self._pools.seen)):
            await self._probe()  # of what the first request made
        server = self._server()
        if requests.healthy and server is not None and (self._watch.engines or self._pools.seen):
            await self._outage(requests, server)

    async def _outage(self, requests: Any, server: Address) -> None:
        from pytest_asyncdb.sandbox.outage import Outage

        with self._phases.phase("outage", _OUTAGE) as outcome:
            outage = Outage(self._redirect, requests, server)
            outcome.note = await outage.play(requests.healthy, self._watch.engines, self._pools.seen)

    async def _shutdown(self, lifespan: Any) -> None:
        import asyncio

        seconds = self._order.shutdown_timeout
        with self._phases.phase("shutdown", seconds) as outcome:
            try:
                async with asyncio.timeout(seconds):
                    await lifespan.shutdown()
            except TimeoutError as error:
                self._late(outcome, lifespan.task, error)
            finally:
                outcome.note = lifespan.said[:_NOTE]
        for seen in self._watch.engines:
            if seen.open and seen.made is not None:
                self._recorder.emit("engine", number=seen.number, open_after_shutdown=len(seen.open))
        for seen in self._pools.seen:
            if seen.made is not None and (left := size(seen.made)):
                self._recorder.emit("engine", number=seen.number, open_after_shutdown=left)

    def _modules(self) -> None:
        order, seconds = self._order, self._order.import_timeout
        if order.modules:
            with self._phases.phase("modules", seconds) as outcome:
                outcome.note = import_rest(
                    self._recorder, order.modules, seconds, lambda: self._phases.watchdog.arm(seconds)
                )
        tell_swallowed(self._recorder, self._phases.watchdog)
        self._routers.tell(getattr(self, "_served", []))

    def _ended(self, error: SystemExit) -> None:
        """A task of the app raised SystemExit: it tore through the event loop, past every phase."""
        with self._phases.phase(self._recorder.phase, self._order.startup_timeout):
            raise error
