"""Bytes of a file to text and back, so exactly that an edit of the text changes nothing else in the bytes."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cache

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# PEP 263: in the first line, or in the second when the first is blank or a comment.
_COOKIE = re.compile(
    rb"(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*(?P<name>[-\w.]+)", re.ASCII
)
_WIDE = ("utf-16", "utf-32")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's text is written: codec name and the byte-order mark in front of it (empty when there is none)."""

    codec: str = "utf-8"
    bom: bytes = b""
    refused: str = ""
    """Why Python does not read a source file that is written so; empty when it does."""
    refused_at: int = 0
    """Offset in the text of what it stumbles over."""

    def encode(self, text: str) -> bytes:
        """Turn text (without byte-order mark) into the file's bytes."""
        return self.bom + text.encode(self.codec)

    @property
    def is_wide(self) -> bool:
        """Whether even ASCII characters take several bytes, so that no search in the bytes finds a word."""
        return self.codec.startswith(_WIDE)


def decode(data: bytes, *, cookie: bool = False) -> tuple[str, Encoding]:
    """Decode a file; line endings stay as they are, a byte-order mark is taken off and remembered.

    Args:
        data: the whole file.
        cookie: whether a declaration in a comment counts, as in Python sources and requirements files.

    Returns:
        The text and its encoding. What can't be decoded as it is declared, and back to the same bytes, is read as
        Latin-1, which keeps every byte.
    """
    declared = _declared(data) if cookie else None
    for bom, codec in _BOMS:
        if data.startswith(bom):
            text, encoding = _decoded(data[len(bom) :], (codec,), bom)
            return text, _with_refusal(encoding, text, declared)
    candidates = [declared] if declared else _unmarked(data)
    text, encoding = _decoded(data, (*candidates, "utf-8"), b"")
    return text, _with_refusal(encoding, text, declared)


def _declared(data: bytes) -> str | None:
    # \ufeff is no blank: a byte-order mark is taken off before the line is looked at.
    match = _COOKIE.match(data.removeprefix(codecs.BOM_UTF8))
    return match["name"].decode("ascii") if match else None


def _unmarked(data: bytes) -> list[str]:
    """What a Windows shell or a database tool wrote without a byte-order mark."""
    if len(data) > 1 and not data[1] and data[0]:
        return ["utf-16-le"]
    return ["utf-16-be"] if len(data) > 1 and not data[0] and data[1] else []


def _decoded(data: bytes, codecs_to_try: tuple[str, ...], bom: bytes) -> tuple[str, Encoding]:
    for codec in codecs_to_try:
        try:
            text = data.decode(codec)
            if codec in ("utf-8", "latin-1") or text.encode(codec) == data:
                return text, Encoding(codec, bom)
        except (UnicodeError, LookupError):
            continue
    return (bom + data).decode("latin-1"), Encoding("latin-1")


def _with_refusal(encoding: Encoding, text: str, declared: str | None) -> Encoding:
    """Say what Python says to a source file of this encoding."""
    codec, at, why = encoding.codec, 0, ""
    name = _canonical(declared or "utf-8")
    if encoding.is_wide:
        why = f"it is written in {codec[:6].upper()}, which Python does not read as source"
    elif not name or name.startswith(_WIDE):
        why = f"it declares the encoding {declared!r}, which Python does not know as one of source files"
    elif encoding.bom and name not in ("utf-8", "utf-8-sig"):
        why = f"it begins with UTF-8's byte-order mark and declares the encoding {declared!r}"
    elif codec == "latin-1" and name == "utf-8":
        at = _first_undecodable(text.encode("latin-1"))
        why = f"byte 0x{ord(text[at]):02x} is not UTF-8, and no other encoding is declared"
    return Encoding(codec, encoding.bom, why, at) if why else encoding


@cache
def _canonical(name: str) -> str:
    try:
        # Codecs that don't make text out of bytes are known, too: only decoding tells them apart.
        b" ".decode(name)
        return codecs.lookup(name).name
    except (LookupError, UnicodeError):
        return ""


def _first_undecodable(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0
