"""The lines of a requirements file: what each asks for, and where exactly that stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE = re.compile(r"(?:[^\r\n\\]|\\(?!\r?\n))*(?:\\\r?\n(?:[^\r\n\\]|\\(?!\r?\n))*)*")
_JOINED = re.compile(r"[ \t]*\\\r?\n[ \t]*")
_COMMENT = re.compile(r"(?m)(?:^|(?<=\s))#[^\r\n]*")
_OPTIONS = re.compile(r"[\s\\]+--(?:hash|config-settings?|global-option|install-option)\b.*", re.DOTALL)
_INCLUDE = re.compile(r"(?:-r|--requirement|(?P<constraint>-c|--constraint))[ \t=]*(?P<path>\S+)")
_EDITABLE = re.compile(r"(?:-e|--editable)[ \t=]*[\"']?(?P<what>[^\"']+)")
_EGG = re.compile(r"[#&]egg=(?P<name>[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?)")
_WHEEL = re.compile(r"(?:^|/)(?P<name>[A-Za-z0-9][A-Za-z0-9_.]*)-(?P<version>\d[^-/]*)(?:-[^/]*)?\.whl\b")
_ARCHIVE = re.compile(r"(?:^|/)(?P<name>[A-Za-z][\w.-]*?)-(?P<version>\d[\w.]*)\.(?:tar\.gz|zip|tar\.bz2)\b")
_REPOSITORY = re.compile(r"^(?:git|hg|svn|bzr)\+[^#]*?/(?P<name>[A-Za-z][\w.-]*?)(?:\.git)?(?:@[^/#]*)?(?:#.*)?$")
_ADDRESS = re.compile(r"^(?:(?:git|hg|svn|bzr)\+\S+|https?://\S+|file:\S+)$", re.IGNORECASE)
_FOLDER = re.compile(r"^(?P<path>\.{0,2}[\w./-]*)(?P<extras>\[[^\]]*\])?$")


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """One logical line: ``text`` stands at ``start`` of the file as it is, ``meaning`` is what of it PEP 508 reads.

    Of an include, a constraints file and a folder ``path`` says which; ``kind`` is ``requirement``, ``include``,
    ``constraint`` or ``folder``.
    """

    start: int
    text: str
    kind: str
    meaning: str = ""
    path: str = ""


def requirement_lines(text: str) -> Iterator[RequirementLine]:
    """Read the lines of a requirements file in order; comments, index options and empty lines are left out."""
    at = 0
    while at < len(text):
        match = _LINE.match(text, at)
        end = match.end() if match else at
        line = _requirement(text[at:end], at)
        if line is not None:
            yield line
        at = max(end, at) + (2 if text.startswith("\r\n", end) else 1)


def _requirement(raw: str, at: int) -> RequirementLine | None:
    bare = _OPTIONS.sub("", _COMMENT.sub("", raw)).rstrip(" \t\r\n\\")
    start = at + len(bare) - len(bare.lstrip())
    text = bare.strip()
    meaning = _JOINED.sub(" ", text)
    include, editable = _INCLUDE.match(meaning), _EDITABLE.match(meaning)
    if include is not None:
        kind = "constraint" if include["constraint"] else "include"
        return RequirementLine(start, text, kind, path=include["path"].strip("\"'"))
    if editable is None and (not meaning or meaning.startswith("-")):
        return None
    what = editable["what"].strip() if editable else meaning
    folder = _FOLDER.match(what)
    if (
        folder is not None
        and folder["path"]
        and not what.endswith((".whl", ".gz", ".zip"))
        and (editable or "/" in folder["path"] or folder["path"] == ".")
    ):
        return RequirementLine(start, text, "folder", path=folder["path"])
    return RequirementLine(start, text, "requirement", meaning=_named(what))


def _named(what: str) -> str:
    """PEP 508 for an address that tells its name: ``git+https://...#egg=name``, a wheel, an archive, a repository."""
    address, semicolon, marker = what.partition(" ;")
    if not _ADDRESS.match(address):
        wheel = (_WHEEL.search(what) or _ARCHIVE.search(what)) if what.endswith((".whl", ".tar.gz")) else None
        return f"{wheel['name']}=={wheel['version']}" if wheel else what
    egg = _EGG.search(address)
    file = _WHEEL.search(address) or _ARCHIVE.search(address)
    repository = _REPOSITORY.match(address)
    found = egg or file or repository
    if found is None:
        return ""
    version = f"=={file['version']}" if file and not egg else ""
    return f"{found['name']}{version}{semicolon}{marker}"
