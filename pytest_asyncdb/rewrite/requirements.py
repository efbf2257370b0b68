"""Add a requirement to a dependency file in that file's own style."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.tables import required_by_setup
from pytest_asyncdb.sources.lines import Lines

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


_DEPENDENCIES = re.compile(r"(?m)^dependencies:[^\r\n]*(?:\r?\n(?:[ \t]*-[^\r\n]*|[ \t]+[^\r\n]*|[ \t]*#[^\r\n]*))*")
_ITEM = re.compile(r"(?m)^(?P<indent>[ \t]*)-[ \t]+(?P<text>[^\r\n]*)(?=\r?\n|\Z)")


class UnsupportedFileError(ValueError):
    """A dependency file of a kind that is not edited automatically; the message says what to add by hand."""


def add_requirement(file_name: str, text: str, requirement: str) -> str:
    """Return ``text`` with ``requirement`` (PEP 508) declared for production.

    Args:
        file_name: the file's name, which decides its format.
        text: the file's text, line endings untouched.
        requirement: e.g. ``asyncpg>=0.29.0``.

    Raises:
        UnsupportedFileError: the format can't be edited without guessing.
    """
    if file_name == "pyproject.toml":
        return _add_to_pyproject(text, requirement)
    if file_name == "Pipfile":
        return _add_to_table(text, requirement, ("packages",))
    if file_name == "setup.cfg":
        return _add_to_setup_cfg(text, requirement)
    if file_name == "setup.py":
        return _add_to_setup_py(text, requirement)
    if file_name.endswith((".yml", ".yaml")):
        return _add_to_environment(text, requirement)
    if file_name.endswith((".lock", ".json", ".toml", ".py", ".cfg")):
        raise UnsupportedFileError(f"{file_name} is not edited automatically: add {requirement!r} to its dependencies")
    if "--hash=" in text:
        raise UnsupportedFileError(
            f"{file_name} holds hashes: add {requirement!r} to what it is compiled from, and compile it again"
        )
    return _add_line(text, requirement)


def _ending(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _add_line(text: str, requirement: str) -> str:
    body = text.rstrip("\r\n")
    tail = text[len(body) :] or _ending(text)
    return f"{body}{_ending(text)}{requirement}{tail}" if body else f"{requirement}{tail}"


def _add_to_setup_py(text: str, requirement: str) -> str:
    required = required_by_setup(ast.parse(text))
    if required is None or not required.elts:
        raise UnsupportedFileError(f"setup.py has no list of install_requires: add {requirement!r} to what it installs")
    lines = Lines("setup.py", text)
    last, end = (
        required.elts[-1],
        lines.offset(required.elts[-1].end_lineno or 0, required.elts[-1].end_col_offset or 0),
    )
    first = lines.offset(last.lineno, last.col_offset)
    quote = "'" if text.startswith("'", first) else '"'
    before = text[lines.start(last.lineno) : first]
    separator = f",{_ending(text)}{before}" if before.strip() == "" else ", "
    return f"{text[:end]}{separator}{quote}{requirement}{quote}{text[end:]}"


def _add_to_environment(text: str, requirement: str) -> str:
    """Add to the ``pip:`` part, which knows extras; where there is none, beside the packages of conda."""
    listed = _DEPENDENCIES.search(text)
    items = list(_ITEM.finditer(text, listed.start(), listed.end())) if listed else []
    pip = next((number for number, item in enumerate(items) if item["text"].strip() == "pip:"), None)
    inner = (
        [one for one in items[pip + 1 :] if len(one["indent"]) > len(items[pip]["indent"])] if pip is not None else []
    )
    if not items or (not inner and "[" in requirement):
        raise UnsupportedFileError(f"the environment file has no `pip:` part: add {requirement!r} to it")
    last = inner[-1] if inner else items[-1]
    return f"{text[: last.end()]}{_ending(text)}{last['indent']}- {requirement}{text[last.end() :]}"


def _add_to_pyproject(text: str, requirement: str) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    project = document.get("project")
    if project is not None and "dependencies" in project:
        project["dependencies"].append(requirement)
        return _dumped(document, text)
    poetry = document.get("tool", {}).get("poetry", {})
    if project is not None and "dependencies" not in (*poetry, *project.get("dynamic", ())):
        project["dependencies"] = [requirement]
        return _dumped(document, text)
    if "dependencies" in poetry:
        return _add_to_table(text, requirement, ("tool", "poetry", "dependencies"))
    raise UnsupportedFileError(f"pyproject.toml has no [project] dependencies: add {requirement!r} where yours are")


def _add_to_table(text: str, requirement: str, keys: tuple[str, ...]) -> str:
    import tomlkit
    from packaging.requirements import Requirement

    parsed = Requirement(requirement)
    document: TOMLDocument = tomlkit.parse(text)
    table = document
    for key in keys:
        if key not in table:
            raise UnsupportedFileError(f"there is no table [{'.'.join(keys)}]: add {requirement!r} where yours are")
        table = table[key]
    version = str(parsed.specifier) or "*"
    if parsed.extras:
        entry = tomlkit.inline_table()
        entry["version"] = version
        entry["extras"] = sorted(parsed.extras)
        table[parsed.name] = entry
    else:
        table[parsed.name] = version
    return _dumped(document, text)


def _dumped(document: TOMLDocument, text: str) -> str:
    """The document in the line ends of the old text: what tomlkit adds has its own."""
    import tomlkit

    dumped = tomlkit.dumps(document)
    return re.sub(r"(?<!\r)\n", "\r\n", dumped) if text.count("\n") == text.count("\r\n") > 0 else dumped


def _add_to_setup_cfg(text: str, requirement: str) -> str:
    lines = text.splitlines(keepends=True)
    starts = [i for i, line in enumerate(lines) if line.replace(" ", "").startswith("install_requires=")]
    if not starts:
        raise UnsupportedFileError(f"setup.cfg has no install_requires: add {requirement!r} to it")
    last = starts[0]
    while last + 1 < len(lines) and lines[last + 1][:1] in " \t" and lines[last + 1].strip():
        last += 1
    if last == starts[0]:
        raise UnsupportedFileError(f"setup.cfg keeps install_requires on one line: add {requirement!r} to it")
    indent = lines[last][: len(lines[last]) - len(lines[last].lstrip())]
    ending = "\r\n" if lines[last].endswith("\r\n") else "\n"
    if not lines[last].endswith("\n"):
        lines[last] += ending
    lines.insert(last + 1, f"{indent}{requirement}{ending}")
    return "".join(lines)
