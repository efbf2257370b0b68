"""Repeats failed imports, each in a process of its own: an earlier failure may have spoiled the first one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.sandbox.launch import Spawn
    from pytest_asyncdb.sandbox.record import BootRecord, ErrorRecord, ImportRecord
    from pytest_asyncdb.sandbox.request import BootRequest

_AT_ONCE = 2
_MOST = 20


def confirm(request: BootRequest, server: Server | None, record: BootRecord, spawn: Spawn) -> tuple[ImportRecord, ...]:
    """Repeat what failed, each in a child that nothing of the project was imported in.

    A failure at the very place where a fresh interpreter failed already, the app's own import included, is the same
    failure and is not repeated. Where the repetition fails of something else, so does all that had failed alike: the
    first failure had spoiled the process. Beyond twenty different ones the rest stays unconfirmed.
    """
    imported = record.phase("import")
    believed = {_same(imported.error)} if imported is not None and imported.error is not None else set()
    doubtful: dict[object, ImportRecord] = {}
    for one in record.imports:
        if not one.ok and _same(one.error) not in believed:
            doubtful.setdefault(_same(one.error), one)
    chosen = list(doubtful.values())[:_MOST]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        told = pool.map(lambda one: _repeat(request, server, one, spawn), chosen)
        repeated = dict(zip((one.module for one in chosen), told, strict=True))
    believed |= {_same(one.error) for one in repeated.values() if not one.ok}
    instead = {_same(one.error): again.error for one in chosen if not (again := repeated[one.module]).ok}
    return tuple(_settle(one, repeated, believed, instead) for one in record.imports)


def _settle(
    one: ImportRecord,
    repeated: dict[str, ImportRecord],
    believed: set[object],
    instead: dict[object, ErrorRecord | None],
) -> ImportRecord:
    if one.ok or one.module in repeated:
        return repeated.get(one.module, one)
    if _same(one.error) in believed:
        return replace(one, fresh=True)
    return replace(one, error=instead.get(_same(one.error), one.error), fresh=_same(one.error) in instead)


def _same(error: ErrorRecord | None) -> object:
    return None if error is None else (error.type, error.message, error.place)


def _repeat(request: BootRequest, server: Server | None, one: ImportRecord, spawn: Spawn) -> ImportRecord:
    asked = replace(request, target=one.module, factory=False, modules=(), probe=False)
    boot = spawn(asked).boot(asked)
    if server is not None:
        boot.serve(server)
    else:
        boot.no_server("the first boot had none")
    record = boot.result()
    phase = record.phase("import")
    if phase is None or not phase.ok:
        return replace(one, error=(phase.error if phase is not None else None) or one.error, fresh=True)
    return replace(one, ok=True, error=None)
