"""The app's sources are written for a later Python than the one that runs pytest.

## What it does
Reports, in one finding, the modules that importing the app leads to and whose syntax the interpreter does not know,
when the project does not say that it runs on this Python: its `requires-python`, classifiers, `.python-version` or
Dockerfile name others, or nothing does. Says which Python the syntax needs.

## Root cause
pytest runs on a Python that the project is not made for. The app does not import here, so nothing that is found about
it in such an environment says much about production. That is no fault of the project, so it is advice; the run ends
with exit status 1 all the same, because the app was not started.

## Fix
Run pytest with the Python that the project is made for. Where the app is meant to run on this one, declare that in
`requires-python`: then the syntax itself is the fault.

## Fix safety
No fix is made automatically: nothing is ever installed.

## Seen on
Python 3.11 to 3.13 with `except A, B:` and template strings of 3.14, 3.11 with type parameters and f-strings of 3.12.

## Sources
- https://peps.python.org/pep-0758/
- https://packaging.python.org/en/latest/guides/writing-pyproject-toml/#python-requirement
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model import interpreter
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.ADVICE, since="0.2")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report all such modules at once, at the first that the app needs."""
    needed, seen = interpreter.modules_of_app(facts), interpreter.refused_at_boot(facts)
    faults = [
        module.fault
        for module in facts.modules
        if module.fault and module.fault.needs and (module.name in needed or module.path in seen)
    ]
    faults = [one for one in faults if not interpreter.knows(facts, one) and interpreter.excuse(facts, one)]
    if faults:
        first = next((one for one in faults if one.place.path in seen), faults[0])
        version = max((one.needs for one in faults), key=lambda needs: int(needs.partition(".")[2]))
        more = f" (in {len(faults)} modules)" if faults[1:] else ""
        yield CHECK.finding(
            first.place,
            f"`{first.place.path}` needs Python {version}, and this is {facts.installed.python}: {first.message}{more}",
            root_cause=_cause(facts),
            evidence=Evidence.BOTH if first.place.path in seen else Evidence.STATIC,
        )


def _cause(facts: Facts) -> str:
    says = next(iter(facts.declared.pythons), None)
    if says is None:
        return (
            "The app does not import on this Python, and no `requires-python` says which Pythons it is made for. "
            "Run pytest with a later one."
        )
    return f"The project asks for {says}, so the app is not made for this Python. Run pytest with one that it admits."
