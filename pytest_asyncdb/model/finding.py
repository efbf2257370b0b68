"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.model.fix import Fix
    from pytest_asyncdb.model.place import Place


class Severity(StrEnum):
    """How much a fault hurts."""

    BLOCKS = "blocks"
    """The app does not start, or its first database, health or auth request fails."""
    LATENT = "latent"
    """The app starts; the fault shows later, under load, elsewhere or in production."""
    ADVICE = "advice"
    """Works as it is; worth knowing or tidying."""


class Confidence(StrEnum):
    """How sure the finding is."""

    CERTAIN = "certain"
    LIKELY = "likely"


class Evidence(StrEnum):
    """What the finding rests on."""

    STATIC = "static"
    RUNTIME = "runtime"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault at one place.

    ``message`` is one present-tense line, the project's symbols in backticks, without a final full stop;
    ``root_cause`` is a sentence or two saying why.
    """

    id: str
    slug: str
    severity: Severity
    confidence: Confidence
    evidence: Evidence
    place: Place
    message: str
    root_cause: str
    fixes: tuple[Fix, ...] = ()
