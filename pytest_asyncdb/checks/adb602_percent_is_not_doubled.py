"""A URL is put into Alembic's configuration with its percent signs as they are.

## What it does
Follows what `set_main_option("sqlalchemy.url", ...)` and `set_section_option(...)` are given, in `env.py` and anywhere
else, back to where it comes from. Reports a call whose value comes from a setting, or is put together of parts, where
nothing on the way doubles a `%`. The same for a password that `sqlalchemy.url = ...%(NAME)s...` takes in. It is latent;
it blocks where the migrations, or the startup, were seen to stop there, as they do at a single `%` in the URL of the
configuration itself. In tests it is advice. Not reported: what can't be followed, what a fixture hands to a test, a
file that makes or reads its configuration in a way of its own, and `str()` of a SQLAlchemy URL, which has `***` in its
password's place (ADB314).

## Root cause
The configuration is a `ConfigParser`, which takes `%` for the begin of a placeholder. With the first password that has
a special character, migrations end in `ValueError: invalid interpolation syntax`, and the message shows the password.
In a URL such a character has to be percent-encoded; SQLAlchemy and pydantic do it when they render one.

## Fix
Double it: `config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))`, and each one in `alembic.ini`. Whoever
reads the option gets one back.

## Fix safety
Safe: a value without `%` stays as it is, and one with a single `%` was refused.

## Seen on
Alembic 1.13.0 and 1.20.1, each with SQLAlchemy 2.0.58 and 2.1.9; URLs of pydantic 2.0.3 to 2.14.4.

## Sources
- https://alembic.sqlalchemy.org/en/latest/api/config.html#alembic.config.Config.set_main_option
- https://docs.python.org/3/library/configparser.html#interpolation-of-values
- https://docs.sqlalchemy.org/en/20/core/engines.html#escaping-special-characters-such-as-signs-in-passwords
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Evidence, Severity
from pytest_asyncdb.model.fix import Fix, Replace
from pytest_asyncdb.model.migrated import refused_in_file, refused_percent
from pytest_asyncdb.model.place import Span
from pytest_asyncdb.urls.declared import declares_driver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.alembic_options import AlembicOption
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")

_DOUBLED = '.replace("%", "%%")'
_WHY = "The configuration takes `%` for the begin of a placeholder"
_ONE = "The configuration makes one of two; a value without `%` stays as it is."
_MOST_CHARACTERS = 60


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each call, and the URL of the configuration."""
    has_driver = declares_driver(facts)
    for option in facts.alembic_options:
        if option.is_sqlite and not has_driver:
            continue
        severity, written = _seen(facts, option), option.percent
        refused = f"refused, as in {written.span.path}:{written.span.line}" if written else "refused"
        yield CHECK.finding(
            option.call.place,
            f"{_shown(option)} goes to `{option.setter}` with no `%` doubled: a percent-encoded character is {refused}",
            root_cause=f"{_WHY}, so a password with a special character, percent-encoded in the URL, ends in "
            "`ValueError: invalid interpolation syntax`.",
            fixes=(_fix(option),),
            severity=severity or (Severity.ADVICE if option.role == "test" else Severity.LATENT),
            confidence=Confidence.CERTAIN if severity or option.certain else Confidence.LIKELY,
            evidence=Evidence.BOTH if severity else Evidence.STATIC,
        )
    migrated, found = facts.boot.migration if facts.boot else None, facts.migrations
    if migrated and found and found.url_place and refused_in_file(facts, migrated.error):
        yield CHECK.finding(
            found.url_place,
            "`sqlalchemy.url` has a `%` that is not doubled, which Alembic refuses",
            root_cause=f"{_WHY}: in a URL it is doubled.",
            fixes=(Fix("Double each `%`", tuple(Replace(one, "%%") for one in found.percents), safe=True, why=_ONE),),
            severity=_of_migrations(facts),
            evidence=Evidence.BOTH,
        )


def _seen(facts: Facts, option: AlembicOption) -> Severity | None:
    """How bad it is, when it was seen to stop the migrations or the start."""
    boot = facts.boot
    if boot is None:
        return None
    if any(refused_percent(facts, one.error) == option for one in boot.phases):
        return Severity.BLOCKS
    is_stopped = boot.migration and refused_percent(facts, boot.migration.error) == option
    return _of_migrations(facts) if is_stopped else None


def _of_migrations(facts: Facts) -> Severity:
    return Severity.LATENT if facts.migrations and facts.migrations.creates_all else Severity.BLOCKS


def _shown(option: AlembicOption) -> str:
    return f"`{option.source}`" if 0 < len(option.source) <= _MOST_CHARACTERS else f"the value of `{option.name}`"


def _fix(option: AlembicOption) -> Fix:
    value = option.value
    before = Span(value.path, value.line, value.column, value.start, value.start)
    after = Span(value.path, option.last_line, 0, value.end, value.end)
    around = () if option.is_atom else (Replace(before, "("),)
    changes = (*around, Replace(after, _DOUBLED if option.is_atom else f"){_DOUBLED}"))
    return Fix(f"Append `{_DOUBLED}`", changes, safe=True, why=_ONE)
