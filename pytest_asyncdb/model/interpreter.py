"""What the app's interpreter can parse, what the project asks for, and which modules the app needs."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.python import SyntaxFault

_GONE = frozenset(
    {
        "asynchat", "asyncore", "binhex", "cgi", "cgitb", "crypt", "distutils", "formatter", "imghdr", "imp", "lib2to3",
        "mailcap", "msilib", "nis", "nntplib", "pipes", "smtpd", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib",
    }
)  # fmt: skip
"""Modules that a Python 3 before this one brought along."""
_LATEST = 14
"""The latest Python 3 whose new syntax is told from an error."""


def knows(facts: Facts, fault: SyntaxFault) -> bool:
    """Whether the app's interpreter knows the syntax, which may be a later one than that which reads the sources."""
    return bool(fault.needs) and _release(facts.installed.python) >= _release(fault.needs)


def has(module: str) -> bool:
    """Whether some Python 3 brings a top-level module along."""
    return module in sys.stdlib_module_names or module in _GONE


def excuse(facts: Facts, fault: SyntaxFault) -> str:
    """Why the environment is to blame and not the project; empty when it is the project."""
    says = next(iter(facts.declared.pythons), None)
    if not fault.needs and (says is None or any(says.admits(f"3.{minor}") for minor in range(_LATEST + 1))):
        return ""
    if says is not None and says.admits(facts.installed.python):
        return ""
    needs = f"is written for Python {fault.needs}" if fault.needs else "can't be parsed"
    because = f"the project asks for {says}" if says is not None else "the project does not say that it runs on that"
    return (
        f"`{fault.place.path}` {needs} ({fault.message} in line {fault.place.line}), this is Python "
        f"{facts.installed.python}, and {because}: run pytest with the Python that the project is made for"
    )


def of_another_project(facts: Facts) -> str:
    """Why an import that fails here says nothing: the project is not made for this Python; empty when it is."""
    says = next(iter(facts.declared.pythons), None)
    here = facts.installed.python
    minor = ".".join(here.split(".")[:2])
    if says is None or any(says.admits(one) for one in (here, *(f"{minor}.{patch}" for patch in range(30)))):
        return ""
    return f"this is Python {here}, and the project asks for {says}: run pytest with a Python that it admits"


def is_unsure(facts: Facts) -> bool:
    """Whether another Python than the app's parsed the sources, or the project says two things."""
    says = [one.admits(facts.installed.python) for one in facts.declared.pythons]
    return _release(facts.installed.python)[:2] != sys.version_info[:2] or False in says


def _release(version: str) -> tuple[int, ...]:
    """``3.14.0rc1`` as numbers: what comes after the release decides nothing here."""
    return tuple(int(one) for one in re.findall(r"\d+", version.partition("+")[0])[:3])


def modules_of_app(facts: Facts) -> set[str]:
    """Names of the modules that module-level imports lead to, from the app on."""
    if facts.app is None:
        return set()
    modules = {module.name: module for module in facts.modules}
    reached: set[str] = set()
    waiting = [facts.app.target.partition(":")[0]]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in modules:
            continue
        reached.add(name)
        parts = name.split(".")
        waiting += [".".join(parts[:end]) for end in range(1, len(parts))]
        for one in modules[name].imports:
            if one.level == "module":
                waiting += [one.module, f"{one.module}.{one.name}"]
    return reached


def refused_at_boot(facts: Facts) -> set[str]:
    """Files at which the import of the app ended in a SyntaxError."""
    phase = facts.boot.phase("import") if facts.boot else None
    if phase is None or phase.error is None or not phase.error.type.endswith(("SyntaxError", "IndentationError")):
        return set()
    return {phase.error.place.path} if phase.error.place else set()
