"""The child process: puts up the walls, boots the app, leaves."""

from __future__ import annotations

import faulthandler
import os
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from pytest_asyncdb.sandbox.boot import Boot, Order
from pytest_asyncdb.sandbox.control import Control, leash
from pytest_asyncdb.sandbox.leave import Phases
from pytest_asyncdb.sandbox.places import Sources
from pytest_asyncdb.sandbox.recorder import Recorder
from pytest_asyncdb.sandbox.standing import Standing
from pytest_asyncdb.sandbox.versions import tell_versions
from pytest_asyncdb.sandbox.walls import Walls
from pytest_asyncdb.sandbox.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.control import Address


def main(control_descriptor: int, events: int, leash_descriptor: int) -> NoReturn:
    """Boot the app that the parent names.

    Args:
        control_descriptor: socket on which the request and the server come, and learned secrets go back.
        events: pipe on which everything else goes back.
        leash_descriptor: pipe that is never written to; when its other end closes, this process group is killed.
    """
    control, told = take_order(control_descriptor, events, leash_descriptor)
    walls = Walls(Recorder(events, Sources(str(told["project"]))))
    run(control, told, walls, walls.put_up)


def take_order(control_descriptor: int, events: int, leash_descriptor: int) -> tuple[Control, dict[str, Json]]:
    """Put on the leash and wait for the request."""
    for descriptor in (control_descriptor, events, leash_descriptor):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - it takes no keyword
    leash(leash_descriptor)
    control = Control(socket.socket(fileno=control_descriptor))
    return control, control.request()


def run(control: Control, told: dict[str, Json], walls: Walls, put_up: Callable[[], None]) -> NoReturn:
    """Do what was asked for and end the process.

    Args:
        control: where the server and the rest of the request come.
        told: the request.
        walls: opened to the server here.
        put_up: called before anything of the project runs.
    """
    recorder = walls.recorder
    recorder.on_secret = control.learned
    phases = Phases(recorder, walls.refusals, str(told["mark"]))
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
    walls.open_to(server, lambda: control.known, order.allow)
    put_up()
    phases.watch_exit()
    look_like_a_server(told)
    sys.path.insert(0, str(told["import_root"]))
    work = partial(_try, told, server) if told["trials"] else partial(_run, order, phases, server, control)
    try:
        work(walls)
    except BaseException as error:  # noqa: BLE001 - a fault of the sandbox itself must not look like one of the app
        details = recorder.error(error)
        phases.end("died", code=70, detail=f"the sandbox failed: {details['type']}: {details['message']}")
    tell_versions(recorder)
    phases.end("done")


def _try(told: dict[str, Json], server: Callable[[], Address | None], walls: Walls) -> None:
    """Have the project's own code make engines out of sample URLs."""
    from pytest_asyncdb.sandbox.samples import Samples

    Samples(told, walls.recorder, walls.watch, server).run()


def _run(order: Order, phases: Phases, server: Callable[[], Address | None], control: Control, walls: Walls) -> None:
    """Boot the app, or run the migrations."""
    if order.migration is None:
        Boot(order, walls, phases, server, lambda: control.reason).run()
        return
    from pytest_asyncdb.sandbox.migrate import Migrate

    Migrate(order, walls.recorder, phases).run()


def look_like_a_server(told: dict[str, Json]) -> None:
    """Give the project the process that a server would: its directory, its environment, its arguments."""
    os.chdir(str(told["cwd"]))
    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # both are text files over pipes here
    os.environ.update({str(name): str(value) for name, value in (map(str, _list(pair)) for pair in _list(told["env"]))})
    sys.argv[:] = ["uvicorn", str(told["target"])] if told["migration"] is None else ["alembic", "upgrade", "head"]


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
