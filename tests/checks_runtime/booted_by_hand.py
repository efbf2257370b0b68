"""Builders of facts: every part that a test does not name is that of a healthy app that booted well."""

from __future__ import annotations

import ast
from types import SimpleNamespace

from pytest_asyncdb.facts.dependencies import Declared, Distribution, Installed, Locked
from pytest_asyncdb.facts.engines import Engine, Pool
from pytest_asyncdb.facts.project import App
from pytest_asyncdb.facts.python import Argument, Call, Expression, Import, Level, Module
from pytest_asyncdb.facts.sessions import SessionFactory
from pytest_asyncdb.model.finding import Evidence
from pytest_asyncdb.model.place import Place, Span
from pytest_asyncdb.sandbox.record import BootRecord, EndRecord, EngineRecord, ErrorRecord, PhaseRecord

PATH = "src/database.py"
APP = App(
    "src.main:app",
    factory=False,
    found_in="src/main.py:1",
    import_root=".",
    cwd=".",
    framework="fastapi",
    module_path="src/main.py",
)
PHASES = ("import", "startup", "probe", "requests", "modules", "shutdown")


def error(type_, message="", *, place=None, causes=()):
    return ErrorRecord(type=type_, message=message, place=place, causes=causes)


def boot(*, end=None, **phases):
    """A boot; a phase given as a PhaseRecord replaces the good one and is the last, other fields pass through."""
    done = []
    for name in PHASES:
        done.append(phases.pop(name, PhaseRecord(name, ok=True, seconds=0.1)))
        if not done[-1].ok:
            break
    end = end or EndRecord(how="done", phase="shutdown")
    return BootRecord(target="src.main:app", framework="fastapi", phases=tuple(done), end=end, **phases)


def failed(name, problem=None, **more):
    return PhaseRecord(name, ok=False, seconds=more.pop("seconds", 0.1), error=problem, **more)


def facts(**given):
    versions = given.pop("versions", {"sqlalchemy": "2.1.9"})
    installed = Installed("3.12", tuple(Distribution(n, v, ()) for n, v in versions.items()), frozenset(versions))
    numbers = versions.get("sqlalchemy", "").split(".")
    defaults = {
        "modules": (),
        "declared": Declared((), (), None),
        "installed": installed,
        "locked": Locked(),
        "urls": (),
        "alembic_options": (),
        "masked_texts": (),
        "engines": (),
        "session_factories": (),
        "refreshes_after_commits": False,
        "held_transactions": (),
        "cycles": (),
        "routers": (),
        "app": App(
            "src.main:app",
            factory=False,
            found_in="src/main.py:1",
            import_root=".",
            cwd=".",
            framework="fastapi",
            module_path="src/main.py",
        ),
        "migrations": None,
        "made_by_sql": {},
        "boot": boot(),
        "no_boot": "",
        "sqlalchemy": lambda: (int(numbers[0]), int(numbers[1])) if len(numbers) > 1 else None,
    }
    assert set(given) <= set(defaults)
    return SimpleNamespace(**{**defaults, **given})


def module_of(text):
    """The module, its one call and what it imports, as the reader of sources would give them."""
    tree = ast.parse(text)
    origins = {}
    imports = []
    reads = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    for node in ast.walk(tree):
        for alias in node.names if isinstance(node, ast.ImportFrom) else ():
            name = alias.asname or alias.name
            origins[name] = f"{node.module}.{alias.name}"
            spans = (_span(text, alias), _span(text, node))
            count = reads.count(name)
            imports.append(Import(node.module, alias.name, name, *spans, Level.MODULE, used=count > 0, reads=count))
    calls = tuple(
        _call(text, node.value, origins, node.targets[0].id)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
    )
    return Module("src.database", PATH, is_package=False, role="app", imports=tuple(imports), calls=calls)


def _call(text, node, origins, name):
    arguments = []
    for one in (*node.args, *node.keywords):
        value = one.value if isinstance(one, ast.keyword) else one
        known = isinstance(value, ast.Constant)
        expression = Expression(
            source=ast.unparse(value),
            span=_span(text, value),
            canonical=origins.get(value.id) if isinstance(value, ast.Name) else None,
            literal=value.value if known else None,
            is_literal=known,
        )
        keyword = (one.arg or "**") if isinstance(one, ast.keyword) else None
        arguments.append(Argument(keyword, _span(text, one), expression))
    target = origins.get(node.func.id, f"src.database.{node.func.id}")
    spans = (_span(text, node.func), _span(text, node))
    return Call(target, *spans, tuple(arguments), f"src.database.{name}", Level.MODULE)


def _span(text, node):
    lines = text.split("\n")

    def offset(line, column):
        in_line = lines[line - 1].encode()[:column].decode()
        return sum(len(one) + 1 for one in lines[: line - 1]) + len(in_line), len(in_line) + 1

    start, column = offset(node.lineno, node.col_offset)
    return Span(PATH, node.lineno, column, start, offset(node.end_lineno, node.end_col_offset)[0])


def factory_of(text, **more):
    """The session factory that the text makes, and its module."""
    module = module_of(text)
    call = next(one for one in module.calls if one.target.endswith("sessionmaker"))
    options = tuple((a.keyword, a.value.source) for a in call.arguments if a.keyword and a.keyword != "**")
    given = call.argument("class_")
    is_async = call.target.endswith("async_sessionmaker") or bool(given and given.value.source == "AsyncSession")
    factory = SessionFactory(
        factory=call.target,
        session_class=given.value.canonical if given else None,
        session_is_async=is_async,
        bind_is_async=more.pop("bind_is_async", True),
        options=options,
        options_known=all(a.keyword != "**" for a in call.arguments),
        place=call.span.place,
        evidence=Evidence.STATIC,
        role=more.pop("role", "app"),
        call=call,
        **more,
    )
    return {"modules": (module,), "session_factories": (factory,)}


def engine(*, role="app", text="", **seen):
    """An engine that the boot saw, made by the call in ``text`` when there is one."""
    module = module_of(text) if text else None
    place = module.calls[0].span.place if module else Place(PATH, 18, 1)
    function = "sqlalchemy.ext.asyncio.create_async_engine"
    record = None
    if seen:
        record = EngineRecord(1, function, is_async=True, place=place, phase=seen.pop("phase", "import"), **seen)
    call = module.calls[0] if module else None
    pool = call.argument("poolclass") if call else None
    return Engine(
        function,
        is_async=True,
        place=place,
        callee=None,
        evidence=Evidence.BOTH,
        url=None,
        role=role,
        call=call,
        options=tuple((a.keyword, a.value.source) for a in call.arguments if a.keyword) if call else (),
        pools=(Pool(pool.value.canonical, pool.value.span),) if pool and pool.value.canonical else (),
        seen=record,
    )
