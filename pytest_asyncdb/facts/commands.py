"""Command lines in a project's files that name its ASGI app: ``uvicorn src.main:app``, ``fastapi run app/main.py``."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.sources.project import Project

_TARGET = r"(?P<target>[A-Za-z_][\w.]*:[A-Za-z_]\w*)(?P<call>\(\))?"
_SERVER = re.compile(
    r"(?<![\w/=@-])(?:uvicorn|gunicorn|hypercorn|granian|daphne|sanic)(?![\w=@-]|\.\w)"
    rf"(?P<before>(?:[^\n]|\\\n)*?)(?<![\w.:/@-]){_TARGET}(?![\w.:/@-])(?P<after>(?:[^\n]|\\\n)*)"
)
_APP_OPTION = re.compile(rf"(?<![\w/])(?:litestar|quart|flask)\s(?:[^\n]*?)--app[ =]+{_TARGET}")
_APP_VARIABLE = re.compile(rf"\b(?:\w*APP|APP_MODULE|wsgi_app)\b\s*[:=\s]\s*(?:\$\{{\w+:-)?{_TARGET}")
_MODULE_VARIABLE = re.compile(r"\bMODULE_NAME\b\s*[:=\s]\s*(?P<module>[A-Za-z_][\w.]*)")
_NAME_VARIABLE = re.compile(r"\bVARIABLE_NAME\b\s*[:=\s]\s*(?P<name>[A-Za-z_]\w*)")
_FASTAPI_FILE = re.compile(
    r"(?<![\w/])fastapi\s+(?:run|dev)\s(?P<before>[^\n;&|]*?)(?P<file>[\w./-]+\.py)(?P<after>[^\n;&|]*)"
)
_FASTAPI_BARE = re.compile(r"(?<![\w/])fastapi\s+(?:run|dev)\b(?!\s[^\n;&|]*\.py)")
_RUN_CALL = re.compile(rf"\b(?:run|Granian|serve|Config)\(\s*(?:app\s*=\s*|target\s*=\s*)?[\"']{_TARGET}[\"']")
_APP_DIR = re.compile(r"--(?:app-dir|chdir)[ =]+(?P<folder>[\w./-]+)")
_WORK_DIR = re.compile(r"^[ \t]*(?:WORKDIR|working_dir:)[ \t]+/?(?P<folder>[\w./-]+)", re.MULTILINE)
_STARTED = re.compile(r"^[ \t]*(?:CMD|ENTRYPOINT|command:|entrypoint:)(?P<words>(?:[^\n]|\\\n)*)", re.MULTILINE)
_SCRIPTS = re.compile(r"^\[(?:project|tool\.poetry)\.scripts\][^\[]*", re.MULTILINE)
_ENTRY = re.compile(r"=\s*[\"'](?P<module>[A-Za-z_][\w.]*):")
_CHANGE = re.compile(r"\bcd\s+(?P<folder>[\w./-]+)\s*(?:&&|;|$)")
_FACTORY = re.compile(r"--factory\b|factory\s*=\s*True")
_QUOTES = str.maketrans(dict.fromkeys("\"',[]`", " "))

_KINDS = (
    re.compile(r"Procfile.*", re.IGNORECASE),
    re.compile(r"(?:.*[._-])?(?:Dockerfile|Containerfile)(?:[._-].*)?", re.IGNORECASE),
    re.compile(r"(?:docker-)?compose.*\.ya?ml", re.IGNORECASE),
    re.compile(r"(?:GNU)?Makefile|.*\.mk|\.?justfile|Taskfile\.ya?ml|tasks\.py", re.IGNORECASE),
    re.compile(r".*\.(?:sh|bash|ps1|bat|cmd)|start|run|entrypoint|prestart", re.IGNORECASE),
    re.compile(
        r"pyproject\.toml|tox\.ini|package\.json|fly\.toml|render\.ya?ml|railway\.(?:json|toml)|nixpacks\.toml|app\.ya?ml"
        r"|vercel\.json|launch\.json|.*\.service|supervisord?.*\.conf|\.replit|gunicorn.*\.py",
        re.IGNORECASE,
    ),
)
_DOCKERFILE, _COMPOSE, _STARTING = 1, 2, 5
_FOR_TESTS = re.compile(r"(?i)(?:^|[._-])(?:tests?|testing|e2e|ci|acceptance)(?:[._-]|$)")
"""Names of files that start something for tests alone: ``docker-compose.test.yml``."""
_ELSEWHERE = frozenset({"test", "tests", "examples", "example", "docs", "doc", "node_modules"})


@dataclass(frozen=True, slots=True)
class Command:
    """An app named by a file: as ``module:attribute``, or as the path of a module.

    ``folders`` are where the target is to be looked for first, relative to the project (``""`` for its root).
    """

    found_in: str
    folders: tuple[str, ...]
    target: str | None = None
    file: str | None = None
    factory: bool = False


def commands(project: Project) -> Iterator[Command]:
    """Find command lines, the most telling files first: Procfile, Dockerfile, compose, Makefile, scripts, settings."""
    by_kind: dict[int, list[str]] = {}
    for path in project.sources:
        *folders, name = path.split("/")
        kind = next((number for number, pattern in enumerate(_KINDS) if pattern.fullmatch(name)), None)
        if kind is not None and _ELSEWHERE.isdisjoint(folders) and not _FOR_TESTS.search(name):
            by_kind.setdefault(kind, []).append(path)
    for kind, paths in sorted(by_kind.items()):
        for path in sorted(paths, key=lambda path: (path.count("/"), path)):
            found = list(_in_text(project, path))
            # The last stage of a Dockerfile is the one that is built.
            yield from reversed(found) if kind == _DOCKERFILE else found
            for script in _scripts_started(project, path) if kind in {_DOCKERFILE, _COMPOSE} else ():
                yield from _in_text(project, script)
    yield from _in_python(project)


def starts(found_in: str) -> bool:
    """Whether a place lies in a file that starts services: Procfile, Dockerfile, compose, Makefile, a script."""
    name = posixpath.basename(found_in.rpartition(":")[0])
    return any(kind.fullmatch(name) for kind in _KINDS[:_STARTING])


def _in_text(project: Project, path: str) -> Iterator[Command]:
    text = project.text(path)
    if not re.search(r"uvicorn|corn|granian|daphne|fastapi|litestar|quart|sanic|_APP|wsgi_app", text):
        return
    plain = text.translate(_QUOTES)
    yield from _by_module_variable(project, path, plain)
    for pattern in (_SERVER, _APP_OPTION, _APP_VARIABLE, _FASTAPI_FILE, _FASTAPI_BARE):
        for match in pattern.finditer(plain):
            if not _is_comment(plain, match.start()):
                yield _command(project, path, plain, match)


def _by_module_variable(project: Project, path: str, plain: str) -> Iterator[Command]:
    """``MODULE_NAME`` and ``VARIABLE_NAME``, as images that bring Gunicorn take them."""
    module = _MODULE_VARIABLE.search(plain)
    if module is not None and not _is_comment(plain, module.start()):
        name = _NAME_VARIABLE.search(plain)
        line = project.lines(path).line_at(module.start())
        target = f"{module['module']}:{name['name'] if name else 'app'}"
        yield Command(f"{path}:{line}", (path.rpartition("/")[0], ""), target)


def _scripts_started(project: Project, path: str) -> Iterator[str]:
    """Files of the project that a container starts, whatever they are called."""
    names = {
        word.rpartition("/")[2] for each in _STARTED.finditer(project.text(path)) for word in _words(each["words"])
    }
    for one in project.sources:
        if one.rpartition("/")[2] in names and not any(kind.fullmatch(one.rpartition("/")[2]) for kind in _KINDS):
            yield one


def _words(text: str) -> list[str]:
    return text.translate(_QUOTES).split()


def _is_comment(text: str, position: int) -> bool:
    start = text.rfind("\n", 0, position) + 1
    return text[start:position].lstrip().startswith(("#", "//", "REM ", ";"))


def _command(project: Project, path: str, plain: str, match: re.Match[str]) -> Command:
    parts = match.groupdict()
    around = f"{parts.get('before') or ''} {parts.get('after') or ''}"
    start = plain.rfind("\n", 0, match.start()) + 1
    changed = _CHANGE.findall(plain[start : match.start()])
    own = path.rpartition("/")[0]
    named = [*(one["folder"] for one in _APP_DIR.finditer(around)), *changed[-1:]]
    folders = [posixpath.normpath(posixpath.join(own, folder)) for folder in named] + [*named, own, ""]
    # A container's folder seldom is one of the project, so it is asked last.
    folders += _work_folders(plain, match.start())
    return Command(
        found_in=f"{path}:{project.lines(path).line_at(match.start())}",
        folders=tuple(dict.fromkeys("" if folder == "." else folder.strip("/") for folder in folders)),
        target=parts.get("target"),
        file=parts.get("file"),
        factory=bool(parts.get("call") or _FACTORY.search(around)),
    )


def _work_folders(text: str, position: int) -> Iterator[str]:
    """Folders of the project that a container's working directory can be: each end of its path."""
    found = [one["folder"] for one in _WORK_DIR.finditer(text, 0, position)]
    parts = found[-1].strip("/").split("/") if found else []
    yield from ("/".join(parts[start:]) for start in range(len(parts)))


def _entry_modules(project: Project) -> frozenset[str]:
    """Paths that modules of the project's own commands (``[project.scripts]``) end in."""
    texts = (project.text(path) for path in project.sources if path.rpartition("/")[2] == "pyproject.toml")
    tables = (table[0] for text in texts for table in _SCRIPTS.finditer(text))
    return frozenset(f"{one['module'].replace('.', '/')}.py" for table in tables for one in _ENTRY.finditer(table))


def _in_python(project: Project) -> Iterator[Command]:
    """``uvicorn.run("src.main:app")`` in any module of the project that is no test."""
    entries = tuple(_entry_modules(project))
    for path in sorted(project.python_files, key=lambda path: (not path.endswith(entries), path.count("/"), path)):
        if not any(name in project.imports(path) for name in (b"uvicorn", b"hypercorn", b"ranian")):
            continue
        if not _ELSEWHERE.isdisjoint(path.split("/")[:-1]):
            continue
        text = project.text(path)
        for match in _RUN_CALL.finditer(text):
            if not _is_comment(text, match.start()):
                folder = path.rpartition("/")[0]
                above = [folder.rsplit("/", up)[0] for up in range(1, folder.count("/") + 1)]
                yield Command(
                    found_in=f"{path}:{project.lines(path).line_at(match.start())}",
                    folders=tuple(dict.fromkeys((folder, *above, ""))),
                    target=match["target"],
                    factory=bool(match["call"] or _FACTORY.search(text, match.end(), match.end() + 300)),
                )
