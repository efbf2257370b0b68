"""Who may import whom, and how large things may grow."""

from __future__ import annotations

import ast
import os
import re
import shutil
import statistics
import subprocess
import sys
import tokenize
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pytest_asyncdb"
FILES = sorted(PACKAGE.rglob("*.py"))
CONTRACTS = ROOT / ".importlinter"
MOST_LINES_OF_A_MODULE = 300
MOST_LINES_OF_A_FUNCTION = 50
USUAL_LINES_OF_A_FUNCTION = 30


def _name(path):
    return path.relative_to(ROOT).as_posix()


def _lint(directory):
    """Run the contracts on the package that lies in ``directory``."""
    code = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    command = [sys.executable, "-c", code, "--config", str(CONTRACTS), "--no-cache"]
    plain = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(command, cwd=directory, env=plain, capture_output=True, text=True, check=False)


def test_imports_keep_to_the_layers():
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "pytest_asyncdb", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("model/place.py", "import pytest_asyncdb.urls"),
        ("model/place.py", "import packaging"),
        ("urls/__init__.py", "import pytest_asyncdb.sources"),
        ("facts/__init__.py", "import pytest_asyncdb.registry"),
        ("report/words.py", "import pytest_asyncdb.run"),
        ("report/words.py", "import pytest"),
        ("checks/{first}.py", "import pytest_asyncdb.facts"),
        ("checks/{first}.py", "import sqlalchemy"),
        ("checks/{first}.py", "import pytest_asyncdb.checks.{second}"),
        ("room_without_a_layer.py", ""),
    ],
)
def test_the_contracts_notice_what_they_forbid(copy, module, line):
    first, second, *_ = sorted(path.stem for path in (PACKAGE / "checks").glob("adb*.py"))
    target = copy / "pytest_asyncdb" / module.format(first=first)
    with target.open("a", encoding="utf-8") as file:
        file.write(f"\n{line.format(second=second)}\n")
    done = _lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout


def test_every_room_has_a_layer_in_the_architecture():
    contracts = ConfigParser()
    contracts.read(CONTRACTS, "utf-8")
    layers = [
        re.split(r"\s*:\s*", line) for line in contracts["importlinter:contract:layers"]["layers"].split("\n") if line
    ]
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    drawn = re.search(r"^plugin\n(?:.+\n)+?model$", page, re.MULTILINE)
    assert drawn
    assert [line.split(", ") for line in drawn[0].split("\n")] == layers


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_module_is_small_and_has_a_name_that_says_something(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES_OF_A_MODULE
    assert path.stem not in {"utils", "util", "common", "helpers", "misc", "base"}
    assert ast.get_docstring(ast.parse(text))


def test_no_file_of_the_package_is_ignored():
    """What git ignores is neither committed nor built into the wheel."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    package = [_name(path) for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    done = subprocess.run(["git", "check-ignore", *package], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == []


def _functions():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{_name(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_functions_are_small():
    sizes = dict(_functions())
    assert {name: size for name, size in sizes.items() if size > MOST_LINES_OF_A_FUNCTION} == {}
    assert statistics.quantiles(sizes.values(), n=20)[-1] <= USUAL_LINES_OF_A_FUNCTION


def _imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_nothing_private_of_pytest_is_used(path):
    assert not [name for name in _imported(path) if name.split(".")[0] == "_pytest"]


SWITCH = re.compile(
    r"#\s*(?:ruff:\s*)?(?:noqa|type:\s*ignore|pragma)\b(?P<codes>(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|\[[^\]]+\])?)(?P<rest>.*)"
)


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_whatever_is_switched_off_is_named_and_has_its_reason(path):
    """The reason stands where a rule is switched off first in a file."""
    explained = set()
    for token in _comments(path):
        for switch in SWITCH.finditer(token.string):
            codes = set(re.findall(r"[A-Z]+\d+|[a-z][\w-]+", switch["codes"]))
            assert codes, token.line
            if re.search(r"\w{2,}.*\w{2,}", switch["rest"]):
                explained |= codes
            assert codes <= explained, f"{path}:{token.start[0]} gives no reason for {codes - explained}"


def _comments(path):
    with path.open("rb") as file:
        return [token for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT]
