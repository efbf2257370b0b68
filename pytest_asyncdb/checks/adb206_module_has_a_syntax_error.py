"""A module of the project cannot be parsed by a Python that the project says it runs on.

## What it does
Reports each Python file of the app that the interpreter cannot parse: as blocking when importing the app leads there,
as latent otherwise. Tests, migrations and loose scripts count only when the app imports them. Syntax of a later Python
is told apart from an error, and is a fault only where the project says that it runs on this one (`requires-python`,
Poetry's `python`, classifiers, `.python-version`, a Dockerfile); otherwise the check says which Python is needed.

## Root cause
Python compiles a module before it runs it; the import raises `SyntaxError` and everything that imports the module fails
with it. So does a source whose bytes are not in the encoding that it declares (UTF-8 where it declares none).

## Fix
Correct the line, save the file in UTF-8, run a Python that knows the syntax, or raise `requires-python` to it.

## Fix safety
Safe where an `except` of Python 3.14 only lacks its parentheses: they mean the same on every Python 3. No fix is made
automatically otherwise.

## Seen on
Python 3.11 to 3.13: type parameters (3.12, with defaults 3.13), quotes nested in f-strings (3.12), `except A, B:` and
template strings (3.14), Latin-1 without a declaration.

## Sources
- https://docs.python.org/3/tutorial/errors.html#syntax-errors
- https://peps.python.org/pep-0758/
- https://peps.python.org/pep-0263/
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_asyncdb.model import interpreter
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Confidence, Evidence, Severity
from pytest_asyncdb.model.fix import Fix, Replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.python import Module, SyntaxFault
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each file that cannot be parsed, where it matters and the project is to blame."""
    needed = interpreter.modules_of_app(facts)
    seen = interpreter.refused_at_boot(facts)
    excused: list[str] = []
    told = 0
    for module in facts.modules:
        fault = module.fault
        blocks = module.name in needed or module.path in seen
        if fault is None or not (blocks or module.role == "app") or interpreter.knows(facts, fault):
            continue
        excuse = interpreter.excuse(facts, fault)
        if excuse:
            excused.append(excuse)
            continue
        told += 1
        yield CHECK.finding(
            fault.place,
            _message(facts, module, fault),
            root_cause=_cause(facts, fault),
            fixes=_fixes(fault),
            severity=Severity.BLOCKS if blocks else Severity.LATENT,
            confidence=Confidence.LIKELY if interpreter.is_unsure(facts) else Confidence.CERTAIN,
            evidence=Evidence.BOTH if module.path in seen else Evidence.STATIC,
        )
    if excused and not told:
        raise NotJudgedError(excused[0] + (f" (and {len(excused) - 1} more files)" if excused[1:] else ""))


def _message(facts: Facts, module: Module, fault: SyntaxFault) -> str:
    if fault.needs:
        return f"`{module.name}` needs Python {fault.needs}, and this is {facts.installed.python}: {fault.message}"
    return f"`{module.name}` is not valid Python {facts.installed.python}: {fault.message}".rstrip(". ")


def _cause(facts: Facts, fault: SyntaxFault) -> str:
    cause = "Python compiles a module before it runs it, so every import of this one raises SyntaxError."
    if not fault.needs:
        return cause
    return f"{cause} The project asks for {facts.declared.pythons[0]}, so it is meant to run here."


def _fixes(fault: SyntaxFault) -> tuple[Fix, ...]:
    if fault.inside is None:
        return ()
    start, end = (replace(fault.inside, start=at, end=at) for at in (fault.inside.start, fault.inside.end))
    why = "Parentheses mean the same, and every Python 3 knows them."
    return (Fix("Put the types in parentheses", (Replace(start, "("), Replace(end, ")")), safe=True, why=why),)
