"""Frozen dataclasses to JSON values and back, driven by their annotations."""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import StrEnum
from functools import cache
from typing import TypeAlias, TypeVar

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
T = TypeVar("T")


def to_json(value: object) -> Json:
    """Turn a dataclass, tuple or scalar into JSON values.

    Raises:
        TypeError: the value (or one inside it) is of no type that facts are made of.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list | frozenset):
        return [to_json(one) for one in value]
    if isinstance(value, dict):
        return {str(key): to_json(one) for key, one in value.items()}
    raise TypeError(f"{type(value).__name__} has no place in a fact")


def from_json(cls: type[T], data: Json) -> T:
    """Build ``cls`` from what ``to_json`` made of one; unknown keys are ignored, missing ones take their default.

    Raises:
        TypeError: ``data`` does not fit ``cls``.
    """
    if not isinstance(data, dict):
        raise TypeError(f"{cls.__name__} needs an object, not {type(data).__name__}")
    hints = _hints(cls)  # type: ignore[arg-type]  # mypy does not see that a class is hashable
    return cls(**{name: _convert(hint, data[name]) for name, hint in hints.items() if name in data})


@cache
def _hints(cls: object) -> dict[str, object]:
    return typing.get_type_hints(cls)


def _convert(hint: object, data: Json) -> object:  # noqa: PLR0911 - one line per kind of annotation
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if data is None:
            return None
        return _convert(next(a for a in arguments if a is not types.NoneType), data)
    if origin is tuple and isinstance(data, list):
        if len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004 - tuple[X, ...]
            return tuple(_convert(arguments[0], one) for one in data)
        return tuple(_convert(a, one) for a, one in zip(arguments, data, strict=True))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return from_json(hint, data)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(str(data))
    return float(data) if hint is float and isinstance(data, int) else data
