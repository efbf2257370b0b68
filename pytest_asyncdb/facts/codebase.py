"""The project's Python files by dotted name, parsed when first needed and only once."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.layout import dotted_name, role_of
from pytest_asyncdb.facts.python import SyntaxFault
from pytest_asyncdb.facts.scopes import Reader
from pytest_asyncdb.model.place import Place

if TYPE_CHECKING:
    import ast
    from collections import Counter
    from collections.abc import Collection, Iterator

    from pytest_asyncdb.facts.bindings import RawCall, RawImport, Scope
    from pytest_asyncdb.model.place import Span
    from pytest_asyncdb.sources.lines import Lines
    from pytest_asyncdb.sources.project import Project

_NEEDLES = re.compile(
    rb"asyncpg|psycopg|advanced_alchemy|_engine|sessionmaker|Async(?:Session|Engine)|sqlalchemy[.](?:ext|pool|engine)"
    rb"|sqlmodel[.]ext|Router|include_router|FastAPI|Litestar|Starlette|Quart|Sanic|Blueprint"
)
"""What the imports of a module mention that makes engines, sessions or routes."""
_FURTHER = re.compile(rb"sqlalchemy|sqlmodel|import[ \t]+(?:\*|fastapi|litestar|starlette|quart|sanic)")
"""What those of models and handlers mention: they are read unless there are too many of them."""
_MANY = 500
_SMALL = 600_000
_GENERATED = re.compile(
    rb"@generated\b|(?i:\bgenerated\b[^\n]{0,120}\b(?:do not|don't) (?:edit|modify))"
    rb"|(?i:\b(?:do not|don't) (?:edit|modify)\b[^\n]{0,120}\bgenerated)"
)
_HEADER = 1000
_FILLED_IN = re.compile(rb"\{%|\{\{")


class Source:
    """One parsed file.

    Args:
        lines: its text and positions.
        name: dotted name of the module.
        is_package: whether it is an ``__init__.py``.
        role: ``app``, ``test``, ``migration``, ``script``, ``template`` or ``generated``.
        tree: what ``ast`` made of it.
    """

    def __init__(self, lines: Lines, name: str, *, is_package: bool, role: str, tree: ast.Module) -> None:
        """Read scopes, imports and calls."""
        self.lines = lines
        self.path = lines.path
        self.name = name
        self.is_package = is_package
        self.role = role
        self.tree = tree
        reader = Reader(name, is_package=is_package)
        reader.read(tree)
        self.scope: Scope = reader.scope
        self.imports: list[RawImport] = reader.imports
        self.calls: list[RawCall] = reader.calls
        self.reads: Counter[str] = reader.reads

    def start(self, node: ast.expr | ast.stmt | ast.alias | ast.keyword) -> int:
        """Offset of the node's first character."""
        return self.lines.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.alias | ast.keyword) -> int:
        """Offset behind the node's last character."""
        return self.lines.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def span(self, node: ast.expr | ast.stmt | ast.alias | ast.keyword) -> Span:
        """The node's span in characters."""
        return self.lines.span(self.start(node), self.end(node))

    def segment(self, node: ast.expr | ast.stmt) -> str:
        """The node's text in the file."""
        return self.lines.text[self.start(node) : self.end(node)]


class Codebase:
    """All Python files of the project.

    Args:
        project: the project on disk.
        import_root: folder that the app's modules are imported from, relative to the project (``.`` for itself).
        before: the code of which this is a copy; what was parsed of that is not parsed again.
        changed: paths of the files that differ from it.
    """

    def __init__(
        self,
        project: Project,
        import_root: str = ".",
        before: Codebase | None = None,
        changed: Collection[str] = (),
    ) -> None:
        """Nothing is parsed yet."""
        self._before = before
        self._changed = changed
        self.project = project
        self.import_root = import_root
        self._parsed: dict[str, Source | SyntaxFault] = {}

    @cached_property
    def names(self) -> dict[str, str]:
        """Dotted name of each Python file, by path."""
        read = (*self.project.python_files, *self.project.templates)
        return {path: dotted_name(path, self.import_root) for path in read}

    @cached_property
    def paths(self) -> dict[str, str]:
        """Path by dotted name; a module can also be found by its name from the project's own root."""
        found: dict[str, str] = {}
        under = "" if self.import_root == "." else f"{self.import_root}/"
        for path in sorted(self.names, key=lambda path: not path.startswith(under)):
            found.setdefault(self.names[path], path)
        for path in self.names:
            found.setdefault(dotted_name(path, "."), path)
        return found

    @cached_property
    def roles(self) -> dict[str, str]:
        """Role of each Python file, by path."""
        migrations = {path.rpartition("/")[0] for path in self.project.sources if path.endswith("script.py.mako")}
        roles = {path: role_of(path, migrations) for path in self.project.python_files}
        return roles | dict.fromkeys(self.project.templates, "template")

    def role(self, path: str) -> str:
        """Role of a file that is parsed, its text considered: what a generator wrote or fills in is not the app's."""
        parsed, role = self.parse(path), self.roles[path]
        if isinstance(parsed, Source):
            return parsed.role
        is_template = role == "app" and _FILLED_IN.search(self.project.data(path) or b"")
        return "template" if is_template else role

    @cached_property
    def relevant(self) -> tuple[str, ...]:
        """Paths worth parsing: what has to do with databases or frameworks, and every app module of a small project.

        Where these are more than 500, modules that only use what others make (models, handlers) are parsed when a name
        leads to them, so that memory stays bounded.
        """
        project = self.project
        makers = project.holders(b"create_engine(", b"create_async_engine(")
        first = {path for path in self.names if path in makers or _NEEDLES.search(project.imports(path))}
        further = {path for path in self.names if path not in first and _FURTHER.search(project.imports(path))}
        if self._is_small():
            further.update(path for path in self.names if self.roles[path] in ("app", "script"))
        elif len(first) + len(further) > _MANY:
            further.clear()
        return tuple(path for path in self.names if path in first or path in further)

    def _is_small(self) -> bool:
        size = 0
        for path in self.names:
            if self.roles[path] in ("app", "script"):
                size += self.project.size(path)
                if size > _SMALL:
                    return False
        return True

    def parse(self, path: str) -> Source | SyntaxFault:
        """Parse a file of the project."""
        if path not in self._parsed:
            self._parsed[path] = self._known(path) or self._parse(path)
        return self._parsed[path]

    def _known(self, path: str) -> Source | None:
        """What was parsed of the same file before; of syntax of a later Python the project has to know more."""
        if self._before is None or path in self._changed or self._before.project.newer(path) is not None:
            return None
        parsed = self._before._parsed.get(path)  # noqa: SLF001 - its own class
        return parsed if isinstance(parsed, Source) else None

    def fault(self, path: str) -> SyntaxFault | None:
        """Why the running Python cannot parse a file; also of one whose newer syntax could be read here."""
        parsed, newer = self.parse(path), self.project.newer(path)
        if isinstance(parsed, SyntaxFault) or newer is None:
            return parsed if isinstance(parsed, SyntaxFault) else None
        lines = self.project.lines(path)
        inside = lines.span(*newer.inside) if newer.inside else None
        needs = ".".join(map(str, newer.version))
        return SyntaxFault(lines.span(newer.at, newer.at).place, newer.what, needs, inside)

    def module(self, name: str) -> Source | None:
        """The module of that dotted name, when it is the project's and can be parsed."""
        path = self.paths.get(name)
        parsed = self.parse(path) if path is not None else None
        return parsed if isinstance(parsed, Source) else None

    def sources(self) -> Iterator[Source]:
        """Every relevant file that can be parsed."""
        for path in self.relevant:
            parsed = self.parse(path)
            if isinstance(parsed, Source):
                yield parsed

    def _parse(self, path: str) -> Source | SyntaxFault:
        lines = self.project.lines(path)
        try:
            tree = self.project.tree(path)
        except SyntaxError as error:
            return SyntaxFault(Place(path, error.lineno or 0, error.offset or 0), error.msg)
        except (ValueError, RecursionError, MemoryError) as error:
            return SyntaxFault(Place(path), str(error))
        role = self.roles[path]
        if role == "app" and _GENERATED.search(self.project.data(path) or b"", 0, _HEADER):
            role = "generated"
        is_package = path.endswith("__init__.py")
        return Source(lines, self.names[path], is_package=is_package, role=role, tree=tree)
