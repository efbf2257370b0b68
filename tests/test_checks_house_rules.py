"""What holds for every check, whatever it judges."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_asyncdb
from pytest_asyncdb import registry

CHECKS = Path(pytest_asyncdb.__file__).parent / "checks"
FILES = sorted(CHECKS.glob("adb*.py"))
SECTIONS = ("## What it does", "## Root cause", "## Fix", "## Fix safety", "## Seen on", "## Sources")
MOST_LINES = 120


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def file(request):
    return request.param


@pytest.fixture
def check(file):
    return importlib.import_module(f"pytest_asyncdb.checks.{file.stem}").CHECK


def test_directory_holds_checks_and_nothing_else():
    others = {path.name for path in CHECKS.iterdir()} - {path.name for path in FILES}
    assert others <= {"__init__.py", "__pycache__"}


def test_ids_are_unique_and_registered_in_order():
    ids = [f"ADB{path.stem[3:6]}" for path in FILES]
    assert len(set(ids)) == len(ids)
    assert registry.check_ids() == tuple(ids)


def test_identity_is_the_file_name(file, check):
    assert check.name == file.stem.replace("_", "-").replace("adb", "ADB", 1)
    assert check.name in registry.check_names()
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?", check.since)


def test_required_checks_exist(check):
    assert set(check.requires) <= set(registry.check_ids()) - {check.id}


def test_docstring_is_a_page(file):
    page = ast.get_docstring(ast.parse(file.read_text())) or ""
    summary, _, body = page.partition("\n\n")
    assert "\n" not in summary
    assert summary.endswith(".")
    assert [line for line in body.splitlines() if line.startswith("## ")] == list(SECTIONS)
    for section in re.split(r"^## .*$", body, flags=re.MULTILINE)[1:]:
        assert section.strip()


def test_is_small(file):
    assert len(file.read_text().splitlines()) <= MOST_LINES


def test_is_pure(file):
    """Run-time imports of our own come from ``model`` and ``urls`` only, and nothing does I/O or loads SQLAlchemy."""
    for module in _runtime_imports(ast.parse(file.read_text()).body):
        package = module.split(".")
        if package[0] == "pytest_asyncdb":
            assert package[1] in {"model", "urls"}, module
        else:
            assert package[0] in {
                "__future__",
                "collections",
                "dataclasses",
                "itertools",
                "packaging",
                "re",
                "typing",
            }, module


def _runtime_imports(body):
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        else:
            yield from _runtime_imports(ast.iter_child_nodes(node))


def test_has_examples(check):
    folder = Path(__file__).parent.parent / "examples" / check.id
    assert (folder / "bad").is_dir(), "a check shows what it finds"
    assert (folder / "good").is_dir(), "a check shows what it does not find"


def test_names_are_read_without_importing_a_check():
    code = (
        "import sys; from pytest_asyncdb import registry; registry.check_names();"
        "print([m for m in sys.modules if '.checks' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("spelling", ["{id}", "{slug}", "{name}", " {lower} ", "{under}"])
def test_every_spelling_finds_the_check(spelling):
    for name in registry.check_names():
        check_id, _, slug = name.partition("-")
        forms = {"id": check_id, "slug": slug, "name": name, "lower": name.lower(), "under": slug.replace("-", "_")}
        assert registry.find_id(spelling.format(**forms)) == check_id


def test_load_keeps_order_and_drops_repetition():
    first, second = registry.check_ids()[:2]
    assert [check.id for check in registry.load([second, first, second])] == [first, second]


@pytest.mark.parametrize(
    "wrong", ["ADB3033", "libpq-parameters-in-asyncpg-url", "ADB303-libpq-parameter-in-asyncpgurl"]
)
def test_unknown_check_names_the_nearest(wrong):
    with pytest.raises(registry.UnknownCheckError, match="did you mean ADB303-libpq-parameter-in-asyncpg-url"):
        registry.load([wrong])


def test_unknown_check_that_is_near_nothing():
    with pytest.raises(registry.UnknownCheckError, match=r"^no check is called 'zzz'$"):
        registry.load(["zzz"])
