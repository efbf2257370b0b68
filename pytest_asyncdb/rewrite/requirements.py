"""Add a requirement to a dependency file in that file's own style."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


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
    if file_name.endswith((".txt", ".in")):
        return _add_line(text, requirement)
    if file_name == "pyproject.toml":
        return _add_to_pyproject(text, requirement)
    if file_name == "Pipfile":
        return _add_to_table(text, requirement, ("packages",))
    if file_name == "setup.cfg":
        return _add_to_setup_cfg(text, requirement)
    raise UnsupportedFileError(f"{file_name} is not edited automatically: add {requirement!r} to its dependencies")


def _add_line(text: str, requirement: str) -> str:
    ending = "\r\n" if "\r\n" in text else "\n"
    body = text.rstrip("\r\n")
    tail = text[len(body) :] or ending
    return f"{body}{ending}{requirement}{tail}" if body else f"{requirement}{tail}"


def _add_to_pyproject(text: str, requirement: str) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    project = document.get("project")
    if project is not None and "dependencies" in project:
        project["dependencies"].append(requirement)
        return tomlkit.dumps(document)
    poetry = document.get("tool", {}).get("poetry", {})
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
    return tomlkit.dumps(document)


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
