"""Server binaries found on this machine: a distribution's package, Homebrew, Postgres.app, or what PATH says."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.postgres.binaries import Binaries, output, serve
from pytest_asyncdb.postgres.protocol import TIMEOUT, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from pytest_asyncdb.model.server import Server

PATTERNS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/usr/lib/postgresql*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",
)
OLDEST = 13
INSTALL = (
    "install a server: `apt install postgresql`, `dnf install postgresql-server`, `brew install postgresql@18`, ..."
)


@dataclass
class Local:
    """Binaries that are installed here.

    ``bindir`` names their directory; without it they are looked for on PATH, by ``pg_config``, and where
    packages put them, newest first. ``major`` is the only version that will do, if one is asked for.
    """

    bindir: Path | None = None
    timeout: float = TIMEOUT
    major: int | None = None
    name = "local"

    @cached_property
    def _found(self) -> tuple[Binaries | None, tuple[str, ...]]:
        """The first directory that will do, and what was wrong with those before."""
        rejected: list[str] = []
        for candidate in dict.fromkeys(self._candidates()):
            binaries = _binaries(candidate)
            why = f"{binaries.missing} is missing" if binaries.missing else ""
            if not why:
                binaries = binaries.asked()
                why = self._unfit(binaries)
            if not why:
                return binaries, tuple(rejected)
            rejected.append(f"{candidate}: {why}")
        return None, tuple(rejected)

    def _candidates(self) -> Iterator[Path]:
        if self.bindir is not None:
            yield self.bindir
            return
        for folder in os.get_exec_path():
            if _binaries(Path(folder)).missing is None:
                yield Path(folder).absolute()
        yield from _of_pg_config()
        for pattern in PATTERNS:
            yield from sorted(Path("/").glob(pattern[1:]), key=_version_in, reverse=True)

    def _unfit(self, binaries: Binaries) -> str:
        major = binaries.major
        if major is None:
            return "`postgres -V` does not run"
        if self.major and major != self.major:
            return f"version {major}"
        return "" if major >= OLDEST else f"version {major} is older than {OLDEST}"

    def unusable(self) -> str | None:
        """Why it cannot serve; see ``Provider``."""
        found, rejected = self._found
        if found:
            return None
        wanted = f" of Postgres {self.major}" if self.major else ""
        install = f"{INSTALL}; or ask for docker:{self.major}" if self.major else INSTALL
        if rejected:
            return f"no usable server binaries{wanted} ({'; '.join(rejected)}); {install}"
        places = ", ".join(PATTERNS)
        return (
            f"initdb and postgres{wanted} are neither on PATH, nor where pg_config points, nor in {places}; {install}"
        )

    def serve(self) -> AbstractContextManager[Server]:
        """Serve; see ``Provider``."""
        found, _ = self._found
        if found is None:
            raise ServerError(str(self.unusable()))
        return serve(self.name, found, self.timeout)


def _binaries(folder: Path) -> Binaries:
    return Binaries(folder, ((folder.parent, "postgres"),), f"postgres/{folder.name}")


def _of_pg_config() -> Iterator[Path]:
    program = shutil.which("pg_config")
    said = output(Path(program), "--bindir") if program else ""
    if said:
        yield Path(said)


def _version_in(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", str(path)))
