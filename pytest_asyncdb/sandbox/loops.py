"""Keeps uvloop out: it connects in C, past every guard, and the sandbox runs its own loop anyway."""

from __future__ import annotations

from typing import Any


def uvloop(module: Any) -> None:
    """Change ``uvloop`` so that whatever asks it for a loop gets asyncio's own."""
    import asyncio

    def run(main: Any, *, loop_factory: Any = None, debug: bool | None = None, **_options: Any) -> Any:
        del loop_factory
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop, debug=debug) as runner:
            return runner.run(main)

    module.Loop = asyncio.SelectorEventLoop
    module.new_event_loop = asyncio.SelectorEventLoop
    module.install = lambda: None
    module.run = run
