"""A Python program that the app starts: the same guard and the same redirect."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from pytest_asyncdb.sandbox import native
from pytest_asyncdb.sandbox.control import Address
from pytest_asyncdb.sandbox.guard import Guard, Refusals
from pytest_asyncdb.sandbox.hook import Hook, keep_bytecode_out
from pytest_asyncdb.sandbox.loops import uvloop
from pytest_asyncdb.sandbox.places import Sources
from pytest_asyncdb.sandbox.programs import VARIABLE, Programs
from pytest_asyncdb.sandbox.recorder import Recorder
from pytest_asyncdb.sandbox.redirect import Redirect

if TYPE_CHECKING:
    from pytest_asyncdb.model.serial import Json


def guard(site: str) -> None:
    """Guard this process.

    Args:
        site: directory to take out of ``PYTHONPATH``; programs further down get it from their parent again.

    Raises:
        OSError: the descriptor that the environment names can't be read.
        KeyError: the environment names none.
    """
    told = _told(int(os.environ.pop(VARIABLE)))
    path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry not in ("", site)]
    os.environ["PYTHONPATH"] = os.pathsep.join(path)
    if not path:
        del os.environ["PYTHONPATH"]
    server = Address(told["server"]) if isinstance(told["server"], dict) else None
    recorder = Recorder(int(str(told["events"])), Sources(str(told["root"])))
    recorder.hide(str(one) for one in _list(told["secrets"]))
    recorder.phase = str(told["phase"])
    recorder.is_offspring = True
    refusals = Refusals(recorder)
    programs = Programs(refusals, lambda: told, recorder)
    wall = Guard(refusals, lambda: server)
    wall.ports = frozenset(int(str(one)) for one in _list(told["allow"]))
    wall.watched.update(programs.watched())
    redirect = Redirect(recorder, lambda: server)
    Hook({**redirect.patches(), **native.patches(refusals), **programs.patches(), "uvloop": uvloop}).install()
    keep_bytecode_out(recorder)
    stay_in_group()
    wall.install()


def stay_in_group() -> None:
    """Let no process leave the group that is killed when the check ends."""
    os.setsid = os.setpgrp = lambda: None
    os.setpgid = lambda _pid, _group: None


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _told(descriptor: int) -> dict[str, Json]:
    with open(descriptor, "rb") as pipe:
        told: dict[str, Json] = json.load(pipe)
    return told
