"""Finding the project's ASGI app: as told, as its files start it, as its modules define it."""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.appscan import Found, in_module, scan
from pytest_asyncdb.facts.candidates import (
    Candidate,
    above,
    by_depth,
    candidate,
    hidden_by,
    locate,
    with_name,
)
from pytest_asyncdb.facts.commands import Command, commands
from pytest_asyncdb.facts.containers import started_in
from pytest_asyncdb.facts.layout import dotted_name, role_of
from pytest_asyncdb.facts.noapp import examples, no_module, nothing_found
from pytest_asyncdb.facts.project import App
from pytest_asyncdb.facts.roots import import_root_of, imports_from, working_folder
from pytest_asyncdb.facts.services import services, started_beside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts.services import Service
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.sources.project import Project

_TARGET = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.\w+)*)(?::(?P<name>[A-Za-z_][\w.]*)(?P<call>\(.*\))?)?")
_FILE_TARGET = re.compile(r"(?P<module>[\w./-]+\.py)(?::(?P<name>[A-Za-z_][\w.]*)(?P<call>\(.*\))?)?")
NONE = "none"
"""What the setting ``asyncdb_app`` is in a project without an app."""
_DEFAULT_FILES = ("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py")
"""Where the FastAPI CLI looks when no file is named."""
_FROM_IMPORT = r"^\s*from\s+{module}\s+import\s+[^\n]*\b{name}\b"


class AppNotFoundError(Exception):
    """No app to boot; the text says what was looked for, where, and each way out."""


class NoAppError(AppNotFoundError):
    """The project has no app: none was found, or ``asyncdb_app`` says so (then it is ``declared``)."""

    def __init__(self, text: str, *, declared: bool = False) -> None:
        """Keep whether the project says so itself."""
        super().__init__(text)
        self.declared = declared


def find_app(project: Project, settings: Settings) -> App:
    """Find the app, the likeliest one where there are several.

    Args:
        project: the project on disk.
        settings: ``app`` and ``cwd`` are what the user named.

    Raises:
        NoAppError: there is none.
        AppNotFoundError: the one the user named is not there.
    """
    return find_apps(project, settings)[0]


def find_apps(project: Project, settings: Settings) -> tuple[App, ...]:
    """Find the app of each service of the project; arguments and errors are those of ``find_app``."""
    if settings.app is not None:
        targets = [one for one in re.split(r"\s*[,\n]\s*", settings.app.strip()) if one]
        if [one.lower() for one in targets] == [NONE]:
            raise NoAppError("the setting asyncdb_app says that the project has no app", declared=True)
        return tuple(_named(project, settings, target) for target in targets)
    every = (*_configured(project), *_commanded(project), *_defined(project))
    candidates = [one for one in every if role_of(one.path) != "test"]
    importable = [one for one in candidates if not hidden_by(project, one.path)]
    if not importable:
        raise NoAppError(nothing_found(project, candidates))
    found, aside = services(project, importable)
    apps = [app for service in found for app in _chosen(project, settings, service)]
    left_out = dict.fromkeys(f"{one.path}:{one.target.partition(':')[2]}" for one in aside)
    return (replace(apps[0], others=(*apps[0].others, *left_out)), *apps[1:])


def _chosen(project: Project, settings: Settings, service: Service) -> Iterator[App]:
    """The likeliest app of a service, which names those that are not checked, and what is started beside it."""
    beside = started_beside(project, service)
    for one in (service.candidates[0], *beside):
        same = (each for each in service.candidates if each.definition == one.definition and each.framework)
        framework = next((each.framework for each in same), None)
        checked = {one.definition, *(each.definition for each in beside)}
        rest = dict.fromkeys(each.target for each in service.candidates if each.definition not in checked)
        others = tuple(rest) if one not in beside else ()
        yield _app(project, settings, one, framework=framework, others=others, folder=service.folder)


def _named(project: Project, settings: Settings, target: str) -> App:
    match = _TARGET.fullmatch(target) or _FILE_TARGET.fullmatch(target)
    if match is None:
        raise AppNotFoundError(
            f"{settings.app_source} is {target!r}; it takes `module:attribute`, for example `src.main:app`"
        )
    module, path = _module_named(project, settings, match["module"])
    if path is None:
        raise AppNotFoundError(no_module(project, settings.app_source, target, module))
    name = match["name"] or next((one.name for one in sorted(in_module(project, path), key=Found.rank)), "app")
    found = with_name(project, path, module, name, found_in=settings.app_source, factory=bool(match["call"]))
    if found is None:
        raise AppNotFoundError(
            f"{settings.app_source} is {target!r}, but {path} defines no `{name}`; name what it defines, for example "
            f"{examples(project, target)}"
        )
    return _app(project, settings, found, framework=found.framework)


def _module_named(project: Project, settings: Settings, module: str) -> tuple[str, str | None]:
    """Dotted name and path of a module that the user names by either."""
    if module.endswith(".py"):
        path = posixpath.normpath(module)
        return dotted_name(path, import_root_of(project, path)), path if project.exists(path) else None
    folders = (*([_relative(project, settings)] if settings.cwd else []), "")
    return module, locate(project, module, folders, tests=True)


def _app(  # noqa: PLR0913 - one call names every part of an app, by keyword
    project: Project,
    settings: Settings,
    found: Candidate,
    *,
    framework: str | None,
    others: tuple[str, ...] = (),
    folder: str = ".",
) -> App:
    cwd = _relative(project, settings) or "." if settings.cwd else _started_in(project, found)
    return App(
        target=found.target,
        factory=found.factory,
        found_in=found.found_in,
        import_root=found.import_root,
        cwd=cwd,
        framework=framework,
        module_path=found.path,
        others=others,
        folder=folder,
        above=above(project, found),
        told=found.told,
    )


def _started_in(project: Project, found: Candidate) -> str:
    """Where the app is started: as its container says, not below where it is imported from; else a guess."""
    told, root = started_in(project, found.found_in), found.import_root
    return told if told and (told == "." or f"{root}/".startswith(f"{told}/")) else working_folder(project, root)


def _configured(project: Project) -> Iterator[Candidate]:
    """``[tool.fastapi] entrypoint`` in a ``pyproject.toml``."""
    import tomllib

    for path in sorted((one for one in project.sources if posixpath.basename(one) == "pyproject.toml"), key=by_depth):
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


def _commanded(project: Project) -> Iterator[Candidate]:
    for command in commands(project):
        yield from _from_command(project, command)


def _from_command(project: Project, command: Command) -> Iterator[Candidate]:
    if command.target is not None:
        module, _, name = command.target.partition(":")
        path = locate(project, module, command.folders)
        if path is not None:
            place, factory = command.found_in, command.factory
            found = with_name(project, path, module, name, found_in=place, factory=factory, folders=command.folders)
            if found is not None:
                told = _importable(project, found)
                told.is_commanded = not place.rpartition(":")[0].endswith(".py")
                told.told = found.target if told.is_commanded and told.target != found.target else ""
                yield told
        return
    path = _file(project, command)
    if path is not None:
        yield from (
            candidate(project, one, command.found_in) for one in sorted(in_module(project, path), key=Found.rank)[:1]
        )


def _importable(project: Project, found: Candidate) -> Candidate:
    """The same app under the name that its module's own imports tell, where it does not import under the one given."""
    root = import_root_of(project, found.path)
    if root == found.import_root or imports_from(project, found.path, found.import_root):
        return found
    name = found.target.partition(":")[2]
    place, module = found.found_in, dotted_name(found.path, root)
    told = Candidate(found.path, module, name, found_in=place, factory=found.factory, framework=found.framework)
    return told if imports_from(project, found.path, told.import_root) else found


def _file(project: Project, command: Command) -> str | None:
    """The module that ``fastapi run [file]`` starts."""
    names = [command.file] if command.file else list(_DEFAULT_FILES)
    for folder in command.folders:
        for name in names:
            path = posixpath.normpath(posixpath.join(folder, name)).lstrip("/")
            if path in project.python_files:
                return path
    module = names[0].removesuffix(".py").strip("./").replace("/", ".")
    return locate(project, module, command.folders) if command.file else None


def _defined(project: Project) -> Iterator[Candidate]:
    found = scan(project)
    if len(found) > 1 and found[0].rank()[:4] == found[1].rank()[:4]:
        found = tuple(sorted(found, key=lambda one: (not _imported_by_tests(project, one), one.rank())))
    for one in found:
        yield from _served(project, one)
    for one in found:
        yield candidate(project, one, f"{one.path}:{one.line}")


def _served(project: Project, found: Found) -> Iterator[Candidate]:
    """The app that another module imports and serves: ``app.run()``, ``uvicorn.run(app)``, ``serve(create_app())``.

    It is taken from that module when it adds to the app, and importing it serves nothing yet.
    """
    name = re.escape(found.name)
    imports = re.compile(rf"^[ \t]*from\s+{_as_imported(found.path)}\s+import\s+(?:\*|[^\n]*\b{name}\b)", re.MULTILINE)
    served_by = rf"\b(?:run|serve|Config)\(\s*(?:app\s*=\s*)?{name}(?:\(\))?\s*[,)]"
    runs = re.compile(rf"^(?P<inside>[ \t]*)[^#\n]*(?:\b{name}\.run\(|{served_by})", re.MULTILINE)
    adds = re.compile(rf"^[ \t]*@?{name}\.(?!run\b)|^from[^\n]*import\s+\*", re.MULTILINE)
    serving = project.holders(b"run(", b"serve(", b"Config(")
    for path in project.python_files:
        if path != found.path and path in serving and role_of(path) == "app":
            text = project.text(path)
            match = runs.search(text) if imports.search(text) else None
            if match is not None:
                line = project.lines(path).line_at(match.end())
                is_own = bool(match["inside"] and not found.factory and adds.search(text))
                served = replace(found, path=path, line=line) if is_own else found
                yield candidate(project, served, f"{path}:{line}")


def _as_imported(path: str) -> str:
    """Pattern of what a module may be called in an import: the end of its dotted path, however long."""
    parts = dotted_name(path, ".").split(".")
    return rf"\.*(?:{'|'.join(re.escape('.'.join(parts[start:])) for start in range(len(parts)))})"


def _imported_by_tests(project: Project, found: Found) -> bool:
    pattern = re.compile(_FROM_IMPORT.format(module=_as_imported(found.path), name=re.escape(found.name)), re.MULTILINE)
    return any(role_of(path) == "test" and pattern.search(project.text(path)) for path in project.python_files)


def _relative(project: Project, settings: Settings) -> str:
    folder = os.path.relpath(settings.cwd or project.root, project.root)
    return "" if folder == "." else folder.replace(os.sep, "/")
