"""ASGI apps and app factories in the project's modules, found in the sources alone."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.layout import role_of
from pytest_asyncdb.facts.roots import parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_asyncdb.sources.project import Project

FRAMEWORKS = {
    "FastAPI": "fastapi",
    "Starlette": "starlette",
    "Litestar": "litestar",
    "Quart": "quart",
    "Sanic": "sanic",
    "BlackSheep": "blacksheep",
    "Esmerald": "esmerald",
    "AirAPI": "airapi",
}
_CONSTRUCTORS = tuple(name.encode() for name in FRAMEWORKS)
_LINE = re.compile(
    r"^(?P<name>[A-Za-z_]\w*)[ \t]*(?::[^=\n]+)?=[ \t]*(?:\w+\.)*(?P<class>" + "|".join(FRAMEWORKS) + r")[ \t]*\(",
    re.MULTILINE,
)
_TYPICAL_FACTORIES = (
    "create_app", "get_app", "make_app", "build_app", "create_application", "get_application", "init_app",
)  # fmt: skip
_TYPICAL_MODULES = (
    "main", "app", "server", "asgi", "api", "application", "__init__", "runserver", "run", "web", "wsgi",
)  # fmt: skip
_INSTANCES = {"app": 0, "application": 1}


@dataclass(frozen=True, slots=True)
class Found:
    """An app (or factory) that a module defines: path, line, name, framework where the source tells."""

    path: str
    line: int
    name: str
    factory: bool
    framework: str | None
    mounted: bool = False
    """Handed to another app's ``mount``."""

    def rank(self) -> tuple[int, int, int, int, int, str]:
        """Sort key: what is most likely the project's own app comes first."""
        stem = self.path.rpartition("/")[2].removesuffix(".py")
        typical = 2 if self.name in _TYPICAL_FACTORIES else 4
        kind = typical if self.factory else _INSTANCES.get(self.name, 3)
        module = _TYPICAL_MODULES.index(stem) if stem in _TYPICAL_MODULES else len(_TYPICAL_MODULES)
        script = int(role_of(self.path) != "app")
        return (script, int(self.mounted), kind, module, self.path.count("/"), self.path)


def scan(project: Project, role: str = "app") -> tuple[Found, ...]:
    """Find every app of the project's modules of a role, the likeliest first."""
    paths = [path for path in project.python_files if role_of(path) == role]
    mentions = [path for path in paths if _mentions(project, path)]
    found = [one for path in mentions for one in in_module(project, path)]
    factories = {name: framework for path in mentions for name, framework in makers_in(project, path).items()}
    found += _made_elsewhere(project, paths, found, factories)
    return tuple(sorted(set(found), key=Found.rank))


def makers_in(project: Project, path: str) -> dict[str, str]:
    """Names of a module's functions that make an app, arguments or not, and the framework of that app."""
    tree = parsed(project, path)
    return _Scanner(path, tree, {}).makers() if tree is not None else {}


def in_module(project: Project, path: str, factories: dict[str, str | None] | None = None) -> tuple[Found, ...]:
    """Find the apps and factories of one module; ``factories`` are names that are known to make apps."""
    tree = parsed(project, path)
    if tree is None:
        text, lines = project.text(path), project.lines(path)
        return tuple(
            Found(
                path, lines.line_at(match.start()), match["name"], factory=False, framework=FRAMEWORKS[match["class"]]
            )
            for match in _LINE.finditer(text)
        )
    return tuple(_Scanner(path, tree, factories or {}).found())


def _made_elsewhere(
    project: Project, paths: Iterable[str], found: Iterable[Found], factories: Mapping[str, str]
) -> Iterator[Found]:
    """``app = create_app()`` where the factory lives in another module."""
    # Every typical name ends in one of two ways.
    calls = (b"_app(", b"_application(", *(f"{name}(".encode() for name in factories if name not in _TYPICAL_FACTORIES))
    known: dict[str, str | None] = {**dict.fromkeys(_TYPICAL_FACTORIES), **factories}
    told = {(one.path, one.name) for one in found}
    held = project.holders(*calls)
    for path in paths:
        if path in held:
            apps = (one for one in in_module(project, path, known) if not one.factory)
            yield from (one for one in apps if (path, one.name) not in told)


def _mentions(project: Project, path: str) -> bool:
    """Whether a framework's class may be in the module: it is imported, or its framework is, or nobody knows what."""
    imports = project.imports(path).lower()
    if b"*" not in imports and not any(name.lower() in imports for name in _CONSTRUCTORS):
        return False
    data = project.data(path) or b""
    return any(name in data for name in _CONSTRUCTORS)


class _Scanner:
    """Looks through the top level of one module."""

    def __init__(self, path: str, tree: ast.Module, factories: dict[str, str | None]) -> None:
        self._path = path
        self._makers: dict[str, str | None] = {**FRAMEWORKS, **factories}
        self._mounted: set[str] = set()
        self._kept: dict[str, str] = {}
        """Attributes in which classes of the module keep the app that they make."""
        self._statements = list(_top_level(tree.body))
        self._learn_names()

    def makers(self) -> dict[str, str]:
        functions = [node for node in self._statements if isinstance(node, ast.FunctionDef)]
        return {node.name: made for node in functions if (made := self._made_by(node)) is not None}

    def found(self) -> Iterator[Found]:
        for node in self._statements:
            if isinstance(node, ast.FunctionDef):
                framework = None if _needs_arguments(node) else self._made_by(node)
                if framework is not None and not node.decorator_list and not node.name.startswith("_"):
                    yield Found(self._path, node.lineno, node.name, factory=True, framework=framework)
            elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call | ast.Attribute):
                is_call = isinstance(node.value, ast.Call)
                known: Mapping[str, str | None] = self._makers if is_call else self._kept
                made = _last(node.value.func if isinstance(node.value, ast.Call) else node.value) or ""
                if made in known:
                    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                        if isinstance(target, ast.Name):
                            yield self._instance(node, target.id, known[made])

    def _instance(self, node: ast.stmt, name: str, framework: str | None) -> Found:
        mounted = name in self._mounted
        return Found(self._path, node.lineno, name, factory=False, framework=framework, mounted=mounted)

    def _learn_names(self) -> None:
        for node in self._statements:
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if alias.asname and alias.name in FRAMEWORKS:
                        self._makers[alias.asname] = FRAMEWORKS[alias.name]
            elif isinstance(node, ast.ClassDef):
                made = next((FRAMEWORKS[name] for base in node.bases if (name := _last(base)) in FRAMEWORKS), None)
                if made:
                    self._makers[node.name] = made
                self._learn_methods(node)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _last(node.value.func) == "mount":
                values = (*node.value.args, *(keyword.value for keyword in node.value.keywords))
                self._mounted.update(value.id for value in values if isinstance(value, ast.Name))
        self._makers.update(self.makers())

    def _learn_methods(self, owner: ast.ClassDef) -> None:
        """What the methods of a class return or keep on ``self``, where that is an app."""
        for method in owner.body:
            if isinstance(method, ast.FunctionDef):
                if (made := self._made_by(method)) is not None:
                    self._makers[method.name] = made
                for node in ast.walk(method):
                    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                        framework = FRAMEWORKS.get(_last(node.value.func) or "")
                        kept = [one.attr for one in node.targets if isinstance(one, ast.Attribute)]
                        self._kept.update(dict.fromkeys(kept, framework) if framework else {})

    def _made_by(self, function: ast.FunctionDef) -> str | None:
        """The framework whose app a function makes and returns; None when it makes none."""
        made: dict[str, str | None] = {}
        returned: list[ast.expr] = []
        for node in ast.walk(function):
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
                maker = _last(node.value.func)
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    made[_last(target) or ""] = self._makers.get(maker or "")
            elif isinstance(node, ast.Return) and node.value is not None:
                returned.append(node.value)
        for value in returned:
            name = _last(value.func) if isinstance(value, ast.Call) else _last(value)
            framework = self._makers.get(name or "") if isinstance(value, ast.Call) else made.get(name or "")
            if framework is not None:
                return framework
        return None


def _top_level(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run at import: also inside ``if``, ``try`` and ``with``."""
    for node in statements:
        yield node
        for name in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                yield from _top_level(getattr(node, name, ()))


def _needs_arguments(function: ast.FunctionDef) -> bool:
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional > 0 or any(default is None for default in arguments.kw_defaults)


def _last(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None
