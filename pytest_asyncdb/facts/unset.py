"""What a boot says is not set: the variables of the environment that it stopped for."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.instead import on_postgres
from pytest_asyncdb.facts.reads import reads, tested_at
from pytest_asyncdb.facts.values import Wanted
from pytest_asyncdb.model.errors import chain, is_unset_url, missing_variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts.reads import Read
    from pytest_asyncdb.sandbox.record import BootRecord, ErrorRecord
    from pytest_asyncdb.sources.project import Project

_SAID = (
    re.compile(r"[Ee]nvironment variable [\"'`]?(?P<name>\w+)[\"'`]?:? (?:is )?not set"),
    re.compile(r"Set the (?P<name>\w+) environment variable"),
    re.compile(r"^(?P<name>\w+) not found\. Declare it as envvar"),
    re.compile(r"[\"'](?P<name>\w+)[\"']: \[[\"']Environment variable not set"),
)
_NAME = re.compile(r"\b[A-Z][A-Z0-9_]+\b")
_ABSENT = re.compile(
    r"not (?:be )?(?:set|found|configured|defined|provided|given|empty|None)|missing|required|must (?:be|set)|undefined"
    r"|environment variable|unset|is (?:None|empty)",
    re.IGNORECASE,
)
_NONE = re.compile(r"NoneType|: 'None'|got None|int\(\) .*: ''")
_OTHERWISE = ("ValidationError", "ImportError", "ModuleNotFoundError", "SyntaxError")
_DATABASE = re.compile(r"(?i)database|postgres|(?:^|_)(?:db|pg|sql)|_dsn$")


def unset(project: Project, record: BootRecord) -> tuple[Wanted, ...]:
    """Tell the variables that the boot stopped for, and those that modules read besides in the same way.

    Those of a database also where it started without any engine, or works on sqlite and could on Postgres.

    Args:
        project: the tree that was booted.
        record: what the boot saw.
    """
    found: dict[str, Wanted] = {}
    for error in _errors(record):
        for one in (*_by_pydantic(error), *_by_name(project, error)):
            found.setdefault(one.name.upper(), one)
    if not found and record.passed("startup") and not record.engines:
        # An app that does without a database when none is named would be judged without one.
        optional = (read.wanted for read in reads(project) if not read.required)
        found = {one.name: one for one in optional if _DATABASE.search(one.name)}
    return tuple(found.values()) or on_postgres(project, record)


def _errors(record: BootRecord) -> Iterator[ErrorRecord]:
    """What stopped the app, then its migrations, the modules that were imported after it, and its requests."""
    for phase in record.phases:
        if phase.name in {"import", "create", "startup"} and phase.error:
            yield phase.error
    if record.migration and record.migration.error:
        yield record.migration.error
    for engine in record.engines:
        if engine.error and is_unset_url(engine.error):
            yield engine.error
    yield from (one.error for one in record.imports if one.error)
    yield from (one.error for one in record.responses if one.error)  # of settings that a request is the first to read


def _by_pydantic(error: ErrorRecord) -> Iterator[Wanted]:
    told = dict(error.attributes).get("settings", "")
    try:
        fields = json.loads(told) if told else []
    except ValueError:  # something in it was taken for a secret
        return
    for one in fields:
        said = str(one.get("said", ""))
        yield Wanted(str(one["name"]), one["schema"], str(one["hint"]), refused=not one["missing"], said=said)


def _by_name(project: Project, error: ErrorRecord) -> Iterator[Wanted]:
    told = list(dict.fromkeys((*_names(error), *_tested(project, error))))
    none = is_unset_url(error) or any(_NONE.search(message) for _, message in chain(error))
    if not told and not none:
        return
    known = reads(project)
    by_name = {read.wanted.name: read.wanted for read in known}
    told = [name for name in told if "_" in name or name in by_name]  # a word in capitals alone may be any
    if not told and not none:
        return
    yield from (by_name.get(name, Wanted(name)) for name in told)
    near = {frame.path for frame in error.frames}
    yield from (read.wanted for read in known if read.required or (none and _is_near(read, near)))


def _names(error: ErrorRecord) -> Iterator[str]:
    """The variables that an exception names."""
    variable = missing_variable(error)
    if variable:
        yield variable
    for kind, message in chain(error):
        told = [match["name"] for pattern in _SAID for match in pattern.finditer(message)]
        yield from told
        if not told and not kind.endswith(_OTHERWISE) and _ABSENT.search(message):
            yield from _NAME.findall(message)


def _tested(project: Project, error: ErrorRecord) -> Iterator[str]:
    """The variables for which the project's own code raised, whatever it says about them."""
    if error.place is None or error.type.endswith(_OTHERWISE):
        return
    names, depends = tested_at(project, error.place)
    yield from names
    if depends and not names:  # read by a name that is computed
        yield from _NAME.findall(error.message)


def _is_near(read: Read, paths: set[str]) -> bool:
    """Whether a variable that is ``None`` can be what failed: read in a file of the traceback, or the database's."""
    return read.path in paths or _DATABASE.search(read.wanted.name) is not None
