"""Which words the Python files of a project hold: found in one pass over their bytes, for all who ask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_GATES: dict[bytes, tuple[bytes, ...]] = {
    b"nv": (
        b"environ", b"getenv", b"env(", b"env.", b"Env(", b"env_file", b"dotenv", b"read_env", b"RepositoryEnv",
        b"EnvFile",
    ),
    b"onfig(": (b"config(", b"Config("),
    b"_app": (b"_app(", b"_application("),
    b"_engine(": (b"create_engine(", b"create_async_engine("),
    b"run(": (b"run(",),
    b"serve(": (b"serve(",),
    b"complete(": (b"complete(",),
    b"main(": (b"main(",),
    b"cli(": (b"cli(",),
    b"_option(": (b"set_main_option(", b"set_section_option("),
    b".create_all": (b".create_all",),
    b"://": (b"://",),
}  # fmt: skip
"""Words that are asked for of most projects, by a piece of them: most files have no such piece."""
_SECRET = (b"passw", b"_pass", b"pass=", b"pwd", b"secret", b"api_key", b"apikey", b"token")
SECRET_WORDS = b"(secret words)"
"""Stands for any word that names a secret, in any case."""
_STATEMENT = re.compile(rb"[ \t]*(?:from[ \t]+[.\w]+[ \t]*)?")


class Marks:
    """Finds words and import statements; of each file only these are kept.

    Args:
        paths: the files, in order.
        data: gives a file's bytes.
    """

    def __init__(self, paths: Iterable[str], data: Callable[[str], bytes | None]) -> None:
        """Nothing is read yet."""
        self._paths = tuple(paths)
        self._data = data
        self._holders: dict[bytes, set[str]] = {}
        self._found: dict[tuple[bytes, ...], frozenset[str]] = {}
        self._imports: dict[str, bytes] = {}

    def holders(self, words: tuple[bytes, ...]) -> frozenset[str]:
        """The files that hold one of the words."""
        if words not in self._found:
            unknown = [word for word in words if word not in self._holders]
            if unknown:
                self._read(unknown)
            self._found[words] = frozenset().union(*(self._holders[word] for word in words))
        return self._found[words]

    def imports(self, path: str) -> bytes:
        """The import statements of a file, a line each, and lines that only look like one."""
        if path not in self._imports:
            self._imports[path] = import_statements(self._data(path) or b"")
        return self._imports[path]

    def _read(self, words: Iterable[bytes]) -> None:
        first = not self._holders
        usual = {SECRET_WORDS, *(word for several in _GATES.values() for word in several)} if first else set()
        further = [word for word in words if word not in usual]
        for word in (*usual, *further):
            self._holders[word] = set()
        for path in self._paths:
            data = self._data(path)
            if not data:
                continue
            for word in further:
                if word in data:
                    self._holders[word].add(path)
            if first:
                self._read_usual(path, data)

    def _read_usual(self, path: str, data: bytes) -> None:
        self._imports[path] = import_statements(data)
        for gate, words in _GATES.items():
            if gate in data:
                for word in words:
                    if word in data:
                        self._holders[word].add(path)
        if names_a_secret(data):
            self._holders[SECRET_WORDS].add(path)


def names_a_secret(data: bytes) -> bool:
    """Whether a word is there that a password or token is called by, in any case."""
    lower = data.lower()
    return any(word in lower for word in _SECRET)


def import_statements(data: bytes) -> bytes:
    """Every statement that may be an import, by its text, one after the other."""
    found: list[bytes] = []
    at = data.find(b"import")
    while at >= 0:
        start = data.rfind(b"\n", 0, at) + 1
        end = _statement_end(data, at)
        if _STATEMENT.fullmatch(data, start, at):
            found.append(data[start:end])
        at = data.find(b"import", end)
    return b"\n".join(found)


def _statement_end(data: bytes, at: int) -> int:
    end = data.find(b"\n", at)
    end = len(data) if end < 0 else end
    opened = data.find(b"(", at, end)
    if opened >= 0 and data.find(b")", opened, end) < 0:
        closed = data.find(b")", end)
        return len(data) if closed < 0 else closed + 1
    while data[end - 2 : end].rstrip(b"\r").endswith(b"\\") and end < len(data):
        following = data.find(b"\n", end + 1)
        end = len(data) if following < 0 else following
    return end
