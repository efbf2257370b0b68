"""An engine's URL stands in the source, and the one that the deployment passes is read by nothing.

## What it does
Takes each engine of the app whose URL is a literal in a Python file and looks for a database URL that `.env`, a compose
file or a Dockerfile passes under a name which no module and no configuration file mentions, in any case, with or
without a prefix. Reports the literal. Without such a variable a URL in the source is not reported.

## Root cause
Whoever deploys the app sets the variable and believes that it counts. The app connects to the address in the source,
with the password in the source, on every machine.

## Fix
Read the variable: `os.environ["DATABASE_URL"]`, or a field of a settings class. Or take it out of the deployment.

## Fix safety
No fix is made automatically: the two URLs usually differ, and the app would connect elsewhere.

## Seen on
Python 3.11 to 3.13; no version of any package matters.

## Sources
- https://12factor.net/config
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.urls.drivers import is_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Span

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")

_IN_TEMPLATES = frozenset("{}$%<>")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each literal once, with the first variable that it stands in for."""
    ignored = [one for one in facts.unread_variables if is_postgres(one.scheme)]
    told: set[Span] = set()
    for engine in facts.engines if ignored else ():
        written = _literal(engine)
        if written and written.span not in told:
            told.add(written.span)
            yield CHECK.finding(
                written.span.place,
                f"the engine's URL stands in the source, and nothing reads `{ignored[0].key}` "
                f"of {ignored[0].span.path}:{ignored[0].span.line}",
                root_cause="The app connects to the address in the source whatever the deployment says. Read the "
                f'variable, `os.environ["{ignored[0].key}"]`, or take it out of the deployment.',
                confidence=Confidence.LIKELY,
                evidence=engine.evidence,
            )


def _literal(engine: Engine) -> WrittenUrl | None:
    """The whole URL in the source that the engine has."""
    url = engine.url
    if engine.role != "app" or url is None or url.written is None or not is_postgres(url.scheme):
        return None
    written = url.written
    is_whole = written.host and _IN_TEMPLATES.isdisjoint(written.masked)
    return written if written.kind == "python" and written.role == "app" and is_whole else None
