"""The project on disk: which files it has, what stands in them, what in them is secret."""

from __future__ import annotations

import ast
import os
import warnings
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pytest_asyncdb.sources.decode import Encoding, decode
from pytest_asyncdb.sources.dotenv import entries
from pytest_asyncdb.sources.foreign import Sorted, sort_out
from pytest_asyncdb.sources.leftout import LeftOut, counted
from pytest_asyncdb.sources.lines import Lines
from pytest_asyncdb.sources.marks import SECRET_WORDS, Marks
from pytest_asyncdb.sources.readfile import TOO_LARGE, read_file
from pytest_asyncdb.sources.secrets import secrets_in
from pytest_asyncdb.sources.walk import Listing, is_env_file, list_files
from pytest_asyncdb.urls.redact import Redactor, secrets_of

if TYPE_CHECKING:
    from pytest_asyncdb.sources.newer import Newer

_HUGE = 1_000_000
_HUGE_LOCK = 16_000_000
_LOCKS = (".lock", "pylock.toml")
_KEPT = 8_000_000
"""Bytes of files that are kept in memory; what is beyond is read anew, from the system's cache."""
_URL_FILES = (".py", ".ini", ".cfg", ".toml", ".yml", ".yaml", ".json", ".sh", ".md", ".rst", ".txt", ".conf")
_COOKIE_FILES = (".py", ".txt", ".in", ".pip")
"""Files in which Python's or pip's reader heeds a declared encoding."""
_LEVELS_UP = 4


class Project:
    """A project directory, read lazily and each file once.

    Args:
        root: where pytest runs; the app may lie deeper. Paths everywhere are POSIX and relative to it.
        without: folders of other services: their files are no sources of this one.
    """

    def __init__(self, root: Path, without: tuple[str, ...] = ()) -> None:
        """Remember the root; nothing is read yet."""
        self.root = root
        self.without = without
        self._data: dict[str, bytes | None] = {}
        self._kept = 0
        self._decoded: dict[str, tuple[str, Encoding]] = {}
        self._lines: dict[str, Lines] = {}
        self._trees: dict[str, ast.Module] = {}
        self._newer: dict[str, Newer] = {}
        self._unread: dict[str, str] = {}

    def __repr__(self) -> str:
        """Name the root."""
        return f"Project({str(self.root)!r})"

    @cached_property
    def _listing(self) -> Listing:
        return list_files(self.root)

    @property
    def files(self) -> tuple[str, ...]:
        """All files of the project, sorted: what a copy of it needs.

        Virtualenvs, installed packages, caches and what git ignores are left out, ``.env`` files are in.
        """
        return self._listing.files

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The files that say something about this app: without templates of other projects and tools' folders."""
        others = tuple(f"{folder}/" for folder in self.without)
        return tuple(path for path in self._sorted.sources if not path.startswith(others))

    @cached_property
    def _sorted(self) -> Sorted:
        return sort_out(self.files)

    @property
    def templates(self) -> tuple[str, ...]:
        """Python modules of the projects that this one makes: no part of the app, and to be judged all the same."""
        return self._sorted.templates

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What was not read so far, and why."""
        unread = counted((kind, path) for path, kind in self._unread.items())
        return (*self._listing.left_out, *self._sorted.left_out, *unread)

    @cached_property
    def python_files(self) -> tuple[str, ...]:
        """The Python sources."""
        return tuple(path for path in self.sources if path.endswith(".py"))

    @cached_property
    def env_files(self) -> tuple[str, ...]:
        """The ``.env`` family, examples included."""
        return tuple(path for path in self.sources if _is_env(path))

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a source, however deep; the root itself is ``""``."""
        parents = (PurePosixPath(path).parents for path in self.sources)
        return frozenset("" if str(one) == "." else str(one) for each in parents for one in each)

    def tracked(self, path: str) -> bool:
        """Whether git tracks the file."""
        return path in self._listing.tracked

    def exists(self, path: str) -> bool:
        """Whether it is one of the project's files (also one that no listing names)."""
        return (self.root / path).is_file()

    def size(self, path: str) -> int:
        """The file's bytes, counted without reading them."""
        try:
            return (self.root / path).stat().st_size
        except OSError:
            return 0

    def data(self, path: str) -> bytes | None:
        """The file's bytes, or None when it cannot be read or is too large to be a source (1 MB)."""
        if path in self._data:
            return self._data[path]
        data = self._read(path)
        self._kept += len(data or b"")
        if self._kept <= _KEPT:
            self._data[path] = data
        return data

    def holders(self, *words: bytes) -> frozenset[str]:
        """The Python files, those of templates included, that hold one of the words."""
        return self._marks.holders(words)

    def imports(self, path: str) -> bytes:
        """The import statements of a Python file, a line each, and lines that only look like one."""
        return self._marks.imports(path)

    @cached_property
    def _marks(self) -> Marks:
        # Those of other services, too: no secret of theirs is to be shown either.
        return Marks(
            (path for path in (*self._sorted.sources, *self.templates) if path.endswith(".py")), self.searchable
        )

    def is_text(self, path: str) -> bool:
        """Whether the file could be read, and what it holds is text."""
        return self.data(path) is not None and bool(self.text(path) or not self.data(path))

    def text(self, path: str) -> str:
        """The file's text: decoded exactly, without byte-order mark, line endings untouched; empty when unreadable."""
        return self._text(path)[0]

    def encoding(self, path: str) -> Encoding:
        """How the file is encoded: ``project.encoding(path).encode(new_text)`` are the bytes to write back."""
        return self._text(path)[1]

    def searchable(self, path: str) -> bytes:
        """The file's bytes as far as a search for words is concerned: UTF-16 and UTF-32 become UTF-8."""
        data = self.data(path) or b""
        if (b"\0" in data[:4] or data[:1] in (b"\xff", b"\xfe")) and self.encoding(path).is_wide:
            return self.text(path).encode("utf-8", "surrogatepass")
        return data

    def lines(self, path: str) -> Lines:
        """Positions in the file's text."""
        if path not in self._lines:
            self._lines[path] = Lines(path, self.text(path))
        return self._lines[path]

    def tree(self, path: str) -> ast.Module:
        """Parse a Python file, once; syntax that came after the running Python is read as ``newer`` tells.

        Raises:
            SyntaxError: the running Python cannot parse it, or no Python can read its encoding.
            ValueError: it holds a null character.
            RecursionError: it is nested too deeply.
        """
        if path not in self._trees:
            self._refuse(path)
            try:
                self._trees[path] = _parsed(self.text(path))
            except SyntaxError as error:
                self._trees[path] = self._newer_tree(path, error)
        return self._trees[path]

    def newer(self, path: str) -> Newer | None:
        """For which later Python a file is written that ``tree`` could parse all the same."""
        return self._newer.get(path)

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """Everything secret in the project's files or the environment: for a ``Redactor``, never for a person."""
        found: dict[str, None] = {}
        telling = self._marks.holders((SECRET_WORDS, b"://"))
        for name, value in os.environ.items():
            found.update(dict.fromkeys(secrets_of(name, value)))
        env_files = (path for path in self._sorted.sources if _is_env(path))
        for text in (*map(self.text, env_files), *self._env_files_above()):
            for entry in entries(text):
                found.update(dict.fromkeys(secrets_of(entry.key, entry.value)))
        for path in (*self._sorted.sources, *self.templates):
            if path.endswith(_URL_FILES) and (path in telling or not path.endswith(".py")):
                found.update(dict.fromkeys(secrets_in(path, self.searchable(path), self.text)))
        return tuple(found)

    @cached_property
    def redactor(self) -> Redactor:
        """A redactor that knows ``secrets``."""
        return Redactor(self.secrets)

    def _read(self, path: str) -> bytes | None:
        data, unread = read_file(f"{self.root}/{path}", _HUGE_LOCK if path.endswith(_LOCKS) else _HUGE)
        if unread and (path.endswith(_URL_FILES) or unread != TOO_LARGE):
            self._unread[path] = unread
        return data

    def _text(self, path: str) -> tuple[str, Encoding]:
        if path not in self._decoded:
            text, encoding = decode(self.data(path) or b"", cookie=path.endswith(_COOKIE_FILES))
            if "\0" in text and encoding.codec == "latin-1" and not path.endswith(".py"):
                self._unread[path] = "files that are no text"
                text = ""
            self._decoded[path] = text, encoding
        return self._decoded[path]

    def _refuse(self, path: str) -> None:
        text, encoding = self._text(path)
        if encoding.refused and text:
            at = self.lines(path).span(encoding.refused_at, encoding.refused_at)
            raise SyntaxError(encoding.refused, (path, at.line, at.column, None))

    def _newer_tree(self, path: str, error: SyntaxError) -> ast.Module:
        from pytest_asyncdb.sources.newer import newer

        found = newer(self.text(path))
        if found is None:
            raise error
        try:
            tree = _parsed(found.text)
        except SyntaxError:
            raise error from None
        self._newer[path] = found
        return tree

    def _env_files_above(self) -> list[str]:
        """Texts of the ``.env`` files of enclosing folders, up to the repository: dotenv libraries look there too."""
        texts = []
        for folder in self.root.resolve().parents[:_LEVELS_UP]:
            if not any((folder / mark).exists() for mark in (".git", ".env")):
                continue
            texts += [decode(one.read_bytes())[0] for one in sorted(folder.glob(".env*")) if _is_readable(one)]
        return texts


def _is_env(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return is_env_file(name, folder)


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        # Invalid escapes are no concern here, and under `-W error` they would become errors.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except SystemError:  # Python 3.11 counts the depth of all threads together, and another one was parsing
            return ast.parse(text)


def _is_readable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.R_OK) and path.stat().st_size < _HUGE
