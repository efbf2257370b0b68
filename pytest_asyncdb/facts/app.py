"""Finding the project's ASGI app: as told, as its files start it, as its modules define it."""

from __future__ import annotations

import ast
import os
import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.appscan import Found, in_module, makers_in, scan
from pytest_asyncdb.facts.commands import Command, commands
from pytest_asyncdb.facts.layout import dotted_name, role_of
from pytest_asyncdb.facts.project import App
from pytest_asyncdb.facts.roots import import_root_of, parsed, working_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.sources.project import Project

_TARGET = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.\w+)*)(?::(?P<name>[A-Za-z_][\w.]*)(?P<call>\(.*\))?)?")
_DEFAULT_FILES = ("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py")
"""Where the FastAPI CLI looks when no file is named."""
_FROM_IMPORT = r"^\s*from\s+{module}\s+import\s+[^\n]*\b{name}\b"


class AppNotFoundError(Exception):
    """No app to boot; the text says what was looked for, where, and each way out."""


def find_app(project: Project, settings: Settings) -> App:
    """Find the app.

    Args:
        project: the project on disk.
        settings: ``app`` and ``cwd`` are what the user named.

    Raises:
        AppNotFoundError: there is none, or the one the user named is not there.
    """
    if settings.app is not None:
        return _named(project, settings, settings.app)
    candidates = [*_configured(project), *_commanded(project), *_defined(project)]
    if not candidates:
        raise AppNotFoundError(_nothing_found(project))
    first = candidates[0]
    chosen = next((one for one in candidates if one.target == first.target and one.framework), first)
    others = dict.fromkeys(one.target for one in candidates if one.definition != first.definition)
    return _app(project, settings, first, framework=chosen.framework, others=tuple(others))


def _named(project: Project, settings: Settings, target: str) -> App:
    match = _TARGET.fullmatch(target.strip())
    if match is None:
        raise AppNotFoundError(f"asyncdb_app is {target!r}; it takes `module:attribute`, for example `src.main:app`")
    folders = ("", *([_relative(project, settings)] if settings.cwd else []))
    path = _locate(project, match["module"], folders, tests=True)
    if path is None:
        raise AppNotFoundError(_no_module(project, target, match["module"]))
    name = match["name"] or next((one.name for one in sorted(in_module(project, path), key=Found.rank)), "app")
    found = _with_name(project, path, match["module"], name, found_in="asyncdb_app", factory=bool(match["call"]))
    if found is None:
        raise AppNotFoundError(
            f"asyncdb_app is {target!r}, but {path} defines no `{name}`; name what it defines, for example "
            f"{_examples(project)}"
        )
    return _app(project, settings, found, framework=found.framework, others=())


def _app(
    project: Project, settings: Settings, found: _Candidate, *, framework: str | None, others: tuple[str, ...]
) -> App:
    cwd = _relative(project, settings) or "." if settings.cwd else working_folder(project, found.import_root)
    return App(
        target=found.target,
        factory=found.factory,
        found_in=found.found_in,
        import_root=found.import_root,
        cwd=cwd,
        framework=framework,
        module_path=found.path,
        others=others,
    )


class _Candidate:
    """An app that could be booted."""

    __slots__ = ("definition", "factory", "found_in", "framework", "import_root", "path", "target")

    def __init__(  # noqa: PLR0913 - one call names every part of a candidate, by keyword
        self, path: str, module: str, name: str, *, found_in: str, factory: bool, framework: str | None
    ) -> None:
        suffix = _suffixes(module)
        root = next((path[: -len(one)].rstrip("/") for one in suffix if path == one or path.endswith(f"/{one}")), "")
        self.path, self.definition = path, (path, name)  # one file can have two names: src.app.main, app.main
        self.target = f"{module}:{name}"
        self.found_in = found_in
        self.factory = factory
        self.framework = framework
        self.import_root = root or "."


def _configured(project: Project) -> Iterator[_Candidate]:
    """``[tool.fastapi] entrypoint`` in a ``pyproject.toml``."""
    import tomllib

    for path in sorted((one for one in project.sources if posixpath.basename(one) == "pyproject.toml"), key=_by_depth):
        text = project.text(path)
        if "tool.fastapi" not in text:
            continue
        try:
            entry = tomllib.loads(text).get("tool", {}).get("fastapi", {}).get("entrypoint")
        except tomllib.TOMLDecodeError:
            continue
        match = _TARGET.fullmatch(entry) if isinstance(entry, str) else None
        if match is not None and match["name"]:
            line = project.lines(path).line_at(text.find(entry))
            command = Command(f"{path}:{line}", (path.rpartition("/")[0], ""), match[0], None, bool(match["call"]))
            yield from _from_command(project, command)


def _commanded(project: Project) -> Iterator[_Candidate]:
    for command in commands(project):
        yield from _from_command(project, command)


def _from_command(project: Project, command: Command) -> Iterator[_Candidate]:
    if command.target is not None:
        module, _, name = command.target.partition(":")
        path = _locate(project, module, command.folders)
        if path is not None:
            place, factory = command.found_in, command.factory
            found = _with_name(project, path, module, name, found_in=place, factory=factory, folders=command.folders)
            if found is not None:
                yield found
        return
    path = _file(project, command)
    if path is not None:
        yield from (
            _candidate(project, one, command.found_in) for one in sorted(in_module(project, path), key=Found.rank)[:1]
        )


def _file(project: Project, command: Command) -> str | None:
    """The module that ``fastapi run [file]`` starts."""
    names = [command.file] if command.file else list(_DEFAULT_FILES)
    for folder in command.folders:
        for name in names:
            path = posixpath.normpath(posixpath.join(folder, name)).lstrip("/")
            if path in project.python_files:
                return path
    module = names[0].removesuffix(".py").strip("./").replace("/", ".")
    return _locate(project, module, command.folders) if command.file else None


def _defined(project: Project) -> Iterator[_Candidate]:
    found = scan(project)
    if len(found) > 1 and found[0].rank()[:4] == found[1].rank()[:4]:
        found = tuple(sorted(found, key=lambda one: (not _imported_by_tests(project, one), one.rank())))
    for one in found:
        yield from _served(project, one)
        yield _candidate(project, one, f"{one.path}:{one.line}")


def _served(project: Project, found: Found) -> Iterator[_Candidate]:
    """The module that imports the app, adds to it and serves it: ``app.run()`` or ``uvicorn.run(app)``."""
    name = re.escape(found.name)
    imports = re.compile(rf"^from\s+{_as_imported(found.path)}\s+import\s+(?:\*|[^\n]*\b{name}\b)", re.MULTILINE)
    runs = re.compile(rf"\b{name}\.run\(|\b(?:run|serve)\(\s*(?:app\s*=\s*)?{name}\s*[,)]")
    for path in () if found.factory else project.python_files:
        if path != found.path and role_of(path) == "app" and b"run(" in (project.data(path) or b""):
            text = project.text(path)
            match = runs.search(text) if imports.search(text) else None
            if match is not None:
                served = replace(found, path=path, line=project.lines(path).line_at(match.start()))
                yield _candidate(project, served, f"{path}:{served.line}")


def _candidate(project: Project, found: Found, found_in: str) -> _Candidate:
    module = dotted_name(found.path, import_root_of(project, found.path))
    return _Candidate(
        found.path, module, found.name, found_in=found_in, factory=found.factory, framework=found.framework
    )


def _as_imported(path: str) -> str:
    """Pattern of what a module may be called in an import: the end of its dotted path, however long."""
    parts = dotted_name(path, ".").split(".")
    return rf"\.*(?:{'|'.join(re.escape('.'.join(parts[start:])) for start in range(len(parts)))})"


def _imported_by_tests(project: Project, found: Found) -> bool:
    pattern = re.compile(_FROM_IMPORT.format(module=_as_imported(found.path), name=re.escape(found.name)), re.MULTILINE)
    return any(role_of(path) == "test" and pattern.search(project.text(path)) for path in project.python_files)


def _with_name(  # noqa: PLR0913 - one call names every part of a candidate, by keyword
    project: Project,
    path: str,
    module: str,
    name: str,
    *,
    found_in: str,
    factory: bool,
    folders: Sequence[str] = ("",),
) -> _Candidate | None:
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
    return _Candidate(path, module, name, found_in=found_in, factory=factory, framework=framework)


def _kind(tree: ast.Module, name: str) -> str | None:
    kind = None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            kind = kind or ("function" if not isinstance(node, ast.ClassDef) else "class")
        elif isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return "value"
        elif isinstance(node, ast.alias) and (node.asname or node.name) in (name, "*"):
            kind = kind or "import"
    return kind


def _imported_framework(project: Project, tree: ast.Module, name: str, folders: Sequence[str]) -> str | None:
    """The framework of an app or factory that the module has from another one."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [alias.name for alias in node.names if (alias.asname or alias.name) == name or "app" in alias.name]
            path = _locate(project, node.module, folders) if names else None
            known = makers_in(project, path) if path else {}
            known.update(
                (one.name, one.framework) for one in (in_module(project, path) if path else ()) if one.framework
            )
            for one in names:
                if one in known:
                    return known[one]
    return None


def _locate(project: Project, module: str, folders: Sequence[str], *, tests: bool = False) -> str | None:
    """Path of a dotted module: in the folders given, in that order, else wherever a path ends like it."""
    suffixes = _suffixes(module)
    known = frozenset(project.python_files)
    for folder in folders:
        for suffix in suffixes:
            path = f"{folder}/{suffix}" if folder else suffix
            if path in known or (tests and project.exists(path)):
                return path
    hits = [path for path in known if path.endswith(tuple(f"/{one}" for one in suffixes))]
    hits = [path for path in hits if role_of(path) == "app"] or (hits if tests else [])
    return min(hits, key=_by_depth, default=None)


def _suffixes(module: str) -> tuple[str, str]:
    base = module.replace(".", "/")
    return f"{base}.py", f"{base}/__init__.py"


def _by_depth(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _relative(project: Project, settings: Settings) -> str:
    folder = os.path.relpath(settings.cwd or project.root, project.root)
    return "" if folder == "." else folder.replace(os.sep, "/")


def _examples(project: Project) -> str:
    found = [f"`{_candidate(project, one, '').target}`" for one in scan(project)[:3]]
    return ", ".join(found) or "`src.main:app`"


def _no_module(project: Project, target: str, module: str) -> str:
    return (
        f"asyncdb_app is {target!r}, but no module `{module}` was found: looked for "
        f"{' and '.join(_suffixes(module))} in {project.root} and below. The project defines: {_examples(project)}"
    )


def _nothing_found(project: Project) -> str:
    return (
        f"no ASGI app was found in {project.root}: looked for `[tool.fastapi] entrypoint`; for uvicorn, gunicorn, "
        "hypercorn, granian, fastapi, litestar, quart and sanic commands in Procfile, Dockerfile, compose files, "
        "Makefile, scripts and Python sources; and for FastAPI(), Starlette(), Litestar(), Quart(), Sanic() or a "
        f"factory such as create_app() in {len(project.python_files)} Python files (tests, examples, virtualenvs "
        "and templates left out). Ways out: set `asyncdb_app = module:attribute` in the pytest configuration, give "
        "`--asyncdb-app=module:attribute`, or run pytest in the folder that holds the app"
    )
