"""What a settings class wanted and did not get: the variables of its fields, with the schema of each one's type.

Only looked at when a class of pydantic-settings (or of pydantic 1) has refused its environment: the class itself is in
the traceback, so names, prefixes, aliases and types are those that really count.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_asyncdb.model.serial import Json

_SETTINGS = "BaseSettings"
_MOST = 60
_HINT = 300


def wanted(error: BaseException) -> str:
    """Describe the fields that a pydantic ``ValidationError`` of a settings class names, as JSON.

    Returns:
        A list of ``{"name", "schema", "hint", "missing", "said"}``; empty text when the error is of no settings class.
    """
    cls = _settings_class(error)
    try:
        faults = error.errors()[:_MOST] if cls is not None else []  # type: ignore[attr-defined]  # pydantic's method
        found: dict[str, Json] = {}
        for fault in faults:
            missing = fault["type"] in ("missing", "value_error.missing")
            said = "" if missing else str(fault["msg"])[:_HINT]
            for location in _locations(cls, fault):
                if (one := _describe(cls, location)) is not None:
                    found.setdefault(str(one["name"]), {**one, "missing": missing, "said": said})
        return json.dumps(list(found.values()), default=str) if found else ""
    except Exception:  # noqa: BLE001 - a version or a subclass that is not known: then nobody says what is wanted
        return ""


def _locations(cls: Any, fault: Any) -> list[Sequence[Any]]:
    """Where a fault lies; that of a validator of the whole model lies in the fields that its message names."""
    if any(part for part in fault["loc"] if part != "__root__"):
        return [fault["loc"]]
    fields = getattr(cls, "model_fields", None) or getattr(cls, "__fields__", {})
    words = set(re.findall(r"\w+", fault["msg"]))
    return [(name,) for name in fields if {name, name.upper()} & words]


def _settings_class(error: BaseException) -> Any:
    """The class whose ``__init__`` raised, when it reads the environment."""
    model = getattr(error, "model", None)  # pydantic 1 is compiled and leaves no frames, but tells the class
    trace, found = error.__traceback__, model if _is_settings(model) else None
    while trace is not None:
        local = trace.tb_frame.f_locals
        own = local.get("__pydantic_self__", local.get("self"))
        if _is_settings(type(own)):
            found = type(own)
        trace = trace.tb_next
    return found


def _is_settings(cls: Any) -> bool:
    return any(base.__name__ == _SETTINGS for base in getattr(cls, "__mro__", ()))


def _describe(cls: Any, location: Sequence[Any]) -> dict[str, Json] | None:
    """The variable and the type of the field at a location, which may lie in a nested model."""
    first, *inner = [part for part in location if isinstance(part, str)] or [""]
    fields = getattr(cls, "model_fields", None) or getattr(cls, "__fields__", {})
    name = next((key for key, field in fields.items() if first in (key, *_aliases(field))), None)
    if name is None:
        return None
    field, variable = fields[name], _variable(cls, name, fields[name], first)
    delimiter = _config(cls, "env_nested_delimiter")
    while inner and delimiter:
        nested = next((one for one in _models(field) if inner[0] in one.model_fields), None)
        if nested is None:
            break
        variable += f"{delimiter}{inner[0] if _config(cls, 'case_sensitive') else inner[0].upper()}"
        field = nested.model_fields[inner.pop(0)]
    return {"name": variable, "schema": _schema(cls, name, field), "hint": _hint(field)}


def _aliases(field: Any) -> Iterator[str]:
    for alias in (getattr(field, "validation_alias", None), getattr(field, "alias", None)):
        for one in getattr(alias, "choices", [alias]):
            if isinstance(one, str):
                yield one


def _variable(cls: Any, name: str, field: Any, told: str) -> str:
    """The variable of the environment that the field is read from."""
    extra = getattr(getattr(field, "field_info", None), "extra", {})
    names = sorted(extra.get("env_names", ()))  # pydantic 1: in lower case, unless case matters
    if not names:
        names = [told] if told != name or told in _aliases(field) else [f"{_config(cls, 'env_prefix') or ''}{name}"]
    return str(names[0]) if _config(cls, "case_sensitive") else str(names[0]).upper()


def _config(cls: Any, name: str) -> Any:
    config = getattr(cls, "model_config", None)
    if isinstance(config, dict):
        return config.get(name)
    return getattr(getattr(cls, "__config__", None), name, None)


def _models(field: Any) -> Iterator[Any]:
    waiting = [getattr(field, "annotation", None)]
    while waiting:
        one = waiting.pop()
        if hasattr(one, "model_fields"):
            yield one
        waiting += getattr(one, "__args__", ())


def _schema(cls: Any, name: str, field: Any) -> Json:
    """The JSON schema of the field's type; none where pydantic can't tell."""
    try:
        if hasattr(field, "rebuild_annotation"):
            from pydantic import TypeAdapter

            schema: Json = TypeAdapter(field.rebuild_annotation()).json_schema()
            return schema
        whole = cls.schema(by_alias=False)
        return {**whole["properties"][name], "definitions": whole.get("definitions", {})}
    except Exception:  # noqa: BLE001 - types of the project's own have no schema, and may raise anything
        return {}


def _hint(field: Any) -> str:
    """What the schema does not tell: ``PostgresDsn``, and the schemes that a URL may have."""
    parts = (getattr(field, "outer_type_", None), getattr(field, "annotation", None), getattr(field, "metadata", None))
    try:
        return " ".join(str(one) for one in parts if one is not None)[:_HINT]
    except Exception:  # noqa: BLE001 - the project's own __repr__
        return ""
