from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass

import pytest

QUICK = ("--tb=short", "-p", "no:hypothesispytest", "-p", "no:faker")  # these take longer to load than a suite
RESULT = re.compile(r"^\S+?\.py::(\w+)::(\w+)\S* (PASSED|FAILED|SKIPPED|XFAIL|XPASS|ERROR)", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    code: int
    output: str

    def tests(self, outcome):
        """Class and name of those that had an outcome."""
        return {(one[0], one[1]) for one in RESULT.findall(self.output) if one[2] == outcome}

    def count(self, outcome):
        found = re.search(rf"(\d+) {outcome}", self.output.splitlines()[-1])
        return int(found[1]) if found else 0

    def message(self, suite, test):
        """What is told of a test that failed."""
        title = rf"_+ {suite}\.{test}\b.*?_+\n"
        return re.search(rf"{title}(.*?)(?=^_{{3,}} |^={{3,}} |^-{{3,}} )", self.output, re.DOTALL | re.MULTILINE)[1]


@pytest.fixture
def suites(tmp_path):
    """Run suites as their maintainers do; warnings are errors."""

    def start(tests, *arguments, ini="asyncio_mode = strict", **files):
        settings = f"[pytest]\nasyncio_default_fixture_loop_scope = function\n{ini}\n"
        for name, content in {"test_it.py": tests, "pytest.ini": settings, **files}.items():
            (tmp_path / name).write_text(textwrap.dedent(content))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-v",
            "-W",
            "error",
            "-p",
            "no:cacheprovider",
            "--tb=short",
            *arguments,
        ]
        done = subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=False, timeout=300)
        return Run(done.returncode, done.stdout + done.stderr)

    return start
