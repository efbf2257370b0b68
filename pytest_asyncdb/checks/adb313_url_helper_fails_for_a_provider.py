"""The project's own code that makes URLs fails for the URL that a provider hands out.

## What it does
Finds the code between a setting and the URL of an async engine: a settings property or validator, a helper function,
a `replace` at module level. Runs it in the sandbox on URLs as the consoles of Neon, Supabase, RDS, Heroku, Railway,
Render, Fly.io, DigitalOcean, Azure and Cloud SQL show them, has the project make its engine of each, and connects to a
throwaway server with all parameters. One finding a helper says for whom it fails, and why. Code that passes the URL on
unchanged is no helper and not reported, unless it passes on an object of pydantic, which no engine takes.

## Root cause
The helper was written for one provider's URL. Others begin with `postgres://`, which SQLAlchemy does not know, with
`postgresql://`, which means a sync driver, or carry `sslmode` and `channel_binding`, which asyncpg does not take.

## Fix
Have the helper name the driver for `postgres://` and `postgresql://` alike, and translate or drop what the driver does
not take: under asyncpg `sslmode=require` becomes `ssl=require`, and `channel_binding` goes away.

## Fix safety
No fix is made automatically. It is latent where the project's files name the provider, or where a plain `postgresql://`
fails. Elsewhere it is advice, and what fails for a single provider is not told.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9 with asyncpg 0.31, 0.32 and psycopg 3.3.

## Sources
- https://docs.sqlalchemy.org/en/20/core/engines.html#postgresql
- https://magicstack.github.io/asyncpg/current/api/index.html#connection
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.errors import one_line
from pytest_asyncdb.model.finding import Confidence, Evidence, Severity
from pytest_asyncdb.urls.sampled import failures, is_rewritten, refused_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.feeds import UrlHelper, UrlTrial
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place
    from pytest_asyncdb.urls.samples import Sample

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")

_SHOWN = 3


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each helper once."""
    unjudged = ""
    found: set[Place] = set()
    for trial in facts.url_trials:
        kind = refused_object(trial.results) if facts.boot and facts.boot.passed("import") else ""
        changes = is_rewritten(trial.results, trial.helper.request.driver)
        failed = failures(trial.results) if changes else {}
        hinted = any(not facts.hosting.isdisjoint(one.hints) for one in failed) or _fails_plainly(facts, failed)
        if kind or hinted or len({one.family for one in failed if not one.rare}) > 1:
            if trial.helper.place not in found:  # one helper may feed several engines
                yield _of_object(trial.helper, kind) if kind else _finding(trial, failed, hinted=hinted)
            found.add(trial.helper.place)
        elif not any(one.url for one in trial.results):
            reason = one_line(trial.results[0].error) if trial.results else "there was no time to run it"
            unjudged = f"the code at {trial.helper.place} made no engine: {reason}"
    if unjudged and not found:
        raise NotJudgedError(unjudged)


def _fails_plainly(facts: Facts, failed: Mapping[Sample, str]) -> bool:
    """Whether the plainest URL fails, in a project that does not itself write URLs with a driver."""
    named = any(one.driver for one in facts.urls if one.kind in {"env", "env-example", "compose"} and one.role == "app")
    return not named and any(not one.hints for one in failed)


def _finding(trial: UrlTrial, failed: Mapping[Sample, str], *, hinted: bool) -> Finding:
    groups: dict[str, list[str]] = {}
    for sample, reason in failed.items():
        groups.setdefault(reason, []).append(sample.provider)
    reason, names = max(groups.items(), key=lambda one: len(one[1]))
    helper = trial.helper
    tried = f"This code was run on URLs as {len(trial.results)} providers hand them out"
    tried += ", each with its driver named" if helper.request.driver else ""
    told = "; ".join(f"{', '.join(who)}: {why}" for why, who in groups.items())
    return CHECK.finding(
        helper.place,
        f"`{helper.name}` as {_names(names)} fails at the engine of {_short(helper.engine)}: {reason}",
        root_cause=f"{tried}. It fails for {told}.",
        severity=Severity.LATENT if hinted else Severity.ADVICE,
        confidence=Confidence.CERTAIN if hinted else Confidence.LIKELY,
        evidence=Evidence.RUNTIME,
    )


def _of_object(helper: UrlHelper, kind: str) -> Finding:
    return CHECK.finding(
        helper.place,
        f"`{helper.name}`, once it is set, comes to the engine of {_short(helper.engine)} as a `{kind}`",
        root_cause="An engine takes text or SQLAlchemy's `URL` and raises ArgumentError for anything else, so the app "
        "does not start with any value. `str(...)` makes text of it.",
        evidence=Evidence.RUNTIME,
    )


def _short(place: Place) -> str:
    return f"{place.path.rpartition('/')[2]}:{place.line}"


def _names(names: list[str]) -> str:
    """``Heroku and Fly.io hand it out``."""
    shown = names[:_SHOWN]
    if len(names) > _SHOWN:
        return f"{', '.join(shown)} and {len(names) - _SHOWN} more hand it out"
    head, last = shown[:-1], shown[-1]
    return f"{', '.join(head)} and {last} hand it out" if head else f"{last} hands it out"
