"""Which ``.env`` files the project reads: as its settings classes, ``load_dotenv`` and the like name them."""

from __future__ import annotations

import ast
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.layout import role_of
from pytest_asyncdb.facts.roots import folders_above, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.sources.project import Project

_MARKS = (b"env_file", b"dotenv", b"read_env", b"starlette.config", b"decouple")
_READERS = frozenset({"load_dotenv", "dotenv_values", "read_env", "RepositoryEnv", "find_dotenv"})
_CONFIG = frozenset({"Config", "AutoConfig"})
_HOME = ("~", "home", "expanduser")
_LEVELS_UP = 4
_HERE, _ANY, _UPWARDS = "here", "any", "upwards"
"""Where a file is looked for: where the app starts; also in the folders above the module that names it, up to the
project's root; also above that, as ``load_dotenv()`` does it."""


def env_files_read(project: Project, app: App) -> tuple[Path, ...]:
    """Every file there is that the app takes settings from, in the project, above it, or in the user's home.

    Args:
        project: whose modules are read.
        app: where it starts and where its modules are imported from.
    """
    starts = {app.cwd, app.import_root, "."}
    found: dict[Path, None] = {}
    for path, name, reach in _named(project):
        if name.startswith("~"):
            found[Path(name).expanduser()] = None
            continue
        folders = {*starts, *(folders_above(path) if reach != _HERE else ())}
        above = project.root.parents[:_LEVELS_UP] if reach == _UPWARDS else ()
        found.update(
            dict.fromkeys((*(project.root / one / name for one in sorted(folders)), *(up / name for up in above)))
        )
    found.update(dict.fromkeys(project.root / folder / ".env" for folder in sorted(starts)))
    return tuple(one for one in found if one.is_file())


def _named(project: Project) -> Iterator[tuple[str, str, str]]:
    """Module, name of the file (``~/.env`` in the user's home), and where it is looked for."""
    for path in project.python_files:
        data = project.data(path) or b""
        if role_of(path) == "app" and any(mark in data for mark in _MARKS):
            tree = parsed(project, path)
            for value in _values(tree) if tree is not None else ():
                yield from ((path, name, reach) for name, reach in _names(value))


def _values(tree: ast.Module) -> Iterator[ast.expr | None]:
    """What says where the file lies: the value of ``env_file``, the argument of a reader; None for its default."""
    for node in ast.walk(tree):
        named = [getattr(one, "id", "") for one in node.targets] if isinstance(node, ast.Assign) else []
        if (isinstance(node, ast.keyword) and node.arg in {"env_file", "dotenv_path"}) or "env_file" in named:
            yield getattr(node, "value", None)
        elif isinstance(node, ast.Dict):
            yield from (
                value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value == "env_file"
            )
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in _READERS:
                yield node.args[0] if node.args else None
            elif called in _CONFIG and node.args:
                yield node.args[0]


def _names(value: ast.expr | None) -> Iterator[tuple[str, str]]:
    """The files that an expression names: a path, several of them, or the end of a path that is put together."""
    if value is None:
        yield ".env", _UPWARDS
    elif isinstance(value, ast.Tuple | ast.List):
        for one in value.elts:
            yield from _names(one)
    else:
        texts = [one.value for one in ast.walk(value) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        parts = [text.strip("/") for text in texts if "env" in text.lower() and not text.startswith("http")]
        at_home = any(word in ast.unparse(value) for word in _HOME)
        reach = _HERE if isinstance(value, ast.Constant) else _ANY
        for part in parts[-1:]:
            yield (posixpath.join("~", part.removeprefix("~/")) if at_home else part), reach
