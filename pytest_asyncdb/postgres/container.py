"""The container itself. Importing this module imports testcontainers (a third of a second)."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from docker.errors import DockerException  # type: ignore[import-untyped]  # it has no annotations
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.exceptions import ContainerStartException

from pytest_asyncdb.postgres import engine
from pytest_asyncdb.postgres.owner import abandoned, tag
from pytest_asyncdb.postgres.protocol import USER, ServerError
from pytest_asyncdb.postgres.pull import WAYS_OUT
from pytest_asyncdb.postgres.supervision.cluster import SERVER_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL = "pytest-asyncdb.owner"
HOLDER = "pytest-asyncdb.holder"
"""The supervisor, which outlives the owner when the database of a failed test is kept."""
PORT = 5432
DATA = "/asyncdb"
INITDB_ARGS = "-N --wal-segsize=1 --auth-local=trust --auth-host=scram-sha-256"
OUTSIDE = (
    "listen_addresses",
    "unix_socket_directories",
    "dynamic_shared_memory_type",
    "log_destination",
    "logging_collector",
)
"""Server flags that are the image's business."""
STEP = 0.02
LOOK = 10
"""Every so many steps the engine is asked whether the container still runs."""
PROTOCOL_3 = 196608
HERE = ("127.0.0.1", "localhost")


class Container(PostgresContainer):
    """A Postgres container that is ready when it says so to the host, and fails when it dies.

    testcontainers' own wait runs a program inside the container once a second, and goes on for
    two minutes when there is no container any more.
    """

    def __init__(self, image: str, name: str, verifier: str, timeout: float, *, holder: str) -> None:
        """Describe the container.

        Args:
            image: to run.
            name: of the container.
            verifier: takes the password's place, so that the password itself is in nobody's environment.
            timeout: seconds until it must be ready.
            holder: its supervisor, by its ``tag``.
        """
        super().__init__(image, port=PORT, username=USER, password=verifier, dbname=USER, driver=None)
        self.address = ("", 0)
        self._end = time.monotonic() + timeout
        flags = [
            word for flag, value in SERVER_FLAGS.items() if flag not in OUTSIDE for word in ("-c", f"{flag}={value}")
        ]
        self.with_name(name)
        self.with_command(["postgres", "-c", "fsync=off", *flags])
        self.with_envs(PGDATA=f"{DATA}/data", POSTGRES_INITDB_ARGS=INITDB_ARGS)
        self.with_tmpfs_mount(DATA)
        self.with_kwargs(labels={LABEL: tag(), HOLDER: holder})
        if self.get_docker_client().host() in HERE:
            # Nobody else's network needs to reach it.
            self.ports[str(PORT)] = (HERE[0], None)  # type: ignore[assignment]  # the engine takes pairs too

    def _connect(self) -> None:
        """Wait until it speaks the protocol.

        Raises:
            ServerError: it ended, or took too long.
        """
        step = 0
        while True:
            if step % LOOK == 0:
                self._must_run()
            for address in self._addresses() if step else ():
                if _speaks(address):
                    self._must_run()  # or else that was somebody else's, who was given the same port
                    self.address = address
                    return
            if time.monotonic() > self._end:
                raise ServerError(f"the container was not ready in time. {WAYS_OUT}; {self._last_words()}")
            step += 1
            time.sleep(STEP)

    def _addresses(self) -> Iterator[tuple[str, int]]:
        """Where it may be reached: on this machine, on the engine's, or (from inside another container) directly.

        Never ``localhost``: its IPv6 address can have another port.
        """
        network = self.get_wrapped_container().attrs["NetworkSettings"]
        ports = [int(one["HostPort"]) for one in network["Ports"].get(f"{PORT}/tcp") or ()]
        host_of_engine = self.get_docker_client().host()
        near = HERE[:1] if host_of_engine in HERE or isinstance(engine.endpoint(), str) else ()
        for host in dict.fromkeys((*near, *({host_of_engine} - set(HERE)))):
            yield from ((host, port) for port in dict.fromkeys(ports))
        yield from ((one["IPAddress"], PORT) for one in network["Networks"].values() if one["IPAddress"])

    def _must_run(self) -> None:
        container = self.get_wrapped_container()
        container.reload()
        if container.status not in {"running", "created"}:
            raise ServerError(f"the container ended while starting. {WAYS_OUT}; {self._last_words()}")

    def _last_words(self) -> str:
        log = self.get_wrapped_container().logs(tail=20).decode(errors="replace")
        return "its last words:" + "".join(f"\n    {line}" for line in log.splitlines())


@contextmanager
def running(  # noqa: PLR0913 - what a container is
    image: str, name: str, verifier: str, *, timeout: float, remove: bool, holder: str
) -> Iterator[tuple[str, int]]:
    """A running container; gives its address.

    Args:
        image: to run; the engine has it.
        name: of the container.
        verifier: of the superuser's password.
        timeout: seconds until it must be ready.
        remove: whether to remove it here; otherwise the supervisor does.
        holder: the supervisor, by its ``tag``.

    Raises:
        ServerError: it does not start.
    """
    container = None
    try:
        container = Container(image, name, verifier, timeout, holder=holder)
        _sweep(container)
        with _without_reaper():
            container.start()
        yield container.address
    except (DockerException, ContainerStartException) as error:
        raise ServerError(f"a container of {image} cannot be started: {error}. {WAYS_OUT}") from None
    finally:
        if container is not None:
            with suppress(DockerException):
                if remove:
                    container.stop()
                container.get_docker_client().client.close()


@contextmanager
def _without_reaper() -> Iterator[None]:
    """Ours has a supervisor; the reaper's image need not be there. The user's own containers keep theirs."""
    before = testcontainers_config.ryuk_disabled
    testcontainers_config.ryuk_disabled = True
    try:
        yield
    finally:
        testcontainers_config.ryuk_disabled = before


def _sweep(container: Container) -> None:
    """Remove containers of ours, by our own labels only, that nobody on this machine owns or holds any more."""
    containers = container.get_docker_client().client.containers
    for other in containers.list(all=True, filters={"label": LABEL}, ignore_removed=True):
        if all(abandoned(other.labels[label]) for label in (LABEL, HOLDER) if label in other.labels):
            with suppress(DockerException):
                other.remove(force=True, v=True)


def _speaks(address: tuple[str, int]) -> bool:
    """Whether a server asks there for a password; while it starts, it says something else or nothing."""
    words = f"user\0{USER}\0\0".encode()
    with suppress(OSError), socket.create_connection(address, timeout=1.0) as connection:
        connection.sendall(struct.pack("!II", 8 + len(words), PROTOCOL_3) + words)
        return connection.recv(1) == b"R"
    return False
