"""A database cluster and its server: from the template or from initdb to ready, and to its end."""

# ruff: noqa: PTH102, PTH123 - importing pathlib takes as long as starting half a server

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal itself imports enum: 5 ms before the server starts
import os
import time
from itertools import takewhile

from pytest_asyncdb.postgres.supervision.process import TICK, Child, Program, Task
from pytest_asyncdb.postgres.supervision.rundir import remove_tree
from pytest_asyncdb.postgres.supervision.template import DamagedError, Packing, Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.postgres.supervision.identity import Identity
    from pytest_asyncdb.postgres.supervision.wire import Line, Message

ROLES = "global/1260"
"""The table of roles, pg_authid, at the place that every new cluster has it."""
PLACEHOLDER = "SCRAM-SHA-256$4096:YXN5bmNkYi1wbGFjZWhvbA==$" + "A" * 43 + "=:" + "A" * 43 + "="
"""What initdb stores for the superuser: nobody's password, as long as every real verifier."""
INITDB_FLAGS = ("-A", "scram-sha-256", "-N", "--locale=C", "-E", "UTF8", "--no-instructions", "--wal-segsize=1")
INITDB_FLAGS_SINCE = (
    # A small server makes a cluster in a tenth less time; how large it is when it serves, SERVER_FLAGS say.
    (16, ("-c", "shared_buffers=16MB", "-c", "max_connections=30", "-c", "max_locks_per_transaction=16")),
    (17, ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")),  # lower() and upper() know more than ASCII
    (18, ("--no-data-checksums",)),  # on by default since then; the password is written under them
)
BUILTIN_LETTERS = 17
LETTERS = "C.UTF-8"
"""The locale that knows letters, for servers that do not know them by themselves; not every system has it."""
SERVER_FLAGS = {
    "listen_addresses": "",  # the front listens; the server has a socket in its private directory
    "unix_socket_directories": ".",  # relative to the data directory: no path is too long
    "password_encryption": "scram-sha-256",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "max_locks_per_transaction": "64",
    "jit": "off",
    "dynamic_shared_memory_type": "mmap",  # inside the data directory, so it goes away with it
    "log_destination": "stderr",
    "logging_collector": "off",
}
HBA = b"local all all scram-sha-256\n"
SOCKET = "data/.s.PGSQL.5432"
STATUS = 7
"""Index of the status in ``postmaster.pid``."""
PUBLISH_AFTER = 0.3


class StartError(Exception):
    """The server cannot be started; the text says what was tried."""


class Cluster:
    """One server below the current directory: ``data/`` and ``log``."""

    def __init__(self, request: Message, identity: Identity, line: Line) -> None:
        """Prepare; nothing is started yet."""
        self._request = request
        self._identity = identity
        self._line = line
        self._bin: str = request["bin"]
        self._environment: dict[str, str] = {**request["environment"], "LC_ALL": "C", "TZ": "UTC"}
        self._log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._end = time.monotonic() + request["timeout"]
        self._running: list[Child] = []
        self._packing: Packing | None = None
        self.version = ""

    def start(self, meanwhile: Callable[[], None]) -> None:
        """Start the server; ``meanwhile`` is called while it starts (again, if it has to be started anew).

        Raises:
            StartError: it does not start.
            CutError: the owner went away.
        """
        try:
            template = Template(self._request["template"])
        except (DamagedError, OSError, ValueError):
            self._from_nothing(meanwhile)
            return
        self.version = template.version
        try:
            self._from_template(template, meanwhile)
        except (StartError, DamagedError, OSError):  # a template that makes no server is worth nothing: make another
            self.stop()
            remove_tree("data")
            self._from_nothing(meanwhile)

    def publish(self) -> None:
        """Keep a template for the next start, if this one had to make it.

        That waits for the disk, so it is done aside and after the owner's first steps, and finished even when the
        owner goes meanwhile.
        """
        if self._packing:
            from threading import Thread

            Thread(target=self._publish, args=(self._packing,)).start()
            self._packing = None

    def _publish(self, packing: Packing) -> None:
        time.sleep(PUBLISH_AFTER)
        packing.publish(self._request["template"])

    def stop(self) -> None:
        """Stop at once: nothing in this server is worth a checkpoint."""
        while self._running:
            self._running.pop().stop()

    def log_tail(self) -> str:
        """The last lines of what initdb and the server wrote."""
        with open("log", "rb") as log:
            return log.read()[-4000:].decode(errors="replace")

    def _from_template(self, template: Template, meanwhile: Callable[[], None]) -> None:
        server = self._fork()
        self._make_data()
        self._as_server(lambda: template.make_directories("data"))

        def unpack_databases() -> bool:
            template.unpack("data", databases=True)
            return template.intact()

        databases = Task(self._identity, self._log, unpack_databases)  # beside us: it takes as long as all the rest
        self._running.append(databases)

        def unpack_others() -> None:
            template.unpack("data", databases=False)
            self._personalise()
            self._go(server)

        self._as_server(unpack_others)
        meanwhile()
        self._await_end(databases, "the template")
        if databases.failed:
            raise DamagedError
        self._await_ready(server)

    def _as_server(self, work: Callable[[], None]) -> None:
        """Do something as the server's user; nothing can be imported meanwhile, our own Python may be out of reach."""
        self._identity.enter()
        try:
            work()
        finally:
            self._identity.leave()

    def _from_nothing(self, meanwhile: Callable[[], None]) -> None:
        self.version = self._request["version"] or self._version()
        server = self._fork()
        self._initdb()
        self._packing = Packing("data", self.version)
        self._personalise()
        self._go(server)
        self._packing.read_databases()  # the server itself changes nothing in there before somebody connects
        meanwhile()
        self._await_ready(server)

    def _initdb(self) -> None:
        with open("placeholder", "wb") as file:
            file.write(PLACEHOLDER.encode() + b"\n")
        os.chown("placeholder", self._identity.uid, -1)
        self._make_data()
        major = int("".join(takewhile(str.isdigit, self.version)))
        extra = [flag for since, flags in INITDB_FLAGS_SINCE if major >= since for flag in flags]
        if major < BUILTIN_LETTERS and _has_locale(LETTERS):
            extra.append(f"--lc-ctype={LETTERS}")
        superuser = ["-U", self._request["user"], "--pwfile=placeholder"]
        initdb = Program(self._identity, self._log, death=_signal.SIGTERM)
        self._run(initdb, "initdb", "-D", "data", *superuser, *INITDB_FLAGS, *extra)

    def _make_data(self) -> None:
        os.mkdir("data", 0o700)
        os.chown("data", self._identity.uid, self._identity.gid)

    def _version(self) -> str:
        """``18.6`` out of ``postgres (PostgreSQL) 18.6 (Debian ...)``."""
        said = self._ask("postgres", "-V").split()
        if len(said) < 3 or not said[2][:1].isdigit():  # noqa: PLR2004 - program, name, version
            raise StartError(f"{self._bin}/postgres -V does not tell a version")
        return said[2]

    def _ask(self, program: str, *arguments: str) -> str:
        """What a program says; through a file, because importing subprocess takes longer than the program."""
        out = os.open("answer", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            self._run(Program(self._identity, out, death=_signal.SIGTERM), program, *arguments)
            return os.pread(out, 1 << 16, 0).decode(errors="replace")
        finally:
            os.close(out)

    def _run(self, child: Program, program: str, *arguments: str) -> None:
        self._running.append(child)
        child.go([f"{self._bin}/{program}", *arguments], self._environment)
        self._await_end(child, program)
        if child.failed:
            raise StartError(f"{self._bin}/{program} failed")

    def _await_end(self, child: Child, what: str) -> None:
        while not child.ended():
            self._pause(what)
        self._running.remove(child)

    def _fork(self) -> Program:
        server = Program(self._identity, self._log, death=_signal.SIGQUIT)
        self._running.append(server)
        return server

    def _go(self, server: Program) -> None:
        flags = [word for name, value in SERVER_FLAGS.items() for word in ("-c", f"{name}={value}")]
        server.go([f"{self._bin}/postgres", "-F", "-D", "data", *flags], self._environment)

    def _personalise(self) -> None:
        """Put this server's password where the placeholder is, and let nobody in without it."""
        verifier: bytes = self._request["verifier"].encode()
        with open(f"data/{ROLES}", "r+b") as roles:
            content = roles.read()
            if content.count(PLACEHOLDER.encode()) != 1 or len(verifier) != len(PLACEHOLDER):
                raise StartError(f"the superuser's password is not at its place in {ROLES} of a new cluster")
            roles.seek(content.index(PLACEHOLDER.encode()))
            roles.write(verifier)
        with open("data/pg_hba.conf", "wb") as hba:
            hba.write(HBA)

    def _await_ready(self, server: Program) -> None:
        """Line 8 of ``postmaster.pid`` is the server's own word."""
        while True:
            if server.ended():
                raise StartError(f"{self._bin}/postgres ended while starting")
            try:
                with open("data/postmaster.pid", "rb") as file:
                    lines = file.read().split(b"\n")
            except FileNotFoundError:
                lines = []
            if len(lines) > STATUS and lines[STATUS].strip() == b"ready":
                return
            self._pause("postgres")

    def _pause(self, program: str) -> None:
        self._line.wait(TICK)
        if time.monotonic() > self._end:
            raise StartError(f"{program} was not ready in {self._request['timeout']:g} s")


def _has_locale(name: str) -> bool:
    import locale

    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, name)
    except locale.Error:
        return False
    locale.setlocale(locale.LC_CTYPE, before)
    return True
