"""The child process: puts up the walls, boots the app, leaves."""

from __future__ import annotations

import faulthandler
import os
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

from pytest_asyncdb.sandbox import native
from pytest_asyncdb.sandbox.boot import Boot, Order
from pytest_asyncdb.sandbox.control import Control, leash
from pytest_asyncdb.sandbox.guard import Guard, Refusals
from pytest_asyncdb.sandbox.hook import Hook, keep_bytecode_out
from pytest_asyncdb.sandbox.leave import Phases
from pytest_asyncdb.sandbox.logs import Logs
from pytest_asyncdb.sandbox.loops import uvloop
from pytest_asyncdb.sandbox.offspring import stay_in_group
from pytest_asyncdb.sandbox.places import Sources
from pytest_asyncdb.sandbox.pools import Pools
from pytest_asyncdb.sandbox.programs import Programs
from pytest_asyncdb.sandbox.recorder import Recorder
from pytest_asyncdb.sandbox.redirect import Redirect
from pytest_asyncdb.sandbox.routers import Routers
from pytest_asyncdb.sandbox.standing import Standing
from pytest_asyncdb.sandbox.versions import tell_versions
from pytest_asyncdb.sandbox.watch import Watch
from pytest_asyncdb.sandbox.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.control import Address


def main(control_descriptor: int, events: int, leash_descriptor: int) -> None:
    """Boot the app that the parent names; never returns.

    Args:
        control_descriptor: socket on which the request and the server come, and learned secrets go back.
        events: pipe on which everything else goes back.
        leash_descriptor: pipe that is never written to; when its other end closes, this process group is killed.
    """
    for descriptor in (control_descriptor, events, leash_descriptor):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - it takes no keyword
    leash(leash_descriptor)
    control = Control(socket.socket(fileno=control_descriptor))
    told = control.request()
    sources = Sources(str(told["project"]))
    recorder = Recorder(events, sources)
    recorder.on_secret = control.learned
    refusals = Refusals(recorder)
    phases = Phases(recorder, refusals, str(told["mark"]))
    phases.watchdog = watchdog = Watchdog(recorder, phases.bark)
    watchdog.start()

    def server() -> Address | None:
        with watchdog.paused():
            address = control.server()
        if address is not None:
            recorder.secret(address.password)
        return address

    order = Order(told)

    def rest(told: dict[str, Json]) -> None:
        order.complete(told["modules"])
        recorder.hide(str(one) for one in _list(told["secrets"]))

    control.on_rest, control.on_where = rest, Standing(recorder, phases).tell
    control.listen()
    if told["complete"]:
        rest(told)
    boot = Boot(order, recorder, phases, server, lambda: control.reason)
    _put_up(boot, recorder, refusals, control, server, sources, events)
    phases.watch_exit()
    _look_like_a_server(told)
    work = partial(_try, told, server) if told["trials"] else partial(_run, order, phases)
    try:
        work(boot, recorder)
    except BaseException as error:  # noqa: BLE001 - a fault of the sandbox itself must not look like one of the app
        details = recorder.error(error)
        phases.end("died", code=70, detail=f"the sandbox failed: {details['type']}: {details['message']}")
    tell_versions(recorder)
    phases.end("done")


def _try(told: dict[str, Json], server: Callable[[], Address | None], boot: Boot, recorder: Recorder) -> None:
    """Have the project's own code make engines out of sample URLs."""
    from pytest_asyncdb.sandbox.samples import Samples

    Samples(told, recorder, boot.watch, server).run()


def _run(order: Order, phases: Phases, boot: Boot, recorder: Recorder) -> None:
    """Boot the app, or run the migrations."""
    if order.migration is None:
        boot.run()
        return
    from pytest_asyncdb.sandbox.migrate import Migrate

    Migrate(order, recorder, phases).run()


def _put_up(  # noqa: PLR0913, PLR0917 - wires the parts together, in one place
    boot: Boot, recorder: Recorder, refusals: Refusals, control: Control, server: object, sources: Sources, events: int
) -> None:
    """Put up the walls and the watchers."""
    assert callable(server)  # noqa: S101 - narrows the type
    boot.watch, boot.pools, boot.routers = Watch(recorder), Pools(recorder), Routers(recorder)
    redirect = boot.redirect = Redirect(recorder, server)

    def payload() -> dict[str, Json]:
        address = server()
        return {
            "server": None if address is None else address.told(),
            "root": sources.root,
            "events": events,
            "phase": recorder.phase,
            "secrets": list(recorder.secrets),
            "allow": [*boot.allow],
        }

    programs = Programs(refusals, payload, events)
    guard = Guard(refusals, lambda: control.known, boot.allow)
    guard.watched.update(programs.watched())
    patches = [
        redirect.patches(),
        boot.watch.patches(),
        boot.pools.patches(),
        boot.routers.patches(),
        programs.patches(),
    ]
    patches.append(native.patches(refusals))
    own = {"logging": Logs(recorder).patch, "uvloop": uvloop}
    Hook({name: patch for one in (*patches, own) for name, patch in one.items()}).install()
    keep_bytecode_out(sources)
    stay_in_group()
    guard.install()


def _look_like_a_server(told: dict[str, Json]) -> None:
    """Give the project the process that a server would: its import root, its environment, its arguments."""
    os.chdir(str(told["cwd"]))
    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # both are text files over pipes here
    os.environ.update({str(name): str(value) for name, value in (map(str, _list(pair)) for pair in _list(told["env"]))})
    sys.path.insert(0, str(told["import_root"]))
    sys.argv[:] = ["uvicorn", str(told["target"])] if told["migration"] is None else ["alembic", "upgrade", "head"]


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
