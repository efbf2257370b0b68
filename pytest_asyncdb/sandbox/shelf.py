"""Modules that are loaded and put away: they are there again when they are imported, and not before."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType


class Shelf:
    """A finder at the head of ``sys.meta_path``, and the loader of what it finds.

    Args:
        names: top-level packages to put away, as far as they are loaded; what is in them is out of reach without them.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """Put them away."""
        self._kept = {name: sys.modules.pop(name) for name in names if name in sys.modules}
        self._specs: dict[str, ModuleSpec | None] = {}
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: object = None) -> ModuleSpec | None:
        """Find a package that lies here."""
        return ModuleSpec(name, self) if name in self._kept else None  # type: ignore[arg-type]  # as above

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Take it from the shelf."""
        module = self._kept.pop(spec.name)
        self._specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It has been executed; what the import system wrote into it is what was there before."""
        module.__spec__ = self._specs.pop(module.__name__)
