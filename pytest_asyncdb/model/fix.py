"""What a check proposes to change. Changes are intents; ``pytest_asyncdb.fixes`` turns them into text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pytest_asyncdb.model.place import Span


@dataclass(frozen=True, slots=True)
class Replace:
    """Put ``text`` in the place of ``span`` (an empty span inserts, an empty text deletes)."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class AddImport:
    """Make ``from module import name`` true at the top level of the Python file ``path``."""

    path: str
    module: str
    name: str


@dataclass(frozen=True, slots=True)
class RemoveImport:
    """Take ``name`` out of ``from module import ...`` in the Python file ``path``.

    The statement goes with its last name.
    """

    path: str
    module: str
    name: str


@dataclass(frozen=True, slots=True)
class AddRequirement:
    """Declare ``requirement`` (PEP 508 text) in the dependency file ``path``, in that file's own style."""

    path: str
    requirement: str


Change: TypeAlias = Replace | AddImport | RemoveImport | AddRequirement


@dataclass(frozen=True, slots=True)
class Fix:
    """An exact repair.

    ``safe`` fixes keep the meaning of everything that worked before and are applied by ``--asyncdb-fix``.
    ``why`` says what the change does, and for an unsafe one what has to be decided by a person.
    """

    title: str
    changes: tuple[Change, ...]
    safe: bool
    why: str = ""


class Proof(StrEnum):
    """How far a fix was proven."""

    PROVEN = "proven"
    FAILED = "failed"
    NOT_RUN = "not-run"
