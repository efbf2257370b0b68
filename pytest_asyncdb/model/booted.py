"""How far a boot came, for checks that need it to have come so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import NotJudgedError
from pytest_asyncdb.model.errors import is_unset_url, same_error
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.interpreter import modules_of_app
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.model.services import missing_service

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.sandbox.record import BootRecord, ErrorRecord, RefusedRecord

_OTHERS = frozenset({"sqlite", "mysql", "mariadb", "oracle", "mssql"})
_WORDS = {"import": "importing the app", "create": "making the app", "startup": "startup"}


def boot_past(facts: Facts, *phases: str) -> BootRecord:
    """The boot, when each of these phases that it has went well; with no phases, any boot.

    Raises:
        NotJudgedError: there was no boot, or it did not come so far.
    """
    boot = facts.boot
    if boot is None:
        raise NotJudgedError(facts.no_boot or "the app was not booted")
    for name in phases:
        phase = boot.phase(name)
        if phase is None and name == "create":
            continue
        if phase is None or not phase.ok:
            raise NotJudgedError(missing_service(boot) or f"{_WORDS.get(name, name)} did not succeed")
    return boot


def boot_on_postgres(facts: Facts, *phases: str) -> BootRecord:
    """The same, of an app that works on the throwaway database.

    Raises:
        NotJudgedError: there was no boot, it did not come so far, or all engines are for other databases, of which
            nobody knows whether they have tables, and which were not taken away.
    """
    boot = boot_past(facts, *phases)
    if others := other_databases(boot):
        raise NotJudgedError(f"the app works on {others}, not on Postgres")
    return boot


def other_databases(boot: BootRecord) -> str:
    """``mysql, sqlite`` when all engines are for databases that are not redirected; else empty."""
    dialects = {one.url.drivername.partition("+")[0] if one.url else "" for one in boot.engines}
    return ", ".join(sorted(dialects)) if dialects <= _OTHERS else ""


def outage_of(facts: Facts) -> BootRecord:
    """The boot of an app that started and whose database was taken away, where that could be done.

    Raises:
        NotJudgedError: it did not come so far, or the app would not have got its database back.
    """
    boot = boot_on_postgres(facts, "import", "create", "startup")
    phase = boot.phase("outage")
    if phase is not None and not boot.outages and not phase.timed_out and (phase.note or not phase.ok):
        raise NotJudgedError(phase.note or "the database could not be taken away")
    return boot


def app_place(facts: Facts) -> Place:
    """The file of the app, when nothing more exact is known."""
    return Place(facts.app.module_path if facts.app and facts.app.module_path else ".")


@dataclass(frozen=True, slots=True)
class FailedImport:
    """A module that raised, the app's own or one that was imported after it."""

    module: str
    path: str
    error: ErrorRecord
    blocks: bool
    """Whether the app needs the module."""
    seen: bool = True
    """Whether the boot saw that; else it follows from the imports in the sources, which may stand in a branch."""

    @property
    def place(self) -> Place:
        """The project's last line of the traceback."""
        return self.error.place or Place(self.path)


def failed_imports(facts: Facts, boot: BootRecord) -> Iterator[FailedImport]:
    """Every module that does not import; the app first.

    An app whose import failed did not come to the imports after that line, so its sources tell what else it needs.
    """
    phase = boot.phase("import")
    needed = modules_of_app(facts) if phase and not phase.ok else set()
    if phase and phase.error:
        path = phase.error.frames[0].path if phase.error.frames else ""
        yield FailedImport(boot.target.partition(":")[0], path, phase.error, blocks=True)
    for one in boot.imports:
        if not one.ok and one.error:
            yield FailedImport(one.module, one.path, one.error, one.by_app or one.module in needed, seen=one.by_app)


def weight(failures: Sequence[FailedImport]) -> tuple[Severity, Confidence]:
    """How bad it is that these modules do not import, and how sure."""
    blocking = [one for one in failures if one.blocks]
    if not blocking:
        return Severity.LATENT, Confidence.CERTAIN
    return Severity.BLOCKS, Confidence.CERTAIN if any(one.seen for one in blocking) else Confidence.LIKELY


def refused_in(boot: BootRecord, *phases: str) -> RefusedRecord | None:
    """The first attempt in these phases to reach something that the sandbox does not let through."""
    return next((refused for refused in boot.refused if refused.phase in phases), None)


def reported_at_engine(facts: Facts, error: ErrorRecord | None) -> bool:
    """Whether an engine of the app failed with the same exception when it was made or tried: that is reported there."""
    for engine in facts.engines:
        seen = engine.seen
        if seen and (same_error(seen.error, error) or (seen.probe and same_error(seen.probe.error, error))):
            return True
    return False


def lacks_its_url(engine: Engine) -> bool:
    """Whether the engine was made during import out of settings that are not set, which is reported as such."""
    seen = engine.seen
    if seen is None or seen.error is None:
        return False
    return seen.phase in {"import", "create"} and is_unset_url(seen.error)


def broken_engine(facts: Facts) -> Engine | None:
    """An engine of the app that could not be made or cannot connect."""
    for engine in facts.engines:
        seen = engine.seen
        if engine.role == "app" and seen and (seen.error or (seen.probe and seen.probe.error)):
            return engine
    return None
