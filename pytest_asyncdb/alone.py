"""Runs that have the checks alone: nothing of the project is loaded, spread over workers or measured for them."""

from __future__ import annotations

import copy
import traceback
import warnings
from typing import TYPE_CHECKING

from pytest_asyncdb.items import COLLECTOR, MARKER

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_OURS = "--asyncdb-"


def only_checks(config: pytest.Config) -> bool:
    """Whether nothing but checks can be selected: their mark was asked for, or nothing but their ids."""
    options = config.known_args_namespace
    named = [str(one) for one in options.file_or_dir]
    return str(options.markexpr or "").strip() == MARKER or (bool(named) and all(map(is_check, named)))


def is_check(argument: str) -> bool:
    """Whether an argument is the printed id of a check, or of all of them."""
    return f"::{COLLECTOR}::" in f"{argument}::"


def leave_conftests(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> tuple[str, ...]:
    """Have pytest do without the project's conftests, and without plugins that judge how its tests went.

    Args:
        config: before conftests are loaded.
        parser: of the command line.
        args: the command line, that of ini file and environment included; changed in place.

    Returns:
        The options that were taken out, since only a conftest can have declared them: pytest would end the run for
        them. Ours that nobody knows are left in: they are spelt wrong.
    """
    config.known_args_namespace.noconftest = True
    if hasattr(config.known_args_namespace, "no_cov"):
        config.known_args_namespace.no_cov = True  # what `--no-cov` of pytest-cov sets
    for key in _unknown_settings(config):
        parser.addini(key, "declared in a conftest that was not loaded")
    _, unknown = parser.parse_known_and_unknown_args(args, copy.copy(config.known_args_namespace))
    left_out = tuple(one for one in unknown if one in args and not one.startswith(_OURS))
    args[:] = [one for one in args if one not in left_out]
    return left_out


def load_no_more(config: pytest.Config) -> None:
    """Have pytest's own loader go by ``noconftest`` from now on; it reads that when it loads the first conftests."""
    manager = config.pluginmanager
    others = [one for one in manager.get_plugins() if one is not manager.get_plugin("pytestconfig")]
    manager.subset_hook_caller("pytest_load_initial_conftests", others)(early_config=config, parser=None, args=[])


def failure(error: BaseException, root: Path) -> str:
    """Which conftest raised what, and where in the project."""
    cause = getattr(error, "cause", error)  # pytest wraps what a conftest raises while it is imported
    frames = [one for one in traceback.extract_tb(cause.__traceback__) if _is_own(one.filename, root)]
    place = f" ({frames[-1].filename.removeprefix(f'{root}/')}:{frames[-1].lineno})" if frames else ""
    conftest = str(getattr(error, "path", "a conftest")).removeprefix(f"{root}/")
    return f"{conftest} could not be loaded: {type(cause).__name__}: {cause}{place}"


def stay_one_process(config: pytest.Config) -> None:
    """Have xdist start no workers, whatever was asked for: before it configures itself."""
    if hasattr(config.option, "dist"):
        config.option.numprocesses, config.option.dist, config.option.tx = 0, "no", []


def ask_for_no_loop_scope() -> None:
    """Keep pytest-asyncio from asking for a setting of asynchronous fixtures, of which none is run."""
    import pytest

    unset = r"The configuration option \"asyncio_default_fixture_loop_scope\" is unset"
    warnings.filterwarnings("ignore", message=unset, category=pytest.PytestDeprecationWarning)


def _unknown_settings(config: pytest.Config) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated in pytest 9, without another way to see which keys there are
        keys = list(getattr(config, "inicfg", ()))
    return [key for key in keys if not _is_declared(config, key)]


def _is_declared(config: pytest.Config, key: str) -> bool:
    try:
        config.getini(key)
    except ValueError:
        return False
    except TypeError:  # declared, and its value is of another type
        return True
    return True


def _is_own(file: str, root: Path) -> bool:
    return file.startswith(f"{root}/") and "site-packages" not in file
