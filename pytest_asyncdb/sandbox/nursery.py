"""A process that has the packages loaded and gives each further boot a copy of itself (``fork``)."""

from __future__ import annotations

import gc
import json
import os
import select
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_asyncdb.sandbox.child import look_like_a_server, run, take_order
from pytest_asyncdb.sandbox.control import leash
from pytest_asyncdb.sandbox.places import Sources
from pytest_asyncdb.sandbox.preload import Preload
from pytest_asyncdb.sandbox.recorder import Recorder
from pytest_asyncdb.sandbox.shelf import Shelf
from pytest_asyncdb.sandbox.walls import Walls

if TYPE_CHECKING:
    from pytest_asyncdb.model.serial import Json

_MESSAGE = 1 << 20
_DESCRIPTORS = 6


def main(orders: int, leash_descriptor: int) -> NoReturn:
    """Load packages behind the walls, then copy this process as often as it is asked for.

    Args:
        orders: socket on which the packages come, then orders with the descriptors of a child's pipes.
        leash_descriptor: pipe that is never written to; when its other end closes, this process group is killed.
    """
    before = frozenset(sys.modules)
    for descriptor in (orders, leash_descriptor):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - it takes no keyword
    leash(leash_descriptor)
    nursery = Nursery(socket.socket(fileno=orders), leash_descriptor)
    nursery.prepare(before)
    nursery.serve()


class Nursery:
    """The process and its copies.

    Args:
        orders: the socket to the parent.
        leash_descriptor: closed in each copy, which has a leash of its own.
    """

    def __init__(self, orders: socket.socket, leash_descriptor: int) -> None:
        """Load nothing yet."""
        self._orders = orders
        self._leash = leash_descriptor
        self._running: dict[int, tuple[int, socket.socket]] = {}
        """Of each copy, by the descriptor that tells its death: its process id, and where its end is told."""
        self._dead: dict[int, tuple[int, socket.socket]] = {}
        """Of each copy whose end was told, by the descriptor on which the parent says that it knows."""
        self._setpgid = os.setpgid

    def prepare(self, before: frozenset[str]) -> None:
        """Take what to load, put up the walls, and load it."""
        told: dict[str, Any] = json.loads(self._orders.recv(_MESSAGE))
        self._base = dict(os.environ)
        look_like_a_server(told)
        self._walls = Walls(Recorder(-1, Sources(str(told["project"]))))
        self._walls.put_up()
        silent = os.memfd_create("asyncdb")  # what a package prints is not lost: then no copy is made
        for descriptor in (1, 2):
            os.dup2(silent, descriptor, inheritable=True)
        os.close(silent)
        self._preload = Preload(self._walls.recorder, before)
        packages: dict[str, list[str]] = told["packages"]
        self._preload.run([*packages["imported"], *packages["dialects"], *packages["drivers"]])
        Shelf(packages["drivers"])
        gc.freeze()

    def serve(self) -> NoReturn:
        """Make copies until the parent goes away."""
        poll = select.poll()
        poll.register(self._orders, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._orders.fileno():
                    self._take(poll)
                elif descriptor in self._running:
                    self._ended(poll, descriptor)
                else:
                    self._forget(poll, descriptor)

    def _take(self, poll: select.poll) -> None:
        data, descriptors, _, _ = socket.recv_fds(self._orders, _MESSAGE, _DESCRIPTORS)
        if not data:
            os._exit(0)
        status = socket.socket(fileno=descriptors.pop())
        told = json.loads(data)
        environ = self._base | {str(name): str(value) for name, value in told["env"]}
        refused = self._preload.fault or self._preload.differs(environ, told)
        if refused:
            _tell(status, refused=refused)
            status.close()
        else:
            pid = self._copy(descriptors, status)
            death = os.pidfd_open(pid)
            self._running[death] = (pid, status)
            poll.register(death, select.POLLIN)
            _tell(status, pid=pid)
        for descriptor in descriptors:
            os.close(descriptor)

    def _copy(self, descriptors: list[int], status: socket.socket) -> int:
        pid = os.fork()
        # Both do it, whoever comes first: the parent may kill the group as soon as it knows the process.
        with suppress(OSError):  # it is over already
            self._setpgid(pid, pid)
        if pid:
            return pid
        try:
            status.close()
            self._boot(*descriptors)
        finally:
            os._exit(70)

    def _boot(self, control_descriptor: int, events: int, leash_descriptor: int, out: int, err: int) -> NoReturn:
        """Become a child like any other."""
        self._orders.close()
        os.close(self._leash)
        for death in self._running:
            os.close(death)
        for _, status in (*self._running.values(), *self._dead.values()):
            status.close()
        for descriptor, stream in ((out, 1), (err, 2)):
            os.dup2(descriptor, stream, inheritable=True)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(self._base)
        control, told = take_order(control_descriptor, events, leash_descriptor)
        self._walls.recorder.take_over(events, Sources(str(told["project"])))
        run(control, told, self._walls, lambda: None)

    def _ended(self, poll: select.poll, death: int) -> None:
        """Tell how a copy ended; it stays a zombie, so that nobody else gets its number while the parent uses that."""
        pid, status = self._running.pop(death)
        found = os.waitid(os.P_PIDFD, death, os.WEXITED | os.WNOWAIT)
        poll.unregister(death)
        os.close(death)
        assert found is not None  # noqa: S101 - only WNOHANG can give nothing
        _tell(status, status=found.si_status if found.si_code == os.CLD_EXITED else -found.si_status)
        self._dead[status.fileno()] = (pid, status)
        poll.register(status, select.POLLIN)

    def _forget(self, poll: select.poll, descriptor: int) -> None:
        """The parent has taken in how a copy ended."""
        pid, status = self._dead.pop(descriptor)
        poll.unregister(descriptor)
        status.close()
        os.waitpid(pid, 0)


def _tell(parent: socket.socket, /, **told: Json) -> None:
    try:
        parent.sendall(json.dumps(told).encode())
    except OSError:  # the parent does not wait for it any more
        return
