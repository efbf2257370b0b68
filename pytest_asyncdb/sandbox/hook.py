"""Changes modules right after they execute, and only when the project imports them."""

from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from pytest_asyncdb.sandbox.recorder import Recorder

    Patch = Callable[[Any], None]


class Hook:
    """A finder at the head of ``sys.meta_path`` for the modules that are to be changed.

    Args:
        patches: canonical module name to what changes the executed module.
    """

    def __init__(self, patches: Mapping[str, Patch]) -> None:
        """Take the patches; ``install`` makes them work."""
        self._patches = dict(patches)

    def install(self) -> None:
        """Change what is loaded already, and watch for the rest."""
        for name in [name for name in self._patches if name in sys.modules]:
            self._patches.pop(name)(sys.modules[name])
        sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module that is to be changed, through all other finders."""
        patch = self._patches.get(name)
        if patch is None:
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, patch)  # type: ignore[assignment]  # does all that the import system asks
                return spec
        return None


class _Loader:
    """Stands in for a module's loader until the module has executed."""

    def __init__(self, loader: Any, patch: Patch) -> None:
        self._loader = loader
        self._patch = patch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._patch(module)


def keep_bytecode_out(recorder: Recorder) -> None:
    """Write no bytecode of the project's own files; all others keep their cache."""
    original = SourceFileLoader.set_data

    def set_data(self: SourceFileLoader, path: str, data: Any, **options: Any) -> None:
        if recorder.sources.relative(self.path) is None:
            original(self, path, data, **options)

    SourceFileLoader.set_data = set_data  # type: ignore[method-assign]  # there is no other hook at this step
