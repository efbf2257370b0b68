"""A finished, empty database cluster in one file: reading one file and writing a thousand beats copying a thousand.

Layout: a line ``asyncdb-template-1 HEADER_BYTES HEADER_CRC BODY_BYTES BODY_CRC``, the header (server version,
directories, files with their sizes, each on a line), the files' bytes one after another. Files outside ``base/``
come first: with those the server can be started, while the databases themselves are still being written.
"""

# ruff: noqa: PTH102, PTH103, PTH105, PTH108, PTH120, PTH123, PTH202 - importing pathlib takes as long as starting half a server

from __future__ import annotations

import mmap
import os
import zlib
from contextlib import suppress

MAGIC = b"asyncdb-template-1"


class DamagedError(Exception):
    """The file is no template, or not the whole of one."""


class Template:
    """An open template file."""

    def __init__(self, path: str) -> None:
        """Open and read the header.

        Raises:
            FileNotFoundError: there is none yet.
            DamagedError: it is incomplete, or its header is not what was written.
        """
        with open(path, "rb") as file:
            first = file.readline(200).split()
            if len(first) != 5 or first[0] != MAGIC:  # noqa: PLR2004 - the first line's words
                raise DamagedError(path)
            header_size, header_crc, self._size, self._crc = (int(word) for word in first[1:])
            header = file.read(header_size)
            self._start = file.tell()
            if zlib.crc32(header) != header_crc or os.fstat(file.fileno()).st_size != self._start + self._size:
                raise DamagedError(path)
            self._map = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self.version, directories, files = header.decode().split("\n\n")
        self._directories = directories.split("\n")
        self._files = [line.split(" ", 1) for line in files.split("\n")]

    def unpack(self, into: str, *, databases: bool) -> None:
        """Write the databases, or everything but them (which goes first and makes the directories)."""
        if not databases:
            for name in self._directories:
                os.mkdir(f"{into}/{name}", 0o700)
        at = self._start
        for size, name in self._files:
            end = at + int(size)
            if name.startswith("base/") == databases:
                _write(f"{into}/{name}", self._map[at:end])
            at = end

    def intact(self) -> bool:
        """Whether the files' bytes are those that were packed (14 ms)."""
        return zlib.crc32(self._map[self._start :]) == self._crc


def _write(path: str, content: memoryview) -> None:
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        while content:  # a full disk shows as a short write first, then as an error
            content = content[os.write(out, content) :]
    finally:
        os.close(out)


class Packing:
    """A new template: read at once, before the server changes anything, and written later, when there is time."""

    def __init__(self, data: str, version: str, segment: str | None) -> None:
        """Read the cleanly stopped cluster ``data``.

        Args:
            data: the data directory.
            version: the server's version, kept in the header.
            segment: name of the only WAL segment that is needed; None keeps all.

        Raises:
            OSError: it cannot be read.
        """
        directories, files = _listing(data, segment)
        self._body = [_read(f"{data}/{name}") for _, name in files]
        parts = (version, "\n".join(directories), "\n".join(f"{size} {name}" for size, name in files))
        self._header = "\n\n".join(parts).encode()

    def publish(self, path: str) -> None:
        """Write it beside ``path``, sync it (initdb was told not to), and put it in place, whole or not at all.

        A cache that cannot be written makes the next start slower, nothing else.
        """
        making = f"{path}.{os.urandom(4).hex()}"
        body = b"".join(self._body)
        sums = (len(self._header), zlib.crc32(self._header), len(body), zlib.crc32(body))
        try:
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            with open(making, "xb") as file:
                file.write(b"%s %d %d %d %d\n%s" % (MAGIC, *sums, self._header))
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(making, path)
        except OSError:
            with suppress(OSError):
                os.unlink(making)


def _listing(data: str, segment: str | None) -> tuple[list[str], list[tuple[int, str]]]:
    directories: list[str] = []
    files: list[tuple[int, str]] = []
    for folder, _, names in os.walk(data):
        below = folder[len(data) + 1 :]
        if below:
            directories.append(below)
        for name in names:
            path = f"{below}/{name}" if below else name
            if segment is None or below != "pg_wal" or name == segment:
                files.append((os.path.getsize(f"{data}/{path}"), path))
    files.sort(key=lambda one: one[1].startswith("base/"))
    return directories, files


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
