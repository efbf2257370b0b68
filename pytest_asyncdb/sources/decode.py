"""Bytes of a file to text and back, so exactly that an edit of the text changes nothing else in the bytes."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COOKIE = re.compile(rb"\A(?:[^\r\n]*\r?\n)?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's text is written: codec name and the byte-order mark in front of it (empty when there is none)."""

    codec: str = "utf-8"
    bom: bytes = b""

    def encode(self, text: str) -> bytes:
        """Turn text (without byte-order mark) into the file's bytes."""
        return self.bom + text.encode(self.codec)


def decode(data: bytes, *, python: bool = False) -> tuple[str, Encoding]:
    """Decode a file; line endings stay as they are, a byte-order mark is taken off and remembered.

    Args:
        data: the whole file.
        python: whether an encoding cookie (PEP 263) counts.

    Returns:
        The text and its encoding. What is neither UTF-8 nor UTF-16 is read as Latin-1, which keeps every byte.
    """
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return _decoded(data[len(bom) :], (codec,), bom)
    cookie = _COOKIE.match(data) if python else None
    candidates = ["utf-8"]
    if cookie is not None:
        candidates.insert(0, cookie[1].decode("ascii", "replace"))
    elif data[1:2] == b"\0" and data[:1] != b"\0":
        candidates.insert(0, "utf-16-le")  # written by a Windows shell without a byte-order mark
    return _decoded(data, tuple(candidates), b"")


def _decoded(data: bytes, codecs_to_try: tuple[str, ...], bom: bytes) -> tuple[str, Encoding]:
    for codec in codecs_to_try:
        try:
            return data.decode(codec), Encoding(codec, bom)
        except (UnicodeDecodeError, LookupError):
            continue
    return (bom + data).decode("latin-1"), Encoding("latin-1")
