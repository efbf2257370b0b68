"""Exceptions of the project told as plain values: see ``ErrorRecord``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.sandbox.wanted import wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.places import PlaceJson, Sources

_MESSAGE = 4000
_CAUSES = 20
_INTERPOLATION = "invalid interpolation syntax"


def describe(error: BaseException, sources: Sources) -> dict[str, Json]:
    """Describe an exception; its texts still have to pass the redactor."""
    chain = list(_chain(error))
    frames = list(sources.traceback(error.__traceback__))
    syntax = _syntax_place(error, sources)
    place = syntax or next((frame for one in _by_cause(chain) if (frame := _last(one, sources))), None)
    return {
        "type": type_name(type(error)),
        "message": message(error),
        "place": place,
        "frames": [*frames, *([syntax] if syntax else [])],
        "causes": [[type_name(type(one)), message(one)] for one in chain[1:_CAUSES]],
        "attributes": [[name, value] for name, value in _attributes(chain)],
    }


def type_name(cls: type) -> str:
    """Tell the qualified name of a class; builtins without their module."""
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def message(error: BaseException) -> str:
    """Tell the exception's text, bounded; an exception whose ``__str__`` fails has none."""
    try:
        text = str(error)[:_MESSAGE]
    except Exception:  # noqa: BLE001 - the project's own __str__ may raise anything
        return ""
    # configparser quotes the value, or its rest from the wrong character on: of a URL, the end of its password.
    if type(error).__name__ == "InterpolationSyntaxError":
        return text.partition(", found:")[0]
    return _INTERPOLATION if text.startswith(f"{_INTERPOLATION} in ") else text


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting.extend(one.exceptions)
        following = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if following is not None:
            waiting.append(following)


def _by_cause(chain: list[BaseException]) -> list[BaseException]:
    """Order for looking up the project's last frame: an exception group itself stands in library code."""
    return sorted(chain, key=lambda one: isinstance(one, BaseExceptionGroup))


def _last(error: BaseException, sources: Sources) -> PlaceJson | None:
    last = None
    for last in sources.traceback(error.__traceback__):  # noqa: B007 - the last one is wanted
        pass
    return last


def _syntax_place(error: BaseException, sources: Sources) -> PlaceJson | None:
    if not isinstance(error, SyntaxError) or not error.filename:
        return None
    path = sources.relative(error.filename)
    return {"path": path, "line": error.lineno or 0, "column": error.offset or 0} if path else None


def _attributes(chain: list[BaseException]) -> Iterator[tuple[str, str]]:
    """Facts off the outermost exception that has them, each name once."""
    found: dict[str, str] = {}
    for error in chain:
        for name, value in _own_attributes(error):
            found.setdefault(name, value)
    yield from found.items()


def _own_attributes(error: BaseException) -> Iterator[tuple[str, str]]:
    if isinstance(error, ImportError):
        for name in ("name", "path", "name_from"):
            value = getattr(error, name, None)
            if isinstance(value, str):
                yield name, value
        yield "importer", _module_of(error)
    if isinstance(error, SystemExit):
        yield "code", str(exit_code(error))
    for name in ("sqlstate", "pgcode"):
        value = getattr(error, name, None)
        if isinstance(value, str):
            yield "sqlstate", value
    if type(error).__name__ == "ValidationError" and callable(getattr(error, "errors", None)):
        yield from _pydantic(error)


def _module_of(error: BaseException) -> str:
    """The module whose line raised, which may be none of the project's."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return str(last.tb_frame.f_globals.get("__name__", "")) if last is not None else ""


def _pydantic(error: BaseException) -> Iterator[tuple[str, str]]:
    try:
        faults = error.errors()  # type: ignore[attr-defined]  # pydantic's own method, found by name
        missing = [
            ".".join(map(str, one["loc"])) for one in faults if one["type"] in ("missing", "value_error.missing")
        ]
        invalid = [
            ".".join(map(str, one["loc"])) for one in faults if one["type"] not in ("missing", "value_error.missing")
        ]
        yield "model", str(getattr(error, "title", ""))
    except Exception:  # noqa: BLE001 - another library's ValidationError of the same name
        return
    if missing:
        yield "missing", ",".join(missing)
    if invalid:
        yield "invalid", ",".join(invalid)
    asked = wanted(error)
    if asked:
        yield "settings", asked


def exit_code(error: SystemExit) -> int:
    """Tell the exit status that a SystemExit stands for."""
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1
