"""An app that could be booted: where its module lies, what it is called, and what kind of thing that is."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.appscan import in_module, makers_in
from pytest_asyncdb.facts.layout import dotted_name, role_of
from pytest_asyncdb.facts.roots import import_root_of, parsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_asyncdb.facts.appscan import Found
    from pytest_asyncdb.sources.project import Project


_OWN_NAMES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
"""What has names of its own."""


class Candidate:
    """An app that could be booted."""

    __slots__ = (
        "definition", "factory", "found_in", "framework", "import_root", "is_commanded", "path", "target", "told",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - one call names every part of a candidate, by keyword
        self, path: str, module: str, name: str, *, found_in: str, factory: bool, framework: str | None
    ) -> None:
        endings = suffixes(module)
        root = next((path[: -len(one)].rstrip("/") for one in endings if path == one or path.endswith(f"/{one}")), "")
        self.path, self.definition = path, (path, name)  # one file can have two names: src.app.main, app.main
        self.target = f"{module}:{name}"
        self.found_in = found_in
        self.factory = factory
        self.framework = framework
        self.import_root = root or "."
        self.is_commanded = False
        """Whether a file that starts the app names the module itself, and not only where it lies."""
        self.told = ""
        """What such a file calls it, where that is another name."""


def candidate(project: Project, found: Found, found_in: str) -> Candidate:
    """An app that a module defines, by the name it is imported under."""
    module = dotted_name(found.path, import_root_of(project, found.path))
    return Candidate(
        found.path, module, found.name, found_in=found_in, factory=found.factory, framework=found.framework
    )


def with_name(  # noqa: PLR0913 - one call names every part of a candidate, by keyword
    project: Project,
    path: str,
    module: str,
    name: str,
    *,
    found_in: str,
    factory: bool,
    folders: Sequence[str] = ("",),
) -> Candidate | None:
    """The candidate ``module:name``, if the module can have that name; what cannot be parsed is believed."""
    tree = parsed(project, path)
    framework = next((one.framework for one in in_module(project, path) if one.name == name), None)
    if tree is not None:
        kind = _kind(tree, name.partition(".")[0])
        if kind is None:
            return None
        factory = factory or (kind == "function" and "." not in name)
    if framework is None and tree is not None:
        framework = _imported_framework(project, tree, name, folders)
    return Candidate(path, module, name, found_in=found_in, factory=factory, framework=framework)


def above(project: Project, found: Candidate) -> str:
    """The target as it is in the folder above the project, when the project's own folder may be the app's package.

    The FastAPI CLI imports the app so, which no other folder can: relative imports end at the outermost package.
    """
    may_be = found.import_root == "." and not found.is_commanded and project.exists("__init__.py")
    return f"{project.root.name}.{found.target}" if may_be else ""


def _kind(tree: ast.Module, name: str) -> str | None:
    """What a name of the module is; what functions name so for themselves is nothing of the module."""
    kind = None
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, _OWN_NAMES):
            if getattr(node, "name", "") == name:
                kind = kind or ("class" if isinstance(node, ast.ClassDef) else "function")
            if any(isinstance(one, ast.Global) and name in one.names for one in ast.walk(node)):
                return "value"
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return "value"
        if isinstance(node, ast.alias) and (node.asname or node.name) in (name, "*"):
            kind = kind or "import"
    return kind


def _imported_framework(project: Project, tree: ast.Module, name: str, folders: Sequence[str]) -> str | None:
    """The framework of an app or factory that the module has from another one."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [alias.name for alias in node.names if (alias.asname or alias.name) == name or "app" in alias.name]
            path = locate(project, node.module, folders) if names else None
            known = makers_in(project, path) if path else {}
            known.update(
                (one.name, one.framework) for one in (in_module(project, path) if path else ()) if one.framework
            )
            for one in names:
                if one in known:
                    return known[one]
    return None


def locate(project: Project, module: str, folders: Sequence[str], *, tests: bool = False) -> str | None:
    """Path of a dotted module: in the folders given, in that order, else wherever a path ends like it."""
    endings = suffixes(module)
    known = frozenset(project.python_files)
    for folder in folders:
        for suffix in reversed(endings):  # an import finds a package before a module of its name
            path = f"{folder}/{suffix}" if folder else suffix
            if path in known or (tests and project.exists(path)):
                return path
    hits = [path for path in known if path.endswith(tuple(f"/{one}" for one in endings))]
    hits = [path for path in hits if role_of(path) == "app"] or (hits if tests else [])
    return min(hits, key=by_depth, default=None)


def hidden_by(project: Project, path: str) -> str:
    """The package that an import finds instead of the module at ``path``: one of its name beside it; empty else."""
    package = f"{path.removesuffix('.py')}/__init__.py"
    return package if package in project.python_files else ""


def suffixes(module: str) -> tuple[str, str]:
    """The ends of the paths that a dotted module can have."""
    base = module.replace(".", "/")
    return f"{base}.py", f"{base}/__init__.py"


def by_depth(path: str) -> tuple[int, str]:
    """Sort key: what lies nearer to the project's root comes first."""
    return path.count("/"), path
