"""Found first by Python programs that a sandboxed app starts: puts them under the app's guard before all else."""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slow to load
_PACKAGE = _HERE.rsplit(os.sep, 2)[0]

sys.path[:] = [entry for entry in sys.path if entry != _HERE]
_spec = spec_from_file_location(
    "pytest_asyncdb",
    f"{_PACKAGE}{os.sep}__init__.py",
    submodule_search_locations=[_PACKAGE],
)
try:
    if _spec is None or _spec.loader is None:
        raise ImportError("its files are gone", path=_PACKAGE)  # noqa: TRY301 - told below like any other
    _module = module_from_spec(_spec)
    sys.modules["pytest_asyncdb"] = _module
    _spec.loader.exec_module(_module)
    from pytest_asyncdb.sandbox.offspring import guard

    guard(_HERE)
except BaseException as error:  # noqa: BLE001 - without its guard the program must not run at all
    reason = f"{type(error).__name__}: {error}"
    sys.stderr.write(f"pytest-asyncdb: this program can't be guarded and does not run: {reason}\n")
    os._exit(126)

# The interpreter's own sitecustomize, if there is one, comes next.
del sys.modules["sitecustomize"]
try:
    import sitecustomize  # type: ignore[import-not-found, unused-ignore]  # noqa: F401 - its effects are wanted
except ModuleNotFoundError as error:
    if error.name != "sitecustomize":
        raise
