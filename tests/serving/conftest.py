"""Projects of users whose tests ask for a server, and whole runs of pytest in them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 120
CONFTEST = """
import asyncio, os
from pathlib import Path
import asyncpg
import pytest

def query(url, statement="SELECT current_database()"):
    async def main():
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()
    return asyncio.run(main())

@pytest.fixture
def seen(asyncdb_server, asyncdb_url):
    line = f"{asyncdb_server.port} {query(asyncdb_url)} {asyncdb_server.workspace}\\n"
    with Path(__file__).with_name("seen").open("a") as file:
        file.write(line)
    return line
"""


@dataclass(frozen=True)
class Run:
    """A finished pytest."""

    code: int
    output: str

    def says(self, *texts):
        for text in texts:
            assert text in self.output, f"{text!r} is not in:\n{self.output}"


@dataclass(frozen=True)
class Project:
    """A directory with tests in it."""

    root: Path

    def write(self, **files):
        for name, content in files.items():
            self.root.joinpath(f"{name}.py").write_text(textwrap.dedent(content))

    def command(self, *arguments):
        return [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", *arguments]

    def environment(self, **extra):
        dropped = ("PYTEST_", "DATABASE_URL", "CI")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        return {**kept, **extra}

    def start(self, *arguments, **extra):
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            env=self.environment(**extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def pytest(self, *arguments, **extra):
        process = self.start(*arguments, **extra)
        output, _ = process.communicate(timeout=SECONDS)
        return Run(process.returncode, output)

    @property
    def seen(self):
        """What the tests had: port, database and workspace of each."""
        path = self.root / "seen"
        return [tuple(line.split(" ", 2)) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    made.root.joinpath("pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    made.write(conftest=CONFTEST)
    return made
