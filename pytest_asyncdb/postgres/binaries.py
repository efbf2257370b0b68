"""Serving with the binaries of a Postgres that is on this machine, wherever they come from."""

from __future__ import annotations

import hashlib
import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.model.server import Server
from pytest_asyncdb.postgres.certificates import certificates
from pytest_asyncdb.postgres.protocol import USER, ServerError
from pytest_asyncdb.postgres.supervised import GRACE, bases, environment, supervised
from pytest_asyncdb.postgres.supervision import cluster, scram

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_asyncdb.postgres.supervised import Value


LONGEST = 80
"""Bytes of a directory in which every client can still name a socket (systems take 104 to 108 with its name)."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory with ``initdb`` and ``postgres``, and what belongs to it.

    ``trees`` are the directories to copy with their place in a copy, when the server's user cannot reach them
    (below root's home); ``bin_in_trees`` is where ``bin`` is then. ``version`` is known once the server was asked.
    """

    bin: Path
    trees: tuple[tuple[Path, str], ...]
    bin_in_trees: str
    version: str = ""

    @property
    def missing(self) -> str | None:
        """The program that is not there, if one isn't."""
        return next((name for name in ("initdb", "postgres") if not os.access(self.bin / name, os.X_OK)), None)

    def asked(self) -> Binaries:
        """The same with ``version`` as the server itself tells it; empty when it doesn't run."""
        told = re.search(r"\) (\d\S*)", output(self.bin / "postgres", "-V"))
        return replace(self, version=told[1] if told else "")

    @property
    def major(self) -> int | None:
        """The major version, once it was asked for."""
        told = re.match(r"\d+", self.version)
        return int(told[0]) if told else None

    @property
    def key(self) -> str:
        """Names these very binaries with the flags that a cluster is made with."""
        program = (self.bin / "postgres").resolve()
        status = program.stat()
        flags = (cluster.INITDB_FLAGS, cluster.INITDB_FLAGS_SINCE, cluster.LETTERS, cluster.PLACEHOLDER, USER)
        what = repr((os.fsencode(program), status.st_size, status.st_mtime_ns, flags))
        return hashlib.sha256(what.encode()).hexdigest()[:24]


@contextmanager
def serve(name: str, binaries: Binaries, timeout: float) -> Iterator[Server]:
    """Start a server; see ``Provider.serve``.

    Args:
        name: of the provider.
        binaries: of the server.
        timeout: seconds to become ready.

    Raises:
        ServerError: it does not start.
    """
    import platformdirs

    began = time.perf_counter()
    with supervised() as supervisor:
        cache = platformdirs.user_cache_path("pytest-asyncdb")
        shared = platformdirs.site_cache_path("pytest-asyncdb")
        password = os.urandom(18).hex()
        if not binaries.version and not (cache / "templates" / binaries.key).exists():
            binaries = binaries.asked()  # while the supervisor's interpreter starts
        supervisor.tell(_request(binaries, scram.derive(password), timeout, cache, shared))
        supervisor.tell(certificates(cache))
        try:
            ready = supervisor.hear("ready", timeout + GRACE)
        except ServerError as error:
            raise ServerError(f"the {name} Postgres in {binaries.bin} does not start: {error}\n{WAYS_OUT}") from None
        server = fronted(name, ready, password)
        data = os.path.join(ready["directory"], "data")  # noqa: PTH118 - its length in bytes is what counts
        yield replace(
            server,
            version=ready["version"],
            seconds=time.perf_counter() - began,
            socket=data if len(os.fsencode(data)) <= LONGEST else "",
        )


def fronted(name: str, ready: Mapping[str, str], password: str) -> Server:
    """The server behind the front that the supervisor calls ready; version and seconds are still to be filled in."""
    directory = Path(ready["directory"])
    return Server(
        provider=name,
        version="",
        seconds=0.0,
        host="127.0.0.1",
        port=int(ready["port"]),
        user=USER,
        password=password,
        ca_file=os.fspath(directory / "ca.pem"),
        channel_binding=True,
        workspace=directory / "work",
    )


def _request(binaries: Binaries, keys: scram.Keys, timeout: float, cache: Path, shared: Path) -> dict[str, Value]:
    return {
        "mode": "binaries",
        "owner": os.getpid(),
        "bases": bases(),
        "environment": environment(),
        "bin": os.fspath(binaries.bin),
        "version": binaries.version,
        "trees": tuple((os.fspath(source), target) for source, target in binaries.trees),
        "bin_in_trees": binaries.bin_in_trees,
        "shared_copy": os.fspath(shared / "binaries" / binaries.key),
        "template": os.fspath(cache / "templates" / binaries.key),
        "user": USER,
        "verifier": keys.verifier,
        "keys": keys.as_message(),
        "timeout": timeout,
    }


def output(program: Path, argument: str) -> str:
    """What a program says; nothing when it fails."""
    import subprocess

    try:
        done = subprocess.run(
            [program, argument], capture_output=True, text=True, check=True, timeout=10, env=environment()
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


WAYS_OUT = (
    "Ways out: name another server with --asyncdb-postgres=embedded, docker, local or a URL; "
    "the cached template is in the user's cache directory under pytest-asyncdb/templates and may be deleted."
)
