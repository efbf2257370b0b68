"""The project's migrations: Alembic's configuration, or that of the app's own Advanced Alchemy plugin."""

from __future__ import annotations

import configparser
import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.layout import role_of
from pytest_asyncdb.facts.roots import folders_above
from pytest_asyncdb.model.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.model.place import Span
    from pytest_asyncdb.sources.project import Project

_INI = re.compile(r"(?:.*/)?alembic[\w.-]*\.ini")
_SECTION = re.compile(rb"^\[alembic\]", re.MULTILINE)
_HEADS = re.compile(rb"upgrade[\"',\s]+heads\b")
_PARAMETER = re.compile(r"[?&](?P<name>[a-z_]\w*)=")
_URL = re.compile(r"(?m)^sqlalchemy\.url\s*=(?P<value>[^\r\n]*)")
_PERCENT = re.compile(r"%%|%\([^)]+\)s|(?P<single>%)")
_PARENT = re.compile(r"^down_revision\b[^=\n]*=(?P<names>[^\n]*)", re.MULTILINE)
_QUOTED = re.compile(r"[\"'](\w+)[\"']")
_COMMANDS = (".sh", ".py", ".yml", ".yaml", ".toml", ".json", ".md", "Dockerfile", "Makefile", "Procfile", "justfile")


@dataclass(frozen=True, slots=True)
class Migrations:
    """How the project's migrations are run; paths are POSIX and relative to the project."""

    kind: str
    """``alembic``, or ``advanced-alchemy`` when the app's own plugin holds the configuration."""
    config: str
    """``alembic.ini`` or ``pyproject.toml``; the plugin's are named by their ``env.py``."""
    script: str
    """The ``env.py``; empty when there is none where the configuration says."""
    cwd: str
    """Where the command is started."""
    url_place: Place | None = None
    """The URL in the configuration, when it holds one."""
    percents: tuple[Span, ...] = ()
    """The percent signs in it that are not doubled."""
    parameters: tuple[tuple[str, Place], ...] = ()
    """Parameters of URLs that ``env.py`` or the configuration writes down, each where it first stands."""
    parents: tuple[tuple[str, Place], ...] = ()
    """Revisions that scripts name as the one before theirs, each with the place."""
    upgrades_heads: bool = False
    """Some file of the project says ``alembic upgrade heads``: several heads are meant."""
    creates_all: bool = False
    """The app makes its tables itself, with or without migrations."""

    @property
    def command(self) -> str:
        """What a person would type."""
        return "alembic upgrade head" if self.kind == "alembic" else "the upgrade of Advanced Alchemy"


def find_migrations(project: Project, app: App) -> Migrations | None:
    """Find the migrations that belong to the app: nearest above its module, else below its import root.

    Nothing is parsed but one small file: the app's import waits for this.
    """
    places = sorted(_places(project, app))
    for _, path in places:
        found = _plugin(project, app, path) if path.endswith(".py") else _alembic(project, app, path)
        if found is not None:
            return found
    return None


def described(project: Project, found: Migrations) -> Migrations:
    """Add what only a finding needs to know."""
    parameters: dict[str, Place] = {}
    for path in filter(None, (found.script, found.config)):
        text, lines = project.text(path), project.lines(path)
        for match in _PARAMETER.finditer(text):
            parameters.setdefault(match["name"], lines.span(match.start("name"), match.end("name")).place)
    parents: dict[str, Place] = {}
    for path in _scripts(project, posixpath.dirname(found.script)) if found.script else ():
        text, lines = project.text(path), project.lines(path)
        for match in _PARENT.finditer(text):
            for name in _QUOTED.finditer(text, match.start("names"), match.end("names")):
                parents.setdefault(name[1], lines.span(name.start(1), name.end(1)).place)
    heads = any(_HEADS.search(project.data(one) or b"") for one in project.sources if one.endswith(_COMMANDS))
    url = _URL.search(project.text(found.config))
    lines = project.lines(found.config)
    single = [one for one in _PERCENT.finditer(url["value"]) if one["single"]] if url else []
    return replace(
        found,
        url_place=Place(found.config, lines.line_at(url.start())) if url else None,
        percents=tuple(lines.span(url.start("value") + one.start(), url.start("value") + one.end()) for one in single)
        if url
        else (),
        parameters=tuple(parameters.items()),
        parents=tuple(parents.items()),
        upgrades_heads=heads,
        creates_all=any(
            one in project.holders(b".create_all") for one in project.python_files if role_of(one) == "app"
        ),
    )


def _places(project: Project, app: App) -> Iterator[tuple[tuple[int, int], str]]:
    """Configurations with their rank: plugins first, because their ``env.py`` can't be run by Alembic alone."""
    chain = [_plain(one) for one in (app.cwd, *_above(app), ".")]
    below = _plain(app.import_root)
    for path in project.sources:
        name = posixpath.basename(path)
        if name not in {"env.py", "pyproject.toml"} and not _INI.fullmatch(path):
            continue
        folder = posixpath.dirname(path)
        if role_of(f"{folder}/module.py" if folder else "module.py") not in ("app", "migration"):
            continue
        data = project.data(path) or b""
        if name == "env.py" and b"advanced_alchemy" in data and _is_below(folder, below):
            yield (-1, len(folder)), path
        elif (name == "pyproject.toml" and b"[tool.alembic]" in data) or _SECTION.search(data):
            if folder in chain:
                yield (chain.index(folder), name == "pyproject.toml"), path
            elif _is_below(folder, below):
                yield (len(chain), len(folder)), path


def _above(app: App) -> tuple[str, ...]:
    return folders_above(app.module_path) if app.module_path else (app.import_root,)


def _plain(folder: str) -> str:
    return "" if folder == "." else folder


def _is_below(folder: str, above: str) -> bool:
    return not above or folder == above or folder.startswith(f"{above}/")


def _plugin(project: Project, app: App, script: str) -> Migrations | None:
    if not _has_versions(project, posixpath.dirname(script)):
        return None
    return Migrations("advanced-alchemy", script, script, app.cwd)


def _alembic(project: Project, app: App, path: str) -> Migrations | None:
    options = _options(project, path)
    folder = posixpath.dirname(path)
    location = options.get("script_location", "")
    if not location:
        return None
    inside = f"{folder}/__init__.py" if folder else "__init__.py"
    own = _plain(app.cwd) if project.exists(inside) else folder
    for cwd in dict.fromkeys((own, folder, _plain(app.cwd), "")):
        scripts = _script_folder(location, folder, cwd, _plain(app.import_root))
        if project.exists(f"{scripts}/env.py"):
            break
    else:
        return Migrations("alembic", path, "", own or ".")
    if not (_has_versions(project, scripts) or options.get("version_locations")):
        return None
    return Migrations("alembic", path, posixpath.join(scripts, "env.py"), cwd or ".")


def _options(project: Project, path: str) -> Mapping[str, str]:
    """The section of Alembic, as far as it can be read."""
    text = project.text(path)
    if path.endswith(".toml"):
        import tomllib

        try:
            table = tomllib.loads(text).get("tool", {}).get("alembic", {})
        except tomllib.TOMLDecodeError:
            return {}
        return {str(name): str(value) for name, value in table.items()}
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {"script_location": "alembic"}  # Alembic can't read it either, and its error says why
    return dict(parser.items("alembic")) if parser.has_section("alembic") else {}


def _script_folder(location: str, config_folder: str, cwd: str, import_root: str) -> str:
    package, colon, rest = location.partition(":")
    if colon:
        return posixpath.normpath(posixpath.join(import_root, package.replace(".", "/"), rest.replace(":", "/")))
    plain = location.replace("%(here)s", "./").replace("{here}", "./")
    base = config_folder if plain != location else cwd
    return posixpath.normpath(posixpath.join(base, plain))


def _has_versions(project: Project, scripts: str) -> bool:
    return next(_scripts(project, scripts), None) is not None


def _scripts(project: Project, folder: str) -> Iterator[str]:
    """Everything beside and below ``env.py``."""
    under = "" if folder in {"", "."} else f"{folder}/"
    for path in project.python_files:
        if path.startswith(under) and path != f"{under}env.py" and not path.endswith("__init__.py"):
            yield path
