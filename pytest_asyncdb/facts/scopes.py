"""What names mean where: the scopes of one file, its imports and its calls, found in a single pass over the tree."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.bindings import Bound, RawCall, RawImport, Scope
from pytest_asyncdb.facts.python import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_asyncdb.facts.bindings import Definition

_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_WORDS = re.compile(r"[A-Za-z_]\w*")


class Reader:
    """Reads one module's tree.

    Args:
        module: dotted name of the module; needed for relative imports.
        is_package: whether it is a package's ``__init__``.
    """

    def __init__(self, module: str, *, is_package: bool) -> None:
        """Start with an empty module scope."""
        self.scope = Scope("module", "", None, module)
        self.imports: list[RawImport] = []
        self.calls: list[RawCall] = []
        self.reads: Counter[str] = Counter()
        self._package = module if is_package else module.rpartition(".")[0]

    def read(self, tree: ast.Module) -> None:
        """Read the whole module."""
        self._block(tree.body, self.scope, Level.MODULE)
        self.calls.sort(key=lambda call: (call.node.lineno, call.node.col_offset, -(call.node.end_col_offset or 0)))

    def _block(self, statements: Iterable[ast.stmt], scope: Scope, level: Level) -> None:
        for statement in statements:
            self._statement(statement, scope, level)

    def _statement(self, node: ast.stmt, scope: Scope, level: Level) -> None:  # noqa: C901, PLR0912 - one branch per kind of statement
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node, scope, level)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, scope, level)
            case ast.ClassDef():
                self._class(node, scope, level)
            case ast.Assign():
                self._assign(node.targets, node.value, scope, level)
            case ast.AnnAssign():
                self._annotation(node.annotation)
                self._assign([node.target], node.value, scope, level, node.annotation)
            case ast.If():
                self._if(node, scope, level)
            case ast.Try() | ast.TryStar():
                self._try(node, scope, level)
            case ast.For() | ast.AsyncFor():
                self._opaque(node.target, scope)
                self._expression(node.iter, scope, level)
                self._block([*node.body, *node.orelse], scope, level)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._expression(item.context_expr, scope, level)
                    if item.optional_vars is not None:
                        self._opaque(item.optional_vars, scope)
                self._block(node.body, scope, level)
            case ast.While():
                self._expression(node.test, scope, level)
                self._block([*node.body, *node.orelse], scope, level)
            case ast.Match():
                self._expression(node.subject, scope, level)
                for case in node.cases:
                    self._block(case.body, scope, level)
            case ast.Global():
                scope.globals.update(node.names)
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self._expression(child, scope, level)

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope, level: Level) -> None:
        for alias in node.names:
            origin: tuple[str, str | None]
            if isinstance(node, ast.Import):
                bound = alias.asname or alias.name.partition(".")[0]
                module, origin = alias.name, (alias.name if alias.asname else bound, None)
            else:
                bound, module = alias.asname or alias.name, self._absolute(node)
                origin = (module, alias.name)
                if alias.name == "*":
                    scope.stars.append(module)
                    self.imports.append(RawImport(node, alias, module, "*", level))
                    continue
            self.imports.append(RawImport(node, alias, module, bound, level))
            self._bound(scope, bound).imported = origin

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self._package.split(".") if self._package else []
        parts = parts[: len(parts) - node.level + 1] if node.level > 1 else parts
        return ".".join([*parts, *([node.module] if node.module else [])])

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, level: Level) -> None:
        self._decorators(node, scope, level)
        arguments = node.args
        parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for default in (*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)):
            self._expression(default, scope, level)
        inner = Scope("function", f"{scope.name}.{node.name}".lstrip("."), scope, scope.module)
        for parameter in (*parameters, *(one for one in (arguments.vararg, arguments.kwarg) if one is not None)):
            inner.bindings[parameter.arg] = Bound(opaque=True, annotation=parameter.annotation)
            self._annotation(parameter.annotation)
        self._annotation(node.returns)
        bound = self._bound(scope, node.name)
        bound.definition, bound.inner = node, inner
        self._block(node.body, inner, Level.FUNCTION if level is not Level.TYPE_CHECKING else level)

    def _class(self, node: ast.ClassDef, scope: Scope, level: Level) -> None:
        self._decorators(node, scope, level)
        for value in (*node.bases, *(keyword.value for keyword in node.keywords)):
            self._expression(value, scope, level)
        inner = Scope("class", f"{scope.name}.{node.name}".lstrip("."), scope, scope.module)
        bound = self._bound(scope, node.name)
        bound.definition, bound.inner = node, inner
        self._block(node.body, inner, level)

    def _decorators(self, node: Definition, scope: Scope, level: Level) -> None:
        for decorator in node.decorator_list:
            self._expression(decorator, scope, level, decorates=node)

    def _assign(
        self, targets: list[ast.expr], value: ast.expr | None, scope: Scope, level: Level, hint: ast.expr | None = None
    ) -> None:
        for target in targets:
            self._target(target, value, scope, hint)
        if value is not None:
            self._expression(value, scope, level, target=targets[-1])

    def _target(self, target: ast.expr, value: ast.expr | None, scope: Scope, hint: ast.expr | None) -> None:
        place: Scope | None = scope
        match target:
            case ast.Name(id=name):
                place = scope.top if name in scope.globals else scope
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                place = scope.owner()
            case ast.Tuple() | ast.List():
                self._opaque(target, scope)
                return
            case _:
                self._expression(target, scope, Level.FUNCTION)
                return
        if place is not None:
            bound = self._bound(place, name)
            bound.annotation = hint or bound.annotation
            if value is not None:
                bound.values.append((value, scope))
            if name == "__all__" and isinstance(value, ast.List | ast.Tuple):
                self.reads.update(str(one.value) for one in value.elts if isinstance(one, ast.Constant))

    def _opaque(self, target: ast.expr, scope: Scope) -> None:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self._bound(scope.top if node.id in scope.globals else scope, node.id).opaque = True
            elif isinstance(node, ast.Name):
                self.reads[node.id] += 1

    def _if(self, node: ast.If, scope: Scope, level: Level) -> None:
        test = node.test
        self._expression(test, scope, level)
        inner = level
        if _last_name(test) == "TYPE_CHECKING":
            inner = Level.TYPE_CHECKING
        elif isinstance(test, ast.Compare) and _last_name(test.left) == "__name__":
            inner = Level.FUNCTION  # never runs when the module is imported
        self._block(node.body, scope, inner)
        self._block(node.orelse, scope, level)

    def _try(self, node: ast.Try | ast.TryStar, scope: Scope, level: Level) -> None:
        guarded = level is Level.MODULE and any(_catches_import_error(handler.type) for handler in node.handlers)
        self._block(node.body, scope, Level.GUARDED if guarded else level)
        for handler in node.handlers:
            if handler.type is not None:
                self._expression(handler.type, scope, level)
            self._block(handler.body, scope, level)
        self._block([*node.orelse, *node.finalbody], scope, level)

    def _annotation(self, node: ast.expr | None) -> None:
        stack: list[ast.AST] = [node] if node is not None else []
        while stack:
            one = stack.pop()
            if isinstance(one, ast.Name):
                self.reads[one.id] += 1
            elif isinstance(one, ast.Constant):
                if isinstance(one.value, str):
                    self.reads.update(_WORDS.findall(one.value))
            else:
                if isinstance(one, ast.Call):  # Annotated[AsyncSession, Depends(get_session)]
                    self.calls.append(RawCall(one, self.scope, Level.MODULE, None))
                stack += _children(one)

    def _expression(
        self,
        root: ast.expr,
        scope: Scope,
        level: Level,
        *,
        target: ast.expr | None = None,
        decorates: Definition | None = None,
    ) -> None:
        stack: list[ast.AST] = [root]
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Name):
                self.reads[node.id] += 1
            elif isinstance(node, ast.Call):
                top = node is root
                self.calls.append(RawCall(node, scope, level, target if top else None, decorates if top else None))
                stack += [*node.keywords[::-1], *node.args[::-1], node.func]
            elif isinstance(node, ast.Attribute):
                stack.append(node.value)
            elif isinstance(node, ast.NamedExpr) and isinstance(node.target, ast.Name):
                self._bound(scope, node.target.id).values.append((node.value, scope))
                stack.append(node.value)
            elif not isinstance(node, ast.Constant | ast.expr_context | ast.operator):
                stack += _children(node)

    def _bound(self, scope: Scope, name: str) -> Bound:
        return scope.bindings.setdefault(name, Bound())


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The same as ``ast.iter_child_nodes``, at half the price."""
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            yield from (one for one in value if isinstance(one, ast.AST))  # the key of `**x` in a dictionary is None
        elif isinstance(value, ast.AST):
            yield value


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def _catches_import_error(node: ast.expr | None) -> bool:
    if node is None:
        return True
    caught: Sequence[ast.expr] = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(_last_name(one) in _IMPORT_ERRORS for one in caught)
