"""The variables that pytest-env gives the project's tests: the app is examined with them, as its tests run with them.

Only the plugin knows which they are: its settings stand in several files, in several forms, and in files of variables.
So it is asked to do its work before the examination. What it did is taken back afterwards, because its own turn comes,
and a value that is made of an earlier one (`PATH=bin:{PATH}`) would be made twice.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

_PLUGIN = "pytest_env.plugin"
_STAND_IN = re.compile(r"sqlite(?:\+\w+)?:", re.IGNORECASE)


@contextmanager
def as_in_tests(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> Iterator[tuple[str, ...]]:
    """Have the environment of the tests while the block runs; its value tells which names differ, for the notes.

    Args:
        config: before conftests are loaded.
        parser: of the command line.
        args: the command line.
    """
    before = dict(os.environ)
    _ask(config, parser, args)
    changed = _differences(before)
    stand_ins = {name for name in changed if _STAND_IN.match(os.environ.get(name, ""))}
    # Tests on sqlite say nothing of how the app is with Postgres, and what its database is can be read elsewhere.
    _put_back(before, stand_ins)
    try:
        yield tuple(_notes(changed - stand_ins, stand_ins))
    finally:
        _put_back(before, changed)


def _ask(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    manager = config.pluginmanager
    plugins = manager.get_plugins()
    others = [one for one in plugins if getattr(one, "__name__", "") != _PLUGIN]
    if len(others) == len(plugins):
        return
    with suppress(Exception):  # it raises again in its own turn, and pytest tells
        manager.subset_hook_caller("pytest_load_initial_conftests", others)(
            early_config=config, parser=parser, args=args
        )


def _differences(before: Mapping[str, str]) -> set[str]:
    return {name for name in {*before, *os.environ} if before.get(name) != os.environ.get(name)}


def _put_back(before: Mapping[str, str], names: set[str]) -> None:
    for name in names:
        if name in before:
            os.environ[name] = before[name]
        else:
            os.environ.pop(name, None)


def _notes(taken: set[str], stand_ins: set[str]) -> Iterator[str]:
    if taken:
        yield f"the app has variables as pytest-env sets them for the tests: {', '.join(sorted(taken))}"
    if stand_ins:
        yield f"not taken from pytest-env, because it names sqlite: {', '.join(sorted(stand_ins))}"
