"""Whether a text that is handed to a ConfigParser may hold a percent sign that nobody has doubled."""

from __future__ import annotations

import ast
import re
from enum import Enum, auto
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.flow import decorators, is_property
from pytest_asyncdb.facts.provenance import calls_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_asyncdb.facts.bindings import Bound, Scope
    from pytest_asyncdb.facts.codebase import Source
    from pytest_asyncdb.facts.flow import Flow
    from pytest_asyncdb.facts.settings import SettingsReader
    from pytest_asyncdb.facts.urls import WrittenUrl

_DEPTH = 24
TELLING = re.compile(r"(?i)pass|pwd|pw$|secret|url|uri|dsn|conn|quote")
"""Names of what may hold a percent sign: a password, or a whole URL. A host, port or database never does."""
_PLACEHOLDER = re.compile(r"%\([^)]+\)s")
_READERS = ("os.getenv", "os.environ", "decouple.", "environs.", "environ.", "starlette.config", "starlette.Config")
_SAME = frozenset({"str", "SecretStr", "PostgresDsn", "AnyUrl", "Url", "MultiHostUrl"})
_SAME_METHODS = frozenset(
    "get_secret_value strip lstrip rstrip removeprefix removesuffix replace split rsplit partition".split()  # noqa: SIM905 - a plain list of words
)
_ENCODING = frozenset({"quote", "quote_plus", "unicode_string"})
"""What leaves a percent sign for each special character, whatever it is given."""
_MASKED = frozenset({"sqlalchemy.URL", "sqlalchemy.URL.create", "sqlalchemy.make_url"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_MODELS = frozenset({"BaseModel", "BaseSettings"})


class Leaf(Enum):
    """What a value is made of, where it can be followed no further."""

    RAW = auto()
    """It comes from the environment or is rendered from parts, so that a percent sign may be in it."""
    DOUBLED = auto()
    """Somebody on the way knows about the percent sign."""
    UNKNOWN = auto()
    """It can't be followed."""


class Doubling:
    """Follows one text back to what it is made of.

    Args:
        flow: follows names.
        settings: reads settings classes.
    """

    def __init__(self, flow: Flow, settings: SettingsReader) -> None:
        """Nothing is followed yet."""
        self._flow = flow
        self._settings = settings
        self._met: set[tuple[int, int]] = set()
        self._leaves: set[Leaf] = set()
        self._passed: dict[str, Source] = {}
        self._texts: list[str] = []
        self.written: list[WrittenUrl] = []
        """URLs of the project's files that the text may be."""

    @property
    def is_missing(self) -> bool:
        """Whether a percent sign may be in it and nothing on the way doubles one."""
        is_known = Leaf.DOUBLED in self._leaves or any(map(_doubles, self._passed.values()))
        return Leaf.RAW in self._leaves and not is_known

    @property
    def is_sqlite(self) -> bool:
        """Whether no other URL is known that it may be; a deployment may set another one all the same."""
        urls = [one for one in (*self._texts, *(one.masked for one in self.written)) if "://" in one]
        return bool(urls) and all(map(_is_sqlite, urls))

    @property
    def is_certain(self) -> bool:
        """Whether all of it could be followed."""
        return Leaf.UNKNOWN not in self._leaves

    def follow(  # noqa: C901, PLR0912 - one branch per kind of expression
        self, node: ast.expr, scope: Scope, depth: int = 0
    ) -> None:
        """Follow one expression."""
        if (id(node), id(scope)) in self._met:
            return
        self._met.add((id(node), id(scope)))
        self._pass(scope)
        if depth > _DEPTH:
            self._leaves.add(Leaf.UNKNOWN)
            return
        match node:
            case ast.Constant(value=value):
                self._literal(value if isinstance(value, str) else "")
            case ast.JoinedStr(values=values) | ast.List(elts=values) | ast.Tuple(elts=values):
                self._parts(values, scope, depth)
            case ast.BinOp(left=left, right=right, op=ast.Add()):
                self._parts((left, right), scope, depth)
            case ast.BinOp(left=left, right=right, op=ast.Mod()):
                self._parts((right,), scope, depth)
            case ast.BoolOp(values=values):
                self._each(values, scope, depth)
            case ast.IfExp(body=body, orelse=orelse):
                self._each((body, orelse), scope, depth)
            case ast.Await(value=value) | ast.NamedExpr(value=value):
                self.follow(value, scope, depth + 1)
            case ast.Name() | ast.Attribute():
                self._name(node, scope, depth)
            case ast.Call():
                self._call(node, scope, depth)
            case ast.Subscript(value=ast.Call(func=ast.Attribute()) as cut):  # url.split("?")[0]
                self.follow(cut, scope, depth + 1)
            case ast.Subscript(value=value, slice=key) if self._is_environment(value, scope):
                self._read(key)
            case _:
                self._leaves.add(Leaf.UNKNOWN)

    def _pass(self, scope: Scope) -> None:
        source = self._flow.source(scope)
        if source is not None:
            self._passed[source.path] = source

    def _each(self, nodes: Iterable[ast.expr], scope: Scope, depth: int) -> None:
        for node in nodes:
            self.follow(node, scope, depth + 1)

    def _parts(self, nodes: Sequence[ast.expr], scope: Scope, depth: int) -> None:
        """The parts of a text, those left out whose names say that they are no password and no URL."""
        if any(map(_is_sqlite, _texts(nodes[:1]))):  # a file has no password
            return
        for node in nodes:
            inner = node.value if isinstance(node, ast.FormattedValue) else node
            nested = isinstance(inner, ast.Constant | ast.JoinedStr | ast.BinOp | ast.Tuple | ast.List)
            if nested or any(TELLING.search(name) for name in _named(inner)):
                self.follow(inner, scope, depth + 1)

    def _literal(self, text: str) -> None:
        self._texts.append(text)
        if "%%" in text or _PLACEHOLDER.search(text):
            self._leaves.add(Leaf.DOUBLED)
        elif "%" in text:
            self._leaves.add(Leaf.RAW)

    def _name(self, node: ast.Name | ast.Attribute, scope: Scope, depth: int) -> None:
        found = self._flow.bound(node, scope)
        if found is None or self._is_of_tests(node, scope):
            self._leaves.add(Leaf.UNKNOWN)
            return
        bound, where = found
        if where.kind == "class":
            self._member(node, bound, where, depth)
            return
        if where.kind == "function" and bound.opaque and isinstance(node, ast.Name):
            self._parameter(node.id, where, depth)
        elif bound.opaque or not bound.values:
            self._leaves.add(Leaf.UNKNOWN)
        for value, inside in bound.values:
            self.follow(value, inside, depth + 1)

    def _is_of_tests(self, node: ast.Name | ast.Attribute, scope: Scope) -> bool:
        """Whether a test has set it or is handed its object: it is that of a server that the tests have started."""
        source = self._flow.source(scope)
        if source is None or source.role != "test" or isinstance(node, ast.Name):
            return False
        name, root = ast.unparse(node), ast.unparse(node).partition(".")[0]
        found = self._flow.names.find(root, scope)
        targets = (to for one in ast.walk(source.tree) if isinstance(one, ast.Assign) for to in one.targets)
        is_handed = found is not None and found[1].kind == "function" and found[0].opaque
        return is_handed or any(isinstance(to, ast.Attribute) and ast.unparse(to) == name for to in targets)

    def _member(self, node: ast.Name | ast.Attribute, bound: Bound, owner: Scope, depth: int) -> None:
        self._pass(owner)
        if bound.definition is not None:
            self._returned(bound, depth, follows=is_property(bound))
            return
        if bound.annotation is not None and self._flow.names.canonical(bound.annotation, owner) in _MASKED:
            return
        name = node.attr if isinstance(node, ast.Attribute) else node.id
        for validator in self._settings.validators(owner, name):
            self._pass(validator.inner or owner)
        if any(one.rpartition(".")[2] in _MODELS for one in self._flow.origins(owner)):
            self._given(self._settings.keys(owner, name, node))
            self._texts += _texts(value for value, _ in self._settings.defaults(bound))
            return
        values = list(self._settings.defaults(bound))
        for value, inside in values:
            self.follow(value, inside, depth + 1)
        if not values:
            self._leaves.add(Leaf.UNKNOWN)

    def _given(self, keys: Iterable[str]) -> None:
        """A variable of the environment has it."""
        self._leaves.add(Leaf.RAW)
        written = next((one for key in keys if (one := self._settings.by_key(key)) is not None), None)
        self.written += [written] if written is not None else []

    def _read(self, key: ast.expr | None) -> None:
        self._given([key.value] if isinstance(key, ast.Constant) and isinstance(key.value, str) else [])

    def _returned(self, function: Bound, depth: int, *, follows: bool = True) -> None:
        values = self._flow.returns(function) if follows else []
        used = decorators(function.definition) if function.definition is not None else {}
        if not values or "contextmanager" in used:
            self._leaves.add(Leaf.UNKNOWN)
            return
        for value, inside in values:
            self.follow(value, inside, depth + 1)

    def _call(self, node: ast.Call, scope: Scope, depth: int) -> None:
        target = self._flow.names.canonical(node.func, scope) or ""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        function = self._flow.bound(node.func, scope)
        if self._reads_environment(node.func, target, scope):
            self._read(node.args[0] if node.args else None)
            self._texts += _texts((*node.args[1:], *(one.value for one in node.keywords)))
        elif function is not None:
            self._pass(function[1])
            self._returned(function[0], depth, follows=isinstance(function[0].definition, _FUNCTIONS))
        elif target in _MASKED:
            return  # as a text it has `***` for its password
        elif name == "render_as_string":
            shown = next(iter([*node.args, *(one.value for one in node.keywords)]), None)
            self._leaves |= {Leaf.RAW} if isinstance(shown, ast.Constant) and shown.value is False else set()
        elif name in _ENCODING or (name == "build" and target.startswith("pydantic")):
            self._leaves.add(Leaf.RAW)
        elif name in ("format", "join") and receiver is not None:
            self._parts((receiver, *node.args, *(one.value for one in node.keywords)), scope, depth)
        elif name == "cast" and node.args:
            self.follow(node.args[-1], scope, depth + 1)
        elif name in _SAME and receiver is None and len(node.args) == 1:
            self.follow(node.args[0], scope, depth + 1)
        elif name in _SAME_METHODS and receiver is not None and not _is_about_percents(node):
            self.follow(receiver, scope, depth + 1)
        else:
            self._leaves.add(Leaf.UNKNOWN)

    def _is_environment(self, node: ast.expr, scope: Scope) -> bool:
        return self._flow.names.canonical(node, scope) == "os.environ"

    def _reads_environment(self, called: ast.expr, target: str, scope: Scope) -> bool:
        """``os.getenv``, ``os.environ.get``, and what an object of a library reads: ``env.str`` of ``env = Env()``."""
        if target.startswith(_READERS):
            return True
        reader = called.value if isinstance(called, ast.Attribute) else called
        made = [
            (value.func, inside) for value, inside in self._flow.final(reader, scope) if isinstance(value, ast.Call)
        ]
        return any((self._flow.names.canonical(*one) or "").startswith(_READERS[2:]) for one in made)

    def _parameter(self, name: str, where: Scope, depth: int) -> None:
        """What a function's parameter is given where the project calls it."""
        own = where.parent.bindings.get(where.name.rpartition(".")[2]) if where.parent else None
        definition = own.definition if own else None
        if own is None or where.parent is None or not isinstance(definition, _FUNCTIONS):
            self._leaves.add(Leaf.UNKNOWN)
            return
        plain = (*definition.args.posonlyargs, *definition.args.args)
        names = [one.arg for one in plain if one.arg not in ("self", "cls")]
        made = where.parent if definition.name == "__init__" else None
        calls = calls_of(self._flow, own, definition.name, made)
        for node, scope in calls:
            given = next((one.value for one in node.keywords if one.arg == name), None)
            if given is None and name in names and names.index(name) < len(node.args):
                given = node.args[names.index(name)]
            if given is not None:
                self.follow(given, scope, depth + 1)
        if not calls:
            self._leaves.add(Leaf.UNKNOWN)


def _texts(nodes: Iterable[ast.expr]) -> list[str]:
    return [one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def _is_about_percents(node: ast.Call) -> bool:
    return any(isinstance(one, ast.Constant) and one.value == "%" for one in node.args)


def _doubles(source: Source) -> bool:
    """Whether a file has a doubled percent sign as a text, as ``replace`` is given it."""
    return any(isinstance(one, ast.Constant) and one.value == "%%" for one in ast.walk(source.tree))


def _named(node: ast.expr) -> list[str]:
    """Every name in an expression, and every text: ``os.environ["DB_PASSWORD"]``."""
    found = [getattr(one, "attr", getattr(one, "id", getattr(one, "value", ""))) for one in ast.walk(node)]
    return [one for one in found if isinstance(one, str)]
