"""Importing the app, or one of its modules, ends the process.

## What it does
Imports the app and its modules in a child process and reports the line at which the project ended it: `SystemExit`
(`sys.exit()`, `raise SystemExit`), `os._exit()`, or a crash that a signal reports.

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


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each line that ends the process while something is imported."""
    boot = facts.boot
    if boot is None:
        raise NotJudgedError(facts.no_boot or "the app was not booted")
    skip = {module.path for module in facts.modules if module.role in {"test", "migration"}}
    told: set[Place] = set()
    for place, how, blocks in (*_at_the_end(facts, boot), *_raised(boot)):
        if place in told or place.path in skip:
            continue
        told.add(place)
        yield CHECK.finding(
            place,
            f"importing `{place.path}` ends the process ({how})",
            root_cause="Code at module level runs on every import; a process that ends there takes its importer along.",
            severity=Severity.BLOCKS if blocks else Severity.LATENT,
            evidence=Evidence.RUNTIME,
        )


def _at_the_end(facts: Facts, boot: BootRecord) -> Iterator[tuple[Place, str, bool]]:
    """How the child ended, when the project ended it during an import."""
    end = boot.end
    if end.how not in {"exit", "died"} or end.phase not in {"import", "create", "modules"}:
        return
    path = (facts.app.module_path if facts.app else None) or boot.target.partition(":")[0]
    code = f"exit status {end.code}" if end.code is not None else "no exit status"
    how = code if end.how == "exit" else end.detail or f"killed by a signal, {code}"
    yield end.place or Place(path), " ".join(how.split()), end.phase != "modules"


def _raised(boot: BootRecord) -> Iterator[tuple[Place, str, bool]]:
    """SystemExit, which the sandbox catches and goes on after."""
    phase = boot.phase("import")
    errors = [(phase.error, "", True)] if phase and phase.error else []
    errors += [(one.error, one.path, one.by_app) for one in boot.imports if not one.ok and one.error]
    for error, path, blocks in errors:
        if error.type.rpartition(".")[2] == "SystemExit":
            code = dict(error.attributes).get("code", error.message) or "None"
            yield error.place or Place(path), f"SystemExit, code {code}", blocks
