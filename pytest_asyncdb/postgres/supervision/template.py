"""A finished, empty database cluster in one file: reading one file and writing a thousand beats copying a thousand.

Layout: a line ``asyncdb-template-2 HEADER_BYTES HEADER_CRC BODY_BYTES BODY_CRC``, the header (server version,
directories, files with the place and size of their bytes, each on a line), the bytes. Equal files share their bytes,
as the three databases of a new cluster do nearly all. With the files outside ``base/`` the server can be started, while
the databases themselves are still being written.
"""

# ruff: noqa: PTH102, PTH103, PTH105, PTH108, PTH110, PTH120, PTH123 - importing pathlib takes as long as starting half a server

from __future__ import annotations

import mmap
import os
import time
import zlib

MAGIC = b"asyncdb-template-2"
NAME = 24
"""Letters in a template's name; one that is being written has more after a dot."""
UNUSED = 30 * 86400
"""Seconds after which a template that nobody read is removed."""


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
        self._files = [line.split(" ", 2) for line in files.split("\n")]

    def make_directories(self, into: str) -> None:
        """Make all the directories."""
        for name in self._directories:
            os.mkdir(f"{into}/{name}", 0o700)

    def unpack(self, into: str, *, databases: bool) -> None:
        """Write the databases, or everything but them."""
        for place, size, name in self._files:
            if name.startswith("base/") == databases:
                begin = self._start + int(place)
                _write(f"{into}/{name}", self._map[begin : begin + int(size)])

    def intact(self) -> bool:
        """Whether the files' bytes are those that were packed (5 ms)."""
        return zlib.crc32(self._map[self._start :]) == self._crc


def _write(path: str, content: memoryview) -> None:
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        while content:  # a full disk shows as a short write first, then as an error
            content = content[os.write(out, content) :]
    finally:
        os.close(out)


class Packing:
    """A new template: read at once, before anybody uses the server, and written later, when there is time."""

    def __init__(self, data: str, version: str) -> None:
        """Read the cleanly stopped cluster ``data`` but for its databases.

        Args:
            data: the data directory.
            version: the server's version, kept in the header.

        Raises:
            OSError: it cannot be read.
        """
        self._data = data
        directories, self._files = _listing(data)
        self._contents = {name: _read(f"{data}/{name}") for name in self._files if not name.startswith("base/")}
        self._begins = (version, "\n".join(directories))

    def read_databases(self) -> None:
        """Read the databases, to which nobody may have been connected.

        Raises:
            OSError: they cannot be read.
        """
        twins: dict[str, bytes] = {}
        for name in self._files:
            if name not in self._contents:
                content = _read(f"{self._data}/{name}")
                twin = twins.setdefault(name.rpartition("/")[2], content)  # the same file of another database
                self._contents[name] = twin if twin == content else content

    def publish(self, path: str) -> None:
        """Write it beside ``path``, sync it (initdb was told not to), and put it in place, whole or not at all.

        A cache that cannot be written makes the next start slower, nothing else.
        """
        making = f"{path}.{os.urandom(4).hex()}"
        header, body = self._packed()
        sums = (len(header), zlib.crc32(header), len(body), zlib.crc32(body))
        try:
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            with open(making, "xb") as file:
                file.write(b"%s %d %d %d %d\n%s" % (MAGIC, *sums, header))
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(making, path)
            _forget_unused(os.path.dirname(path))
        except OSError:
            if os.path.exists(making):
                os.unlink(making)

    def _packed(self) -> tuple[bytes, bytes]:
        """Header and body."""
        places: dict[bytes, int] = {}
        lines, end = [], 0
        for name in self._files:
            content = self._contents[name]
            place = places.setdefault(content, end)
            end = max(end, place + len(content))
            lines.append(f"{place} {len(content)} {name}")
        return "\n\n".join((*self._begins, "\n".join(lines))).encode(), b"".join(places)


def _forget_unused(directory: str) -> None:
    """Remove what nobody has used for long: every environment that ever had its own binaries has its template."""
    for entry in os.scandir(directory):
        status = entry.stat(follow_symlinks=False)
        ours = len(entry.name.partition(".")[0]) == NAME and entry.is_file(follow_symlinks=False)
        if ours and max(status.st_atime, status.st_mtime) < time.time() - UNUSED:
            os.unlink(entry.path)


def _listing(data: str) -> tuple[list[str], list[str]]:
    """Directories and files; of the WAL only the oldest segment: the others were emptied for later use."""
    directories: list[str] = []
    files: list[str] = []
    for folder, _, names in os.walk(data):
        below = folder[len(data) + 1 :]
        if below:
            directories.append(below)
        for name in names:
            path = f"{below}/{name}" if below else name
            if below != "pg_wal" or name == min(names):
                files.append(path)
    return directories, files


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY)  # open() takes three times as long
    try:
        size = os.fstat(file).st_size
        content = os.read(file, size)
        while len(content) < size and (more := os.read(file, size - len(content))):
            content += more
        return content
    finally:
        os.close(file)
