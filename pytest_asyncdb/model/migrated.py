"""What is known of the project's migrations, for checks that look at them or at what they should have made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import reported_at_engine
from pytest_asyncdb.model.errors import (
    chain,
    is_certificate_error,
    is_connection_error,
    is_unset_url,
    missing,
    missing_variable,
    same_error,
)

if TYPE_CHECKING:
    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.alembic_options import AlembicOption
    from pytest_asyncdb.model.errors import Missing
    from pytest_asyncdb.sandbox.record import ErrorRecord, MigrationRecord

_EXTENSION = re.compile(
    r"extension \"(?P<name>[\w-]+)\" is not available"
    r"|could not open extension control file \".*?(?P<file>[\w-]+)\.control"
    r"|(?P<library>[\w-]+) (?:must|can only) be loaded via shared_preload_libraries"
)
_UNFILLED = re.compile(r"Could not parse .*URL.*['\"](?P<text>\$\{?\w+\}?|\{\w+\}|<[\w -]+>)['\"]")
_ROLE = re.compile(r"role \"(?P<name>[^\"]+)\" does not exist")
_CAUSES = {
    "MissingGreenlet": "`env.py` uses its engine synchronously, and the URL names an asynchronous driver; "
    "`alembic init -t async` writes an `env.py` that fits.",
    "InterpolationSyntaxError": "The configuration takes `%` for the begin of a placeholder: in a URL it is doubled.",
    "NoSuchModuleError": "The URL of the configuration is the template's, and `env.py` puts no other in its place.",
    "ModuleNotFoundError": "Alembic imports `env.py` and every version script before it does anything.",
}
_INTERPOLATION = "invalid interpolation syntax"
"""How the error begins of an option that is set, rather than read, with a single percent sign."""
_NOT_FOUND = "the project has migrations, and how they are run was not found"


def unmigrated(facts: Facts, wanted: Missing | None = None) -> str:
    """Why a missing table, schema or type may be no fault of the app.

    Empty when no SQL file of the project makes it, and its migrations ran or there are none.
    """
    if wanted and (reason := _made_by_hand(facts, wanted)):
        return reason
    done = facts.boot.migration if facts.boot else None
    if done is None:
        return _not_run(facts)
    if done.ok:
        return ""
    return unjudged(facts, done) or "the project's migrations fail first (ADB601)"


def refused_in_file(facts: Facts, error: ErrorRecord | None) -> bool:
    """Whether Alembic's configuration could not be read because of a percent sign in its URL, which is told there."""
    is_refused = error is not None and error.type.rpartition(".")[2] == "InterpolationSyntaxError"
    return is_refused and facts.migrations is not None and bool(facts.migrations.percents)


def missing_cause(facts: Facts) -> str:
    """Why something is missing, once ``unmigrated`` says nothing."""
    done = facts.boot.migration if facts.boot else None
    if done is not None and done.ok:
        return "The project's migrations ran on the empty database before, and none of them makes it."
    return "Nothing that runs at startup makes it, and the project has no migrations that would."


def failure_cause(error: ErrorRecord | None) -> str:
    """Why migrations fail, by the kind of error."""
    kind = error.type.rpartition(".")[2] if error else ""
    kind = "InterpolationSyntaxError" if error and error.message.startswith(_INTERPOLATION) else kind
    return _CAUSES.get(kind, "The database was empty and healthy; from here on no table is made.")


def unjudged(facts: Facts, done: MigrationRecord) -> str:
    """Why nothing can be said of migrations that did not go through; empty when it can."""
    error = done.error
    if done.ok or done.unjudged or error is None:
        return "" if done.ok else done.unjudged
    if done.refused and is_connection_error(error):
        return f"the migrations fail after the sandbox {done.refused}"
    if is_certificate_error(error):
        return "the throwaway server's certificate is not the one that the migrations verify"
    if (wanted := missing(error)) and (reason := _made_by_hand(facts, wanted)):
        return f"the migrations need {wanted}: {reason}"
    return (
        _at_percent(facts, error)
        or _unset(error)
        or _lacking(error)
        or _of_a_url(facts, error)
        or _same_as_app(facts, error)
    )


def _at_percent(facts: Facts, error: ErrorRecord) -> str:
    """The percent sign that Alembic's configuration refuses, which is told where it comes from."""
    if facts.migrations and refused_in_file(facts, error):
        return f"the `%` in the URL at {facts.migrations.url_place} comes first"
    option = refused_percent(facts, error)
    return f"the `%` that {option.setter}() at {option.call.place} refuses comes first" if option else ""


def refused_percent(facts: Facts, error: ErrorRecord | None) -> AlembicOption | None:
    """The option of Alembic's configuration that could not be set because of a percent sign, which is told there."""
    if error is None or error.place is None or not error.message.startswith(_INTERPOLATION):
        return None
    at = error.place
    found = (one for one in facts.alembic_options if one.call.path == at.path)
    return next((one for one in found if one.call.line <= at.line <= one.last_line), None)


def _made_by_hand(facts: Facts, wanted: Missing) -> str:
    """Where else the project makes it: an image's or a person's script, which nothing says when to run."""
    place = facts.made_by_sql.get((wanted.kind, wanted.name.rpartition(".")[2]))
    return f"{place} makes it, which the throwaway database was not given" if place else ""


def _unset(error: ErrorRecord) -> str:
    """What is not set here, and may be where the migrations run."""
    if match := _UNFILLED.search(error.message):
        return f"the migrations' URL is `{match['text']}`, in whose place nothing is set here: give it by `asyncdb_env`"
    if is_unset_url(error):
        return "the migrations' URL is not set here: give it by `asyncdb_env`"
    variable = missing_variable(error)
    return f"the migrations need `{variable}`, which is not set here: give it by `asyncdb_env`" if variable else ""


def _lacking(error: ErrorRecord) -> str:
    """What the throwaway server does not have, and the real one may have."""
    text = "\n".join(message for _, message in chain(error))
    if match := _EXTENSION.search(text):
        name = match["name"] or match["file"] or match["library"]
        return f"the migrations need `{name}`; `asyncdb_extensions` asks for a server that has this extension"
    if match := _ROLE.search(text):
        return f"the migrations need the role `{match['name']}`, which only the real server has"
    return ""


def _of_a_url(facts: Facts, error: ErrorRecord) -> str:
    """The parameter of a URL that the driver does not take, which is told where the URL is written."""
    names = re.findall(r"'(\w+)'", error.message) if error.type == "TypeError" else ()
    for engine in facts.engines if names else ():
        given = dict(engine.url.parameters) if engine.role == "migration" and engine.url else {}
        if engine.url and (name := next((one for one in names if one in given), "")):
            return f"`{name}` in the URL at {engine.url.parameter_place(name)} comes first"
    return ""


def _same_as_app(facts: Facts, error: ErrorRecord) -> str:
    """Whether the app itself fails in the same way, which is told by another check."""
    boot = facts.boot
    if (wanted := missing(error)) and wanted.kind != "type":
        return ""
    for phase in boot.phases if boot else ():
        if same_error(phase.error, error):
            return f"the migrations fail as the app's {phase.name} does"
    if any(same_error(one.error, error) for one in (boot.imports if boot else ())):
        return "the migrations fail as a module of the app does"
    return "the migrations fail as the app's engine does" if reported_at_engine(facts, error) else ""


def _not_run(facts: Facts) -> str:
    if facts.migrations is not None:
        return "the project's migrations were not run (`asyncdb_migrations`)"
    scripts = (one for one in facts.modules if one.role == "migration" and not one.path.endswith("env.py"))
    return _NOT_FOUND if any(scripts) else ""
