"""Facts made by hand, for what no example project can show: other versions, other boots."""

from __future__ import annotations

import re
from types import SimpleNamespace

from pytest_asyncdb import registry
from pytest_asyncdb.facts.dependencies import Declared, Distribution, Installed, Locked, Requirement
from pytest_asyncdb.facts.engines import Engine, EngineUrl
from pytest_asyncdb.facts.project import App
from pytest_asyncdb.facts.python import Import, Level, Module
from pytest_asyncdb.facts.urls import UrlParameter, WrittenUrl
from pytest_asyncdb.model.finding import Evidence
from pytest_asyncdb.model.place import Place, Span
from pytest_asyncdb.sandbox.record import BootRecord, EndRecord, ErrorRecord, ImportRecord, PhaseRecord

ASYNC_ENGINE = "sqlalchemy.ext.asyncio.create_async_engine"
SYNC_ENGINE = "sqlalchemy.create_engine"
APP = App(
    "src.main:app",
    factory=False,
    found_in="src/main.py:1",
    import_root=".",
    cwd=".",
    framework="fastapi",
    module_path="src/main.py",
)


def facts(**given):
    """Facts of a project that declares SQLAlchemy with its extra and has one healthy engine, but for what is given."""
    versions = {"sqlalchemy": "2.1.9", "asyncpg": "0.32.0", "greenlet": "3.2.0"} | given.pop("versions", {})
    requirements = given.pop("requirements", ("sqlalchemy[asyncio]", "asyncpg"))
    development = given.pop("development", ())
    reached = given.pop("reached", {re.split(r"[^\w-]", r)[0] for r in requirements} | {"greenlet"})
    declared = [requirement(text, line) for line, text in enumerate(requirements, 1)]
    declared += [requirement(text, line, group="dev") for line, text in enumerate(development, 21)]
    pythons = given.pop("pythons", ())
    parts = {
        "modules": (),
        "declared": Declared(tuple(declared), ("requirements.txt",), "requirements.txt", pythons=pythons),
        "installed": Installed(
            given.pop("python", "3.12"),
            tuple(Distribution(name, version, ()) for name, version in versions.items() if version),
            frozenset(reached),
            tuple(given.pop("brought_by", {}).items()),
            given.pop("conflicts", ()),
        ),
        "locked": Locked(),
        "urls": (),
        "alembic_options": (),
        "masked_texts": (),
        "unread_variables": (),
        "compose_databases": (),
        "url_trials": (),
        "hosting": frozenset(),
        "engines": (),
        "session_factories": (),
        "refreshes_after_commits": False,
        "held_transactions": (),
        "cycles": (),
        "routers": (),
        "app": None,
        "boot": None,
        "no_boot": "not asked for",
    }
    release = tuple(int(part) for part in versions["sqlalchemy"].split(".")[:2])
    return SimpleNamespace(**(parts | given), sqlalchemy=lambda: release)


def find(check_id, given):
    """All findings of one check."""
    return registry.load([check_id])[0].run(given)


def requirement(text, line, group=""):
    """One line of a requirements file; its offset is a thousand a line."""
    name = text.split("[")[0].split(">")[0].split("=")[0].split("<")[0].split(";")[0].strip()
    head = text.split("]")[0] + "]" if "[" in text else name
    extras = tuple(head.partition("[")[2].rstrip("]").split(",")) if "[" in text else ()
    span = Span("requirements.txt", line, 1, line * 1000, line * 1000 + len(text))
    name_span = Span("requirements.txt", line, 1, line * 1000, line * 1000 + len(head))
    rest, _, marker = text[len(head) :].partition(";")
    return Requirement(name, text, extras, rest.strip(), marker.strip(), group, span, name_span)


def written(text, kind="env", line=1, *, tracked=False, placeholder=True):
    """A URL as it stands in ``.env``."""
    scheme, _, rest = text.partition("://")
    address, _, query = rest.partition("?")
    credentials, _, place = address.rpartition("@")
    host, _, database = place.partition("/")
    host, _, port = host.partition(":")
    start = len(text) - len(query)
    parameters = []
    for part in query.split("&") if query else []:
        name, _, value = part.partition("=")
        parameters.append(UrlParameter(name, value, Span(".env", line, start + 1, start, start + len(part))))
        start += len(part) + 1
    at = len(text) - len(query) - 1 if query else len(text)
    return WrittenUrl(
        kind=kind,
        key="DATABASE_URL",
        masked="masked",
        span=Span(".env", line, 1, 0, len(text)),
        scheme=scheme,
        scheme_span=Span(".env", line, 1, 0, len(scheme)),
        username=credentials.partition(":")[0] or None,
        host=host or None,
        port=port or None,
        database=database or None,
        parameters=tuple(parameters),
        query_span=Span(".env", line, at + 1, at, len(text)),
        has_password=":" in credentials,
        password_is_placeholder=placeholder,
        tracked=tracked,
    )


def engine(text="postgresql+asyncpg://u@h/d", *, in_file=True, certain=True, **given):
    """An engine of the app with that URL, written in ``.env`` or put together by code."""
    url = written(text)
    place = Place("src/db.py", 10, 1)
    parts = {
        "function": ASYNC_ENGINE,
        "is_async": True,
        "place": place,
        "callee": Span("src/db.py", 10, 10, 100, 119),
        "evidence": Evidence.STATIC,
        "role": "app",
        "url": EngineUrl(
            url.scheme,
            url.host,
            url.port,
            url.database,
            url.username,
            tuple((p.name, p.value) for p in url.parameters),
            url.span.place if in_file else place,
            certain,
            url if in_file else None,
        ),
    }
    return Engine(**(parts | given))


def apply(text, fixes):
    """The text after all these replacements of it."""
    changes = sorted((c for fix in fixes for c in fix.changes), key=lambda c: c.span.start, reverse=True)
    ends = [c.span.end for c in changes[1:]]
    assert all(end <= c.span.start for end, c in zip(ends, changes, strict=False)), "edits overlap"
    for change in changes:
        text = text[: change.span.start] + change.text + text[change.span.end :]
    return text


def module(name, *imports, role="app", is_package=False, **given):
    """A module with (module, name) imports at its top, one a line, used unless the name starts with ``!``."""
    path = name.replace(".", "/") + (".py" if not is_package else "/__init__.py")
    made = []
    for line, (source, target) in enumerate(imports, 1):
        span = Span(path, line, 6, line * 100, line * 100 + 10)
        plain = target.lstrip("!")
        level, used, reads = given.get("level", Level.MODULE), not target.startswith("!"), given.get("reads", 1)
        made.append(Import(source, plain, plain, span, span, level, used, reads))
    return Module(name, path, is_package, role, tuple(made), given.get("calls", ()), given.get("fault"))


def boot(error=None, *, imports=(), end=None, **phase):
    """A boot whose import of the app ended in that error."""
    phases = (PhaseRecord("import", error is None and not phase, 1.0, error, **phase),)
    return BootRecord("src.main:app", "fastapi", phases, end or EndRecord("done", "shutdown"), imports=tuple(imports))


def error(kind, message, *frames, **attributes):
    """An exception whose traceback passes through these ``path:line`` of the project, outermost first."""
    places = tuple(Place(frame.partition(":")[0], int(frame.partition(":")[2])) for frame in frames)
    return ErrorRecord(kind, message, places[-1] if places else None, places, attributes=tuple(attributes.items()))


def failed(name, failure, *, by_app=False):
    """A module that did not import."""
    return ImportRecord(name, name.replace(".", "/") + ".py", ok=False, error=failure, fresh=True, by_app=by_app)
