"""The shape of a check: identity from its file name, a pure function from facts to findings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_asyncdb.model.finding import Confidence, Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Severity
    from pytest_asyncdb.model.fix import Fix
    from pytest_asyncdb.model.place import Place

    Find = Callable[["Facts"], Iterable[Finding]]

_NAME = re.compile(r"(?:.*\.)?adb(?P<number>\d{3})_(?P<slug>[a-z0-9_]+)$")


class NotJudgedError(Exception):
    """Raised by a check that cannot be judged; its text is the reason shown to the user."""


@dataclass(slots=True)
class Check:
    """A check, declared once at the top of its module as ``CHECK = Check(__name__, ...)``.

    Args:
        module: the module's ``__name__``; ``adb303_libpq_parameter_in_asyncpg_url`` becomes
            id ``ADB303`` and slug ``libpq-parameter-in-asyncpg-url``.
        severity: severity of its findings unless a finding says otherwise.
        since: version of pytest-asyncdb that first had it.
        requires: ids of checks whose finding of severity "blocks" makes this one pointless: it is then skipped.

    Raises:
        ValueError: the module's name does not have the form above.
    """

    module: str
    severity: Severity
    since: str
    requires: tuple[str, ...] = ()
    id: str = field(init=False)
    slug: str = field(init=False)
    _find: Find | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        """Derive id and slug from the module's name."""
        match = _NAME.match(self.module)
        if match is None:
            raise ValueError(f"{self.module!r} is not named adbNNN_what_is_wrong")
        self.id = f"ADB{match['number']}"
        self.slug = match["slug"].replace("_", "-")

    def __call__(self, find: Find) -> Find:
        """Register the function that judges (decorator)."""
        self._find = find
        return find

    @property
    def name(self) -> str:
        """``ADB303-libpq-parameter-in-asyncpg-url``, the name of the pytest item."""
        return f"{self.id}-{self.slug}"

    def run(self, facts: Facts) -> tuple[Finding, ...]:
        """Judge.

        Raises:
            NotJudgedError: the check cannot be judged on these facts.
        """
        if self._find is None:
            raise ValueError(f"{self.id} has no function decorated with CHECK")
        return tuple(self._find(facts))

    def finding(  # noqa: PLR0913 - one call names every part of a finding, by keyword
        self,
        place: Place,
        message: str,
        *,
        root_cause: str,
        fixes: tuple[Fix, ...] = (),
        severity: Severity | None = None,
        confidence: Confidence = Confidence.CERTAIN,
        evidence: Evidence = Evidence.STATIC,
    ) -> Finding:
        """Build a finding of this check."""
        return Finding(
            id=self.id,
            slug=self.slug,
            severity=severity or self.severity,
            confidence=confidence,
            evidence=evidence,
            place=place,
            message=message,
            root_cause=root_cause,
            fixes=fixes,
        )
