"""One declared requirement: from its text and position to a fact."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.dependencies import Requirement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_asyncdb.sources.lines import Lines

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\s*\[[^\]]*\])?")
_CARET = re.compile(r"\^\s*v?(\d+(?:\.\d+)*)(\S*)")
_TILDE = re.compile(r"~\s*v?(\d+(?:\.\d+)*)(\S*)")
_BARE = re.compile(r"v?\d[\w.]*(?:\.\*)?")
_SECOND = 2


def from_text(  # noqa: PLR0913 - what stands there, where, and what it means
    lines: Lines, start: int, text: str, group: str, meaning: str = "", *, style: str = "pep508"
) -> Requirement | None:
    """Describe a requirement that stands at ``start``; None when it is none (a folder, an option).

    Args:
        lines: the file.
        start: offset of the text.
        text: the requirement as it stands in the file.
        group: empty for production.
        meaning: what PEP 508 would say, when the text says it in another way.
        style: how it is written.
    """
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed
    from packaging.utils import canonicalize_name

    try:
        parsed = Parsed(meaning or text)
    except InvalidRequirement:
        return None
    name = _NAME.match(text)
    is_named = name is not None and name[0].startswith(parsed.name)
    return Requirement(
        name=str(canonicalize_name(parsed.name)),
        text=text,
        extras=tuple(sorted(parsed.extras)),
        specifier=str(parsed.specifier),
        marker=str(parsed.marker or ""),
        group=group,
        span=lines.span(start, start + len(text)),
        name_span=lines.span(start, start + (name.end() if name and is_named else len(text))),
        style=style,
    )


def from_table(  # noqa: PLR0913 - one call names every part of a requirement, by keyword
    lines: Lines,
    name: str,
    options: Mapping[str, object],
    *,
    statement: tuple[int, int],
    key: tuple[int, int],
    group: str,
    style: str,
) -> Requirement:
    """Describe ``name = "^1.2"`` or ``name = {version = "^1.2", extras = ["x"]}`` of Poetry and Pipenv."""
    from packaging.utils import canonicalize_name

    extras = options.get("extras", ())
    return Requirement(
        name=str(canonicalize_name(name)),
        text=lines.text[slice(*statement)],
        extras=tuple(sorted(str(one) for one in extras)) if isinstance(extras, list) else (),
        specifier=pep440(str(options.get("version", "*"))),
        marker=_valid_marker(str(options.get("markers", ""))),
        group=group,
        span=lines.span(*statement),
        name_span=lines.span(*key),
        style=style,
    )


def pep440(constraint: str) -> str:
    """Translate Poetry's or Pipenv's constraint to a PEP 440 specifier; empty when it says nothing or can't be said."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if "|" in constraint:
        return ""
    try:
        return str(SpecifierSet(",".join(_clause(one.strip()) for one in constraint.split(",") if one.strip())))
    except InvalidSpecifier:
        return ""


def _clause(clause: str) -> str:
    if clause == "*":
        return ""
    caret, tilde = _CARET.fullmatch(clause), _TILDE.fullmatch(clause)
    if caret:
        parts = [int(part) for part in caret[1].split(".")]
        first = next((index for index, part in enumerate(parts) if part), len(parts) - 1)
        return f">={caret[1]}{caret[2]},<{_next(parts, first)}"
    if tilde and not clause.startswith("~="):
        parts = [int(part) for part in tilde[1].split(".")]
        return f">={tilde[1]}{tilde[2]},<{_next(parts, min(1, len(parts) - 1))}"
    return f"=={clause}" if _BARE.fullmatch(clause) else clause


def _next(parts: list[int], index: int) -> str:
    upper = [*parts[:index], parts[index] + 1]
    return ".".join(str(part) for part in [*upper, *[0] * (_SECOND - len(upper))])


def _valid_marker(marker: str) -> str:
    from packaging.markers import InvalidMarker, Marker

    try:
        return str(Marker(marker)) if marker else ""
    except InvalidMarker:
        return ""
