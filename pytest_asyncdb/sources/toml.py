"""Where the values of a TOML file stand. ``tomllib`` says what they are; this says at which characters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"\"(?P<basic>(?:[^\"\\\n]|\\.)*)\"|'(?P<literal>[^'\n]*)'|(?P<bare>[A-Za-z0-9_-]+)")
_STRING = re.compile(
    r'"""(?P<ml_basic>(?:[^"\\]|\\.|"(?!""))*"{0,2})"""'
    r"|'''(?P<ml_literal>(?:[^']|'(?!''))*'{0,2})'''"
    r'|"(?P<basic>(?:[^"\\\n]|\\.)*)"'
    r"|'(?P<literal>[^'\n]*)'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^\s,\]}#][^,\]}#\n]*")


@dataclass(frozen=True, slots=True)
class Value:
    """A value that is no table or array.

    ``start`` and ``end`` enclose it without quotes; ``statement`` encloses the whole ``key = value`` it belongs to,
    ``key`` that statement's last key.
    """

    path: Path
    text: str
    start: int
    end: int
    statement: tuple[int, int]
    key: tuple[int, int]
    is_string: bool


def values(text: str) -> tuple[Value, ...]:
    """Locate every string, number, boolean and date of a TOML document.

    Args:
        text: a valid document, line endings untouched.

    Raises:
        ValueError: the document cannot be followed.
    """
    return tuple(_Scanner(text).document())


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: list[Value] = []
        self._arrays: dict[Path, int] = {}
        self._key = (0, 0)

    def document(self) -> list[Value]:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            table = self._header() if self._text[self._at] == "[" else self._pair(table)
            self._skip(_BLANK)
        return self._found

    def _header(self) -> Path:
        double = self._text.startswith("[[", self._at)
        self._at += 2 if double else 1
        path = self._keys()
        self._expect("]]" if double else "]")
        if double:
            self._arrays[path] = self._arrays.get(path, -1) + 1
            return (*path, self._arrays[path])
        return path

    def _pair(self, table: Path) -> Path:
        start, count = self._at, len(self._found)
        path = (*table, *self._keys())
        key = self._key
        self._expect("=")
        self._value(path)
        statement = (start, self._at)
        self._found[count:] = [
            Value(one.path, one.text, one.start, one.end, statement, key, one.is_string) for one in self._found[count:]
        ]
        return table

    def _keys(self) -> Path:
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            match = _KEY.match(self._text, self._at)
            if match is None:
                raise ValueError(f"a key was expected at character {self._at}")
            keys.append(match[match.lastgroup or 0])
            self._key = match.span(match.lastgroup or 0)
            self._at = match.end()
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return tuple(keys)
            self._at += 1

    def _value(self, path: Path) -> None:
        self._skip(_SPACE)
        character = self._text[self._at : self._at + 1]
        if character == "[":
            self._sequence(path, "]")
        elif character == "{":
            self._sequence(path, "}")
        else:
            self._scalar(path)

    def _scalar(self, path: Path) -> None:
        string = _STRING.match(self._text, self._at)
        match = string or _SCALAR.match(self._text, self._at)
        if match is None:
            raise ValueError(f"a value was expected at character {self._at}")
        group = string.lastgroup or 0 if string else 0
        text, (start, end) = match[group], match.span(group)
        if not string:
            text, end = text.rstrip(), start + len(text.rstrip())
        self._found.append(Value(path, text, start, end, (start, end), self._key, string is not None))
        self._at = match.end() if string else end

    def _sequence(self, path: Path, closing: str) -> None:
        self._at += 1
        index = 0
        self._skip(_BLANK)
        while not self._text.startswith(closing, self._at):
            if closing == "]":
                self._value((*path, index))
            else:
                keys = self._keys()
                self._expect("=")
                self._value((*path, *keys))
            index += 1
            self._skip(_BLANK)
            if self._text.startswith(",", self._at):
                self._at += 1
                self._skip(_BLANK)
            elif not self._text.startswith(closing, self._at):
                raise ValueError(f"{closing!r} was expected at character {self._at}")
        self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _expect(self, token: str) -> None:
        self._skip(_SPACE)
        if not self._text.startswith(token, self._at):
            raise ValueError(f"{token!r} was expected at character {self._at}")
        self._at += len(token)
