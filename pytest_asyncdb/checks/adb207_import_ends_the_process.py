"""Importing the app, or one of its modules, ends the process.

## What it does
Imports the app and its modules in a child process and reports the line at which the project ended it: `SystemExit`
(`sys.exit()`, `raise SystemExit`), `os._exit()`, or a crash that a signal reports. What the app logged or printed last
before it ended is quoted.

## Root cause
Code at module level runs whenever the module is imported: by the server, by a worker, by every test run. A process that
ends there takes the importer with it, mostly without a traceback.

## Fix
Put the code under `if __name__ == "__main__":`, or raise an exception that says what is wrong.

## Fix safety
No fix is made automatically: what the line guards against has to be handled elsewhere.

## Seen on
Python 3.11 to 3.13.

## Sources
- https://docs.python.org/3/library/__main__.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import BootRecord

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_QUOTED = 300
"""As many characters are quoted of what was said before the end."""


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each line that ends the process while something is imported."""
    boot = facts.boot
    if boot is None:
        raise NotJudgedError(facts.no_boot or "the app was not booted")
    skip = {module.path for module in facts.modules if module.role in {"test", "migration"}}
    told: set[Place] = set()
    for place, how, phase, blocks in (*_at_the_end(facts, boot), *_raised(boot)):
        if place in told or place.path in skip:
            continue
        told.add(place)
        yield CHECK.finding(
            place,
            f"importing `{place.path}` ends the process ({how})",
            root_cause="Code at module level runs on every import; a process that ends there takes its importer along."
            + _last_words(boot, phase),
            severity=Severity.BLOCKS if blocks else Severity.LATENT,
            evidence=Evidence.RUNTIME,
        )


def _last_words(boot: BootRecord, phase: str) -> str:
    """What was printed or logged last in a phase in which nothing but the app is imported; a crash prints its own."""
    if phase not in {"import", "create"} or boot.end.how == "died":
        return ""
    said = [log for log in boot.logs if log.phase == phase and log.message.strip()]
    printed = [" ".join(log.message.split()) for log in said if log.source != "logging"][-1:]
    logged = [" ".join(log.message.split()) for log in said if log.source == "logging"][-1:]
    # A handler prints what is logged, with the time and the like before it.
    last = logged if logged and (not printed or logged[0] in printed[0]) else printed
    return f" The last it says before that: {last[0][:_QUOTED]}" if last else ""


def _at_the_end(facts: Facts, boot: BootRecord) -> Iterator[tuple[Place, str, str, bool]]:
    """How the child ended, when the project ended it during an import."""
    end = boot.end
    if end.how not in {"exit", "died"} or end.phase not in {"import", "create", "modules"}:
        return
    path = (facts.app.module_path if facts.app else None) or boot.target.partition(":")[0]
    code = f"exit status {end.code}" if end.code is not None else "no exit status"
    how = code if end.how == "exit" else end.detail or f"killed by a signal, {code}"
    yield end.place or Place(path), " ".join(how.split()), end.phase, end.phase != "modules"


def _raised(boot: BootRecord) -> Iterator[tuple[Place, str, str, bool]]:
    """SystemExit, which the sandbox catches and goes on after."""
    phase = boot.phase("import")
    errors = [(phase.error, "", "import", True)] if phase and phase.error else []
    errors += [(one.error, one.path, "modules", one.by_app) for one in boot.imports if not one.ok and one.error]
    for error, path, when, blocks in errors:
        if error.type.rpartition(".")[2] == "SystemExit":
            code = dict(error.attributes).get("code", error.message) or "None"
            yield error.place or Place(path), f"SystemExit, code {code}", when, blocks
