"""How far a boot came, for checks that need it to have come so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import NotJudgedError
from pytest_asyncdb.model.place import Place

if TYPE_CHECKING:
    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.sandbox.record import BootRecord, RefusedRecord

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
            raise NotJudgedError(f"{_WORDS.get(name, name)} did not succeed")
    return boot


def app_place(facts: Facts) -> Place:
    """The file of the app, when nothing more exact is known."""
    return Place(facts.app.module_path if facts.app and facts.app.module_path else ".")


def refused_in(boot: BootRecord, *phases: str) -> RefusedRecord | None:
    """The first attempt in these phases to reach something that the sandbox does not let through."""
    return next((refused for refused in boot.refused if refused.phase in phases), None)
