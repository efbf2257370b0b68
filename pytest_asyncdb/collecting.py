"""Collection in which a hook of the project raised: its tests and the checks once more, apart from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.items import COLLECTOR

if TYPE_CHECKING:
    import pytest

_HOOK = "pytest_collection_modifyitems"


def apart(session: pytest.Session, items: list[pytest.Item], collected: list[pytest.Item]) -> str:
    """Choose among the project's tests with every hook, and among the checks without those of its conftests.

    A conftest may end the run for tests that it does not know, and the checks are such.

    Args:
        session: the run.
        items: what will be run; changed in place.
        collected: what there was before any hook chose.

    Returns:
        Why the project's tests are left out, when its hook raises for them alone too.
    """
    config = session.config
    checks = [item for item in collected if item.get_closest_marker(COLLECTOR)]
    tests = [item for item in collected if item not in checks]
    why = ""
    try:
        config.hook.pytest_collection_modifyitems(session=session, config=config, items=tests)
    except Exception as error:  # noqa: BLE001 - pytest.exit and whatever else a project's hook does
        tests, why = [], _said(error)
    try:
        others = config.pluginmanager.subset_hook_caller(_HOOK, remove_plugins=_conftests(config))
        others(session=session, config=config, items=checks)
    except Exception:  # noqa: BLE001, S110 - a local plugin of the project: then all checks are told
        pass
    items[:] = [*checks, *tests]
    return why


def _conftests(config: pytest.Config) -> list[object]:
    plugins = config.pluginmanager.get_plugins()
    return [one for one in plugins if str(getattr(one, "__file__", "")).endswith("conftest.py")]


def _said(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    first = lines[0].rstrip(":.")
    return f"the project's tests were not run: a hook of its own ended the collection: {type(error).__name__}: {first}"
