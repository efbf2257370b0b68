"""What SQL files of the project make in a database: scripts of its image, a dump, steps of another migration tool."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.model.place import Place
    from pytest_asyncdb.sources.project import Project

_NAME = r"(?:\"[^\"]+\"|\w+)"
_CREATE = re.compile(
    r"--[^\n]*|/\*.*?\*/|"  # comments, which make nothing
    r"\bCREATE\s+(?:OR\s+REPLACE\s+|UNLOGGED\s+|FOREIGN\s+|MATERIALIZED\s+)*"
    r"(?P<kind>SCHEMA|TABLE|VIEW|SEQUENCE|TYPE|DOMAIN|EXTENSION)\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    rf"(?:{_NAME}\s*\.\s*)?(?P<name>{_NAME})",
    re.IGNORECASE | re.DOTALL,
)
_KINDS = {"VIEW": "table", "SEQUENCE": "table", "DOMAIN": "type", "EXTENSION": "type"}
"""As Postgres calls them where they are missing; an extension brings a type that most often has its name."""


def made_by_sql(project: Project) -> dict[tuple[str, str], Place]:
    """Where a SQL file makes a ``schema``, ``table`` or ``type``, by that word and its name without the schema."""
    made: dict[tuple[str, str], Place] = {}
    for path in project.sources:
        if path.lower().endswith(".sql"):
            text, lines = project.text(path), project.lines(path)
            for match in filter(itemgetter("kind"), _CREATE.finditer(text)):
                kind = _KINDS.get(match["kind"].upper(), match["kind"].lower())
                name = match["name"].strip('"') if match["name"].startswith('"') else match["name"].lower()
                made.setdefault((kind, name), lines.span(match.start("name"), match.end("name")).place)
    return made
