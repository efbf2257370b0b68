"""A password is percent-encoded for something that takes it as it is.

## What it does
Looks at the user and the password that `URL.create` is given, and `connect` and `create_pool` of asyncpg and psycopg.
Reports those that are a call of `quote` or `quote_plus`. In tests it is advice.

## Root cause
Only the text of a URL has to be encoded: `f"postgresql://{user}:{quote(password, safe='')}@{host}/{name}"`. What takes
the parts one by one takes them as they are; `URL.create` encodes them when it makes a text of them. So `p@ss` arrives
at the server as `p%40ss`: the first password with a special character ends in `password authentication failed`.

## Fix
Hand over the password itself.

## Fix safety
Safe: a password without special characters stays as it is, and any other was refused.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9 with asyncpg 0.31 and 0.32.

## Sources
- https://docs.sqlalchemy.org/en/20/core/engines.html#creating-urls-programmatically
- https://docs.sqlalchemy.org/en/20/core/engines.html#escaping-special-characters-such-as-signs-in-passwords
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.calls import import_read_only_by
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.fix import Fix, RemoveImport, Replace
from pytest_asyncdb.model.place import Span
from pytest_asyncdb.urls import drivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.python import Argument, Call, Expression
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")

_URL = "sqlalchemy.URL.create"
_TAKERS = frozenset({_URL, "asyncpg.connect", "asyncpg.create_pool", "psycopg.connect", "psycopg2.connect"})
_PARTS = frozenset({"username", "user", "password"})
_POSITIONS = (1, 2)
"""Of the user and the password among the arguments of ``URL.create``."""
_MODULE = "urllib.parse"
_ENCODERS = frozenset({f"{_MODULE}.quote", f"{_MODULE}.quote_plus"})
_SHOWN = re.compile(r"[\w.]+(?:\(\)|[\[(][\"']\w+[\"'][\])])?")
"""What tells a password's name and never a password: ``settings.password``, ``os.environ["DB_PASSWORD"]``."""
_NO_ARGUMENT = re.compile(r".*\bfor\b.*|\w+\s*:=.*", re.DOTALL)
"""What can't stand alone where the whole call stands."""


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each argument."""
    for module in facts.modules:
        found = [] if module.role == "generated" else [(call, one) for call in module.calls for one in _encoded(call)]
        for call, one in found:
            is_shown = _is_name(_plain(one)) and "\n" not in one.value.source
            shown = f"`{one.value.source}`" if is_shown else "an encoded password"
            yield CHECK.finding(
                one.span.place,
                f"`{call.target.partition('.')[2]}` gets {shown}, and takes it as it is",
                root_cause="Only in the text of a URL a special character is percent-encoded. Here the password `p@ss` "
                "becomes `p%40ss`, which the server refuses.",
                fixes=_fixes(facts, one, is_alone=len(found) == 1),
                severity=Severity.ADVICE if module.role == "test" else Severity.LATENT,
            )


def _encoded(call: Call) -> Iterator[Argument]:
    """The arguments of a call that are encoded and must not be."""
    if call.target not in _TAKERS:
        return
    given = [call.argument(part) for part in _PARTS]
    if call.target == _URL:
        scheme = call.argument("drivername") or call.positional(0)
        name = scheme.value.literal if scheme else None
        if isinstance(name, str) and not drivers.is_postgres(name):
            return
        given += [call.positional(at) for at in _POSITIONS]
    yield from sorted(
        (one for one in given if one and one.value.call and one.value.call.target in _ENCODERS),
        key=lambda one: one.span.start,
    )


def _plain(argument: Argument) -> Expression | None:
    """What is encoded."""
    plain = argument.value.call.positional(0) if argument.value.call else None
    return plain.value if plain else None


def _is_name(plain: Expression | None) -> bool:
    return plain is not None and not plain.is_literal and _SHOWN.fullmatch(plain.source) is not None


def _fixes(facts: Facts, argument: Argument, *, is_alone: bool) -> tuple[Fix, ...]:
    """Take the call away, and the import of what was called where nothing else needs it."""
    call, plain = argument.value.call, _plain(argument)
    if call is None or plain is None or _NO_ARGUMENT.match(plain.source) or ".encode(" in plain.source:
        return ()
    whole, inner = call.span, plain.span
    before = Span(whole.path, whole.line, whole.column, whole.start, inner.start)
    after = Span(whole.path, inner.line, inner.column, inner.end, whole.end)
    name = call.target.rpartition(".")[2]
    spare = is_alone and import_read_only_by(facts.modules, whole.path, name, 1)
    gone = (RemoveImport(whole.path, _MODULE, name),) if spare else ()
    title = f"Hand over {f'`{plain.source}`' if _is_name(plain) else 'the password itself'}"
    why = "The password is taken as it is; one without special characters stays the same."
    return (Fix(title, (Replace(before, ""), Replace(after, ""), *gone), safe=True, why=why),)
