"""What the sandbox saw: the vocabulary that the child process speaks to its parent.

Every text in a record has passed the redactor in the child, where it was read, and passes it again in
the parent. Places are relative to the project; a place outside it is ``None``. Times are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record_samples import SampleRecord
from pytest_asyncdb.sandbox.record_values import ErrorRecord, UrlRecord
from pytest_asyncdb.sandbox.watchdog import COMPUTES

__all__ = [
    "BootRecord",
    "ConnectionRecord",
    "EndRecord",
    "EngineRecord",
    "ErrorRecord",
    "FactoryRecord",
    "ImportRecord",
    "LogRecord",
    "MigrationRecord",
    "PhaseRecord",
    "ProbeRecord",
    "RefusedRecord",
    "ResponseRecord",
    "RouteRecord",
    "RouterRecord",
    "SampleRecord",
    "UrlRecord",
]

_FIRST_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """An engine or session factory tried against the throwaway server: ``SELECT 1`` with its own arguments."""

    ok: bool
    seconds: float = 0.0
    error: ErrorRecord | None = None
    skipped: str = ""
    """Why it was not tried, when it was not."""


@dataclass(frozen=True, slots=True)
class EngineRecord:
    """One call that made an engine (or failed to).

    ``function`` is ``sqlalchemy.ext.asyncio.create_async_engine``, ``sqlalchemy.create_engine``,
    ``sqlalchemy.ext.asyncio.AsyncEngine`` (wrapping a sync engine), ``asyncpg.create_pool``, ...
    """

    number: int
    function: str
    is_async: bool
    place: Place | None
    phase: str
    url: UrlRecord | None = None
    url_type: str = "str"
    """Type name of the value that was passed as URL."""
    driver: str | None = None
    """DBAPI driver of the dialect, e.g. ``asyncpg``; None when creation failed."""
    arguments: tuple[tuple[str, str], ...] = ()
    """Keyword arguments with the redacted ``repr`` of each value (connect_args excluded)."""
    connect_args: tuple[tuple[str, str], ...] = ()
    pool_class: str | None = None
    error: ErrorRecord | None = None
    probe: ProbeRecord | None = None
    open_after_shutdown: int = 0
    wraps: int | None = None
    """For AsyncEngine(create_engine(...)): the number of the wrapped engine."""


@dataclass(frozen=True, slots=True)
class FactoryRecord:
    """One session factory: its type, the class it makes, and its options."""

    number: int
    factory: str
    """``sqlalchemy.orm.sessionmaker`` or ``sqlalchemy.ext.asyncio.async_sessionmaker``."""
    session_class: str
    session_is_async: bool
    bind_is_async: bool | None
    """None when unbound."""
    options: tuple[tuple[str, str], ...]
    """Options given by the project, with ``repr`` of each value: ``("expire_on_commit", "False")``."""
    expire_on_commit: bool
    place: Place | None
    phase: str
    probe: ProbeRecord | None = None


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """One attempt of a driver to connect, with the arguments as the project gave them (no password)."""

    driver: str
    phase: str
    host: str
    port: str
    database: str
    user: str
    arguments: tuple[tuple[str, str], ...]
    place: Place | None
    ok: bool
    error: ErrorRecord | None = None
    seconds: float = 0.0
    by_probe: bool = False
    """Made by the sandbox's own SELECT 1, not by the app."""
    notes: tuple[str, ...] = ()
    """What was not passed on as it was given and is therefore not judged: certificates, channel binding, ..."""


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """Something the guard refused: ``kind`` is ``connect``, ``resolve``, ``send`` or ``program``."""

    kind: str
    target: str
    phase: str
    place: Place | None
    count: int = 1


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """A project module that was imported (or not) after the app."""

    module: str
    path: str
    ok: bool
    error: ErrorRecord | None = None
    fresh: bool = False
    """The failure was repeated in a fresh interpreter."""
    by_app: bool = False


@dataclass(frozen=True, slots=True)
class SwallowedRecord:
    """``from source import name`` in ``module`` failed and was caught, although ``source`` has it by now: a circle."""

    module: str
    name: str
    source: str
    place: Place


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """One step: ``import``, ``create``, ``startup``, ``probe``, ``requests``, ``outage``, ``shutdown``, ``modules``."""

    name: str
    ok: bool
    seconds: float
    error: ErrorRecord | None = None
    timed_out: bool = False
    stuck_at: Place | None = None
    """Where the project's code stood when the deadline passed."""
    note: str = ""
    """E.g. ``no lifespan`` or the app's own ``lifespan.startup.failed`` message."""

    @property
    def computes(self) -> bool:
        """Whether it was slow, not stuck, when the deadline passed."""
        return self.timed_out and self.note == COMPUTES


@dataclass(frozen=True, slots=True)
class RouteRecord:
    """One HTTP route as the framework knows it; hidden and mounted ones included."""

    path: str
    methods: tuple[str, ...]
    endpoint: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class RouterRecord:
    """A router object of the project, and whether the app serves any of its routes."""

    place: Place | None
    name: str
    prefix: str
    routes: int
    registered: bool


@dataclass(frozen=True, slots=True)
class ResponseRecord:
    """The answer to one request of the sandbox; ``kind`` is ``health`` or ``auth``."""

    kind: str
    method: str
    path: str
    status: int | None
    body: str = ""
    """First 4,000 characters, redacted."""
    sent: str = ""
    error: ErrorRecord | None = None
    """The exception that the app let escape or logged while answering."""
    timed_out: bool = False
    place: Place | None = None
    """The endpoint's definition."""
    database: str = "up"
    """``up``; for an outage ``down``, ``up again``, or ``restarted``: up, after every connection was cut."""

    @property
    def failed(self) -> bool:
        """Whether there was no answer, or one that says the server is at fault."""
        return self.timed_out or self.status is None or self.status >= _FIRST_SERVER_ERROR


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log record or line of output."""

    phase: str
    source: str
    """``logging``, ``stdout`` or ``stderr``."""
    level: str
    logger: str
    message: str


@dataclass(frozen=True, slots=True)
class EndRecord:
    """How the child ended.

    ``how`` is ``done``, ``exit`` (the project ended the process: SystemExit or os._exit), ``died`` (signal),
    ``deadline`` (killed by the parent or the watchdog).
    """

    how: str
    phase: str
    code: int | None = None
    place: Place | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MigrationRecord:
    """The project's migrations, run before the app was asked anything.

    ``unjudged`` says why nothing can be said of them, ``ended`` how they ended the process, ``refused`` what the
    sandbox did first: ``refused a connection to cache:6379``.
    """

    command: str
    ok: bool = False
    seconds: float = 0.0
    applied: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    unjudged: str = ""
    error: ErrorRecord | None = None
    timed_out: bool = False
    stuck_at: Place | None = None
    ended: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class BootRecord:
    """One boot of the app, whole or as far as it came."""

    target: str
    framework: str | None
    phases: tuple[PhaseRecord, ...]
    end: EndRecord
    engines: tuple[EngineRecord, ...] = ()
    factories: tuple[FactoryRecord, ...] = ()
    connections: tuple[ConnectionRecord, ...] = ()
    refused: tuple[RefusedRecord, ...] = ()
    imports: tuple[ImportRecord, ...] = ()
    swallowed: tuple[SwallowedRecord, ...] = ()
    routes: tuple[RouteRecord, ...] = ()
    routers: tuple[RouterRecord, ...] = ()
    responses: tuple[ResponseRecord, ...] = ()
    outages: tuple[ResponseRecord, ...] = ()
    logs: tuple[LogRecord, ...] = ()
    samples: tuple[SampleRecord, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    """``python`` and the installed versions of the packages that matter."""
    migration: MigrationRecord | None = None

    def phase(self, name: str) -> PhaseRecord | None:
        """The phase of that name, or None when the boot did not come so far."""
        return next((phase for phase in self.phases if phase.name == name), None)

    def passed(self, name: str) -> bool:
        """Whether the phase was reached and went well."""
        phase = self.phase(name)
        return phase is not None and phase.ok
