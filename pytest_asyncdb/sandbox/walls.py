"""What stands around project code: guard, redirect and watchers. Put up once, before anything is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.sandbox import native
from pytest_asyncdb.sandbox.guard import Guard, Refusals
from pytest_asyncdb.sandbox.hook import Hook, keep_bytecode_out
from pytest_asyncdb.sandbox.logs import Logs
from pytest_asyncdb.sandbox.loops import uvloop
from pytest_asyncdb.sandbox.offspring import stay_in_group
from pytest_asyncdb.sandbox.pools import Pools
from pytest_asyncdb.sandbox.programs import Programs
from pytest_asyncdb.sandbox.redirect import Redirect
from pytest_asyncdb.sandbox.routers import Routers
from pytest_asyncdb.sandbox.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.control import Address
    from pytest_asyncdb.sandbox.recorder import Recorder


def _nowhere() -> Address | None:
    return None


class Walls:
    """Guard, redirect and watchers of one process. They let nothing through before ``open_to`` names the server.

    Args:
        recorder: where all that they see is told.
    """

    def __init__(self, recorder: Recorder) -> None:
        """Nothing stands yet."""
        self.recorder = recorder
        self.refusals = Refusals(recorder)
        self.watch, self.pools, self.routers = Watch(recorder), Pools(recorder), Routers(recorder)
        self._server: Callable[[], Address | None] = _nowhere
        self._known: Callable[[], Address | None] = _nowhere
        self.redirect = Redirect(recorder, self._address)
        self._guard = Guard(self.refusals, self._known_address)

    def open_to(
        self, server: Callable[[], Address | None], known: Callable[[], Address | None], allow: Iterable[int]
    ) -> None:
        """Let connections go to the throwaway server, and to nothing else.

        Args:
            server: waits for it.
            known: the server, if it is known already.
            allow: services on this machine that the user lets through.
        """
        self._server, self._known = server, known
        self._guard.ports = frozenset(allow)

    def put_up(self) -> None:
        """Stand from now on, for good."""
        programs = Programs(self.refusals, self._payload, self.recorder)
        self._guard.watched.update(programs.watched())
        patches = [
            self.redirect.patches(),
            self.watch.patches(),
            self.pools.patches(),
            self.routers.patches(),
            programs.patches(),
            native.patches(self.refusals),
            {"logging": Logs(self.recorder).patch, "uvloop": uvloop},
        ]
        Hook({name: patch for one in patches for name, patch in one.items()}).install()
        keep_bytecode_out(self.recorder)
        stay_in_group()
        self._guard.install()

    def _address(self) -> Address | None:
        return self._server()

    def _known_address(self) -> Address | None:
        return self._known()

    def _payload(self) -> dict[str, Json]:
        """What a Python program needs that the project starts."""
        address = self._server()
        return {
            "server": None if address is None else address.told(),
            "root": self.recorder.sources.root,
            "events": self.recorder.events,
            "phase": self.recorder.phase,
            "secrets": list(self.recorder.secrets),
            "allow": [*sorted(self._guard.ports)],
        }
