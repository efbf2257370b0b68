"""Facts about how the project is deployed: the database its compose file runs, variables that nobody reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.urls.samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.model.place import Place
    from pytest_asyncdb.sources.project import Project

COMPOSE = re.compile(r"(?:.*/)?(?:docker-)?compose[^/]*\.ya?ml", re.IGNORECASE)
DOCKERFILE = re.compile(r"(?:.*/)?(?:[^/]*[._-])?(?:Dockerfile|Containerfile)(?:[._-][^/]*)?", re.IGNORECASE)
_IMAGE = re.compile(
    r"(?m)^(?P<indent>[ \t]+)image:[ \t]*[\"']?(?:[\w.-]+/)*"
    r"(?:postgres|postgresql|postgis|pgvector|timescaledb|timescaledb-ha)(?=[:@\"'\s])"
)
_SERVICE = re.compile(r"(?m)^(?P<indent>[ \t]+)(?P<name>[\w.-]+):[ \t]*(?:#.*)?$")
_TLS = re.compile(r"\bssl\s*=\s*on\b|ssl_cert_file|ENABLE_TLS|sslmode=verify", re.IGNORECASE)
_CONFIGURATION = (".yaml", ".yml", ".toml", ".ini", ".cfg", ".json", ".conf")
_PASSED = ("env", "compose", "docker")
_FEWEST_WORDS = 2


@dataclass(frozen=True, slots=True)
class ComposeDatabase:
    """A Postgres that a compose file runs; ``tls`` says whether something there gives it a certificate."""

    service: str
    place: Place
    tls: bool


def compose_databases(project: Project) -> Iterator[ComposeDatabase]:
    """Find the services of compose files that run an image of Postgres."""
    for path in project.sources:
        if not COMPOSE.fullmatch(path):
            continue
        text = project.text(path)
        for image in _IMAGE.finditer(text):
            above = [
                one for one in _SERVICE.finditer(text, 0, image.start()) if len(one["indent"]) < len(image["indent"])
            ]
            place = project.lines(path).span(image.start() + len(image["indent"]), image.end()).place
            yield ComposeDatabase(above[-1]["name"] if above else "", place, _TLS.search(text) is not None)


def unread_variables(project: Project, codebase: Codebase, urls: Iterable[WrittenUrl]) -> Iterator[WrittenUrl]:
    """The database URLs that ``.env``, a compose file or a Dockerfile passes under a name that nothing reads.

    A name counts as read when a Python module other than a test has it, or its end, in quotes, as an attribute or as a
    field, or a configuration file mentions it, all in any case: settings classes add prefixes (``APP_DATABASE_URL``). A
    name nested by ``__`` is never called unread.
    """
    files = [path for path, role in codebase.roles.items() if role != "test"]
    files += [path for path in project.sources if path.endswith(_CONFIGURATION) and not COMPOSE.fullmatch(path)]
    texts: list[tuple[str, bytes]] = []
    for url in urls:
        if url.kind not in _PASSED or url.role != "app" or not url.key or "__" in url.key:
            continue
        texts = texts or [(path, project.data(path) or b"") for path in files]
        if not any(_reads(path, text, url.key) for path, text in texts):
            yield url


def hosting_hints(project: Project) -> frozenset[str]:
    """Words of providers that stand in sources, READMEs, configuration and ``.env`` files, or in their names."""
    words = {hint for sample in SAMPLES for hint in sample.hints}
    found: set[str] = set()
    for path in dict.fromkeys((*project.sources, *project.env_files)):
        name = path.rpartition("/")[2].lower()
        if (
            not name.endswith((*_CONFIGURATION, ".md", ".rst", ".sh", ".py"))
            and path not in project.env_files
            and "." in name
        ):
            continue
        data = (project.data(path) or b"").lower() if "lock" not in name else b""
        found |= {word for word in words if word.encode() in data or word in name}
    return frozenset(found)


def _reads(path: str, text: bytes, name: str) -> bool:
    """Whether a file reads a variable, by the whole name or by one of its ends of several words."""
    words = name.split("_")
    ends = ["_".join(words[start:]) for start in range(max(1, len(words) - _FEWEST_WORDS + 1))]
    either = "|".join(map(re.escape, ends)).encode()
    if not path.endswith(".py"):
        return re.search(rb"(?i)(?<![a-z0-9])(?:" + either + rb")(?![a-z0-9_])", text) is not None
    return re.search(rb"(?im)[\"'.](?:" + either + rb")\b|^[ \t]+(?:" + either + rb")[ \t]*[:=]", text) is not None
