"""What a file's path tells: its dotted name, and whether it belongs to the app, its tests, migrations or scripts."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_TEST_FOLDERS = frozenset({"test", "tests", "testing", "e2e", "integration_tests", "unit_tests", "testsuite"})
_TEST_FILE = re.compile(r"(?:test_.*|.*_tests?|tests?|conftest|factories_for_tests)\.py")
_MIGRATION_FOLDERS = frozenset({"migrations", "alembic", "alembic_migrations", "migration"})
_SCRIPT_FOLDERS = frozenset(
    {
        "scripts", "script", "tools", "bin", "examples", "example", "docs", "doc", "benchmarks", "benchmark", "samples",
        "sample", "demo", "demos", "docs_src", "notebooks", "locust", "loadtest", "loadtests", "hack", "contrib",
        "playground",
    }
)  # fmt: skip
_GENERATED_FILE = re.compile(r".*_pb2(?:_grpc)?\.py")
_SCRIPT_FILES = frozenset({"setup.py", "noxfile.py", "fabfile.py", "manage.py", "locustfile.py", "dodo.py"})


def dotted_name(path: str, import_root: str) -> str:
    """Dotted module name of a ``.py`` path under the import root; outside of it, counted from the project's root."""
    if import_root != "." and path.startswith(f"{import_root}/"):
        path = path[len(import_root) + 1 :]
    name = path.removesuffix(".py").replace("/", ".")
    return name.removesuffix(".__init__") if name != "__init__" else name


def role_of(path: str, migration_folders: Collection[str] = ()) -> str:
    """Tell the role of a Python file.

    Args:
        path: POSIX path relative to the project.
        migration_folders: folders known to hold an Alembic environment.

    Returns:
        ``test``, ``migration``, ``script``, ``generated`` or ``app``.
    """
    role = _role(path)
    in_migrations = role != "test" and any(path.startswith(f"{folder}/") for folder in migration_folders if folder)
    return "migration" if in_migrations else role


@cache
def _role(path: str) -> str:
    *folders, name = path.split("/")
    if not _TEST_FOLDERS.isdisjoint(folders) or _TEST_FILE.fullmatch(name):
        return "test"
    if not _MIGRATION_FOLDERS.isdisjoint(folders) and (name == "env.py" or "versions" in folders):
        return "migration"
    if not _SCRIPT_FOLDERS.isdisjoint(folders) or (name in _SCRIPT_FILES and (name != "setup.py" or not folders)):
        return "script"
    return "generated" if _GENERATED_FILE.fullmatch(name) else "app"
