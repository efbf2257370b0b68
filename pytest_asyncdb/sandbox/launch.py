"""Starts the child process and gathers what it tells: the parent's side of the sandbox."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self, TypeAlias

from pytest_asyncdb.sandbox.gather import Gather
from pytest_asyncdb.sandbox.interpreter import begin

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.sandbox.gather import Process
    from pytest_asyncdb.sandbox.record import BootRecord
    from pytest_asyncdb.sandbox.request import BootRequest

    Spawn: TypeAlias = Callable[[BootRequest], "Child"]

_GLANCE = 0.02
"""Seconds between two looks at what a child has told."""
_SERVER_WAIT = 180.0
"""Seconds that a boot waits for ``serve`` or ``no_server`` before it goes on without a server."""


class SandboxError(Exception):
    """The sandbox could not be put up; the project was not touched."""


def start(request: BootRequest) -> Boot:
    """Start a child and have it begin to import at once.

    Raises:
        OSError: the interpreter can't be started.
    """
    return spawn(request.python).boot(request)


def spawn(python: str = "") -> Child:
    """Start a child that makes itself ready while its owner still finds out what to boot.

    Args:
        python: interpreter; empty means the running one.

    Raises:
        OSError: the interpreter can't be started.
    """
    with Pipes() as pipes:
        return pipes.kept(begin(python, "child", pipes.handed, subprocess.PIPE))


def _fresh(request: BootRequest) -> Child:
    return spawn(request.python)


class Pipes:
    """A child's pipes while it is being started: both ends."""

    def __init__(self) -> None:
        """Make them."""
        self._control, self._childs = socket.socketpair()
        for end in (self._control, self._childs):
            end.setblocking(True)  # noqa: FBT003 - it takes no keyword; a default timeout of this process is not meant
        self._events, self._childs_events = os.pipe()
        self._childs_leash, self._leash = os.pipe()
        self._is_kept = False

    @property
    def handed(self) -> tuple[int, ...]:
        """The child's ends: control, events, leash."""
        return self._childs.fileno(), self._childs_events, self._childs_leash

    def kept(self, process: Process) -> Child:
        """This side's ends, with the process that got the others."""
        self._is_kept = True
        return Child(process, self._control, self._events, self._leash)

    def __enter__(self) -> Self:
        """They are open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the child's ends, and this side's where there is no child."""
        self._childs.close()
        os.close(self._childs_events)
        os.close(self._childs_leash)
        if not self._is_kept:
            self._control.close()
            os.close(self._events)
            os.close(self._leash)


@dataclass(slots=True)
class Child:
    """A child that waits for its request, and this side's ends of its pipes; a ``with`` block ends an unused one."""

    process: Process
    control: socket.socket
    events: int
    leash: int
    used: bool = False

    def boot(self, request: BootRequest, *, complete: bool = True, spawn: Spawn | None = None) -> Boot:
        """Have it boot an app; once.

        Args:
            request: what to boot.
            complete: whether modules and secrets are in it; else ``Boot.complete`` adds them.
            spawn: starts the children that repeat what could not be imported; new interpreters, if there is none.
        """
        self.used = True
        return Boot(request, self, complete=complete, spawn=spawn or _fresh)

    def __enter__(self) -> Self:
        """Keep it ready."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, unless it got a request: then its ``Boot`` does that."""
        if self.used:
            return
        self.process.kill()
        self.process.communicate()
        self.control.close()
        os.close(self.events)
        os.close(self.leash)


class Boot:
    """A child that is booting an app."""

    def __init__(self, request: BootRequest, child: Child, *, complete: bool, spawn: Spawn) -> None:
        """Hand the request over and begin to listen."""
        self.request = request
        self._spawn = spawn
        self._process = child.process
        self._control = child.control
        self._leash = child.leash
        self._lock = threading.Lock()
        self._ending = threading.Lock()
        self._sending = threading.Lock()
        self._ended = False
        self._answered = threading.Event()
        self._server: Server | None = None
        self._begun = time.monotonic()
        self._killed = self._confirms = False
        self._record: BootRecord | None = None
        mark = f"\0{secrets.token_hex(8)}:"
        self._gather = Gather(child.process, child.control, child.events, mark)
        self._send(request.told(mark, complete=complete))

    def complete(self, modules: tuple[tuple[str, str], ...], secrets: tuple[str, ...]) -> None:
        """Add what an incomplete request lacked; the child tells nothing of what it sees before that."""
        self.request = replace(self.request, modules=modules, secrets=secrets)
        self._send({"rest": self.request.rest()})

    @property
    def pid(self) -> int:
        """Process id of the child, which is also that of its process group."""
        return self._process.pid

    def serve(self, server: Server) -> None:
        """Hand the server over: every connection of the app goes there."""
        self._server = server
        self._gather.secret(server.password)
        told: dict[str, Json] = {
            "host": server.host,
            "port": server.port,
            "user": server.user,
            "password": server.password,
            "database": server.database,
            "ca_file": server.ca_file,
            "channel_binding": server.channel_binding,
            "version": server.version,
        }
        self._answer({"server": told})

    def no_server(self, reason: str) -> None:
        """Say that there will be no server: connections are refused, engines are not tried."""
        self._answer({"no_server": reason})

    def result(self) -> BootRecord:
        """Wait for the end and tell what happened. Never raises for anything that the project does.

        Raises:
            SandboxError: the child ended by itself before it had begun with the project.
        """
        with self._lock:
            if self._record is None:
                self._wait()
                if not self._killed and not self._gather.events:
                    said = " / ".join(line.text for line in list(self._gather.output)[-3:]) or "no output"
                    status = self._process.returncode
                    raise SandboxError(f"the sandbox's own process did not start (exit status {status}): {said}")
                self._record = self._confirm(self._assemble())
            return self._record

    def failed_start(self) -> BootRecord | None:
        """What was seen up to a failing import or factory, without waiting for what comes after it.

        Returns:
            None as soon as the app was imported and made, or can't be any more.
        """
        while not self._gather.ended.wait(_GLANCE) and (self._left() > 0 or not self._answered.is_set()):
            done = {str(one["name"]): one["ok"] for one in list(self._gather.events) if one["t"] == "phase"}
            if not all(done.values()):
                return self._assemble()
            if done and (not self.request.factory or len(done) > 1):
                break
        return None

    def doing(self) -> tuple[str, str]:
        """What the child does just now, and where the project's code stood when last asked; empty after the end."""
        from pytest_asyncdb.sandbox.doing import doing

        if self._gather.ended.is_set():
            return ("importing again, in fresh interpreters, what could not be imported" if self._confirms else "", "")
        return doing(list(self._gather.events), self.request.target)

    def ask(self) -> None:
        """Ask the child where the project's code stands."""
        self._send({"where": True})

    def kill(self) -> None:
        """End the child and everything it started; what it told so far can still be had."""
        self._killed = self._killed or not self._gather.ended.is_set()
        self._end()

    def _answer(self, told: dict[str, Json]) -> None:
        self._begun = max(self._begun, time.monotonic() - self.request.import_timeout)
        self._answered.set()
        self._send(told)

    def _send(self, told: dict[str, Json]) -> None:
        # The server is handed over by one thread, the rest of the request by another: no line may run into the other.
        with self._sending, suppress(OSError):  # a child that is gone already: the record says how
            self._control.sendall(json.dumps(told).encode() + b"\n")

    def _wait(self) -> None:
        waited = time.monotonic() + _SERVER_WAIT
        while not self._gather.ended.wait(0.05 if not self._answered.is_set() else self._left()):
            if self._answered.is_set() and self._left() <= 0:
                break
            if not self._answered.is_set() and time.monotonic() > waited:
                self.no_server("none was handed over")
        self._killed = self._killed or not self._gather.ended.is_set()
        self._end()

    def _left(self) -> float:
        return max(0.0, self._begun + self.request.deadline - time.monotonic())

    def _end(self) -> None:
        """Kill what is left of the process group, then take in what is left in the pipes."""
        with self._ending:
            if self._ended:
                return
            self._ended = True
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._gather.finish()
            os.close(self._leash)
            self._control.close()

    def _assemble(self) -> BootRecord:
        from pytest_asyncdb.sandbox.assemble import Story, assemble

        story = Story(
            events=self._gather.events,
            output=self._gather.output,
            returncode=self._process.returncode or 0,
            killed=self._killed,
            secrets=(*self.request.secrets, *self._gather.secrets),
        )
        return assemble(self.request.target, str(self.request.project), story)

    def _confirm(self, record: BootRecord) -> BootRecord:
        if self._killed or not any(not one.ok for one in record.imports):
            return record
        from pytest_asyncdb.sandbox.fresh import confirm

        self._confirms = True
        return replace(record, imports=confirm(self.request, self._server, record, self._spawn))
