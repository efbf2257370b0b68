"""Sees every router that the project makes, to tell which ones the app serves nothing of."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_asyncdb.sandbox.routes import starlette, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

    from pytest_asyncdb.sandbox.places import PlaceJson
    from pytest_asyncdb.sandbox.recorder import Recorder
    from pytest_asyncdb.sandbox.routes import Route


class Routers:
    """Patches for the frameworks' routers."""

    def __init__(self, recorder: Recorder) -> None:
        """Start with nothing seen."""
        self._recorder = recorder
        self._seen: list[tuple[Any, PlaceJson]] = []

    def patches(self) -> Mapping[str, Callable[[Any], None]]:
        """Name each module with what changes it."""
        return {"fastapi.routing": lambda module: self._watch(module.APIRouter)}

    def _watch(self, cls: Any) -> None:
        build = cls.__init__

        def __init__(this: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - replaces that method
            build(this, *args, **kwargs)
            with self._recorder.safely():
                self._note(this, sys._getframe(1))  # noqa: SLF001 - the documented way to walk frames

        # FastAPI and other tools read the signature.
        __init__.__wrapped__ = build  # type: ignore[attr-defined]  # a function takes any attribute
        cls.__init__ = __init__

    def _note(self, router: Any, frame: FrameType) -> None:
        while frame.f_back is not None and frame.f_locals.get("self") is router:
            frame = frame.f_back
        # The router of FastAPI() itself, and those that libraries make, are not the project's to register.
        place = self._recorder.place(frame) if self._recorder.sources.relative(frame.f_code.co_filename) else None
        if place is not None:
            self._seen.append((router, place))

    def tell(self, served: list[Route]) -> None:
        """Tell each router and whether the app serves any of its routes."""
        endpoints = {id(route.endpoint) for route in served}
        names = self._names() if self._seen else {}
        for router, place in self._seen:
            own = list(starlette(router.routes, "", 0))
            self._recorder.emit(
                "router",
                place=place,
                name=names.get(id(router), ""),
                prefix=str(getattr(router, "prefix", "")),
                routes=len(own),
                registered=any(id(unwrapped(route.endpoint)) in endpoints for route in own),
            )

    def _names(self) -> dict[int, str]:
        """Find the module-level names of the project's objects."""
        return {
            id(value): f"{module.__name__}.{name}"
            for module in list(sys.modules.values())
            if self._recorder.sources.relative(getattr(module, "__file__", None) or "<none>") is not None
            for name, value in list(vars(module).items())
        }
