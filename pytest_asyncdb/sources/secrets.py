"""What in the text of a file is secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.sources.marks import names_a_secret
from pytest_asyncdb.urls.redact import secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CREDENTIALS = re.compile(rb"://[^\s:/@\"'`]*:[^\s@\"'`]+@")
_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s\"'`<>]+")
_NAMES = r"(?:pass(?:wd|word)?|pwd|secret(?:_?key)?|api_?key|token)"
_SETTING = re.compile(rf"(?im)^[ \t-]*[\"']?(?P<name>\w*{_NAMES})[\"']?[ \t]*[:=][ \t]*[\"']?(?P<value>[^\s\"'#]+)")
# In Python many a string beside such a name is none: only what looks like a password counts.
_LITERAL = re.compile(
    rf"(?i)(?P<name>{_NAMES})(?:[\"'][ \t]*:|[ \t]*(?::[ \t]*\w+[ \t]*)?=)[ \t]*"
    r"[\"'](?P<value>(?=\S*\d)(?=\S*[a-z])[^\s\"']{8,})[\"']"
)
_SETTING_FILES = (".ini", ".cfg", ".yml", ".yaml", ".toml", ".conf")


def secrets_in(path: str, data: bytes, text: Callable[[str], str]) -> Iterator[str]:
    """Passwords in URLs, and values given to names like ``password``; ``text`` gives the file's text when needed."""
    if b"://" in data and _CREDENTIALS.search(data):
        for url in _URL.findall(text(path)):
            yield from secrets_of("", url)
    named = _LITERAL if path.endswith(".py") else _SETTING if path.endswith(_SETTING_FILES) else None
    if named is not None and names_a_secret(data):
        for match in named.finditer(text(path)):
            yield from secrets_of(match["name"], match["value"])
