"""Requirements in tables: ``pyproject.toml`` (PEP 621 and 735, Poetry, uv, PDM, Hatch), Pipfile, setuptools."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.requirement import from_table, from_text
from pytest_asyncdb.sources.toml import Value, values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from pytest_asyncdb.facts.dependencies import Requirement
    from pytest_asyncdb.sources.project import Project

    _PlaceOf: TypeAlias = Callable[[tuple[str | int, ...]], tuple[str, str, tuple[str | int, ...]] | None]

PRODUCTION_GROUPS = frozenset({"main", "prod", "production", "runtime"})
_OPTION = re.compile(
    r"(?m)^(?P<key>[\w.-]+)[ \t]*=[ \t]*(?P<first>[^\r\n]*)(?P<rest>(?:\r?\n(?:[ \t]+[^\r\n]*|[ \t]*(?=\r?\n[ \t])))*)"
)
_SECTION = re.compile(r"(?m)^\[(?P<name>[^\]\r\n]+)\]")


def from_pyproject(project: Project, path: str) -> list[Requirement]:
    """Read a ``pyproject.toml``.

    Raises:
        ValueError: it is no valid TOML.
    """
    document = _toml(project, path)
    production = _production_groups(document)
    found = []
    for value in document:
        group = _array_group(value.path)
        group = "" if group in production else group
        if group is not None and value.is_string:
            found.append(from_text(project.lines(path), value.start, value.text, group))
    return [*(one for one in found if one is not None), *_tables(project, path, document, _poetry_group, "poetry")]


def from_pipfile(project: Project, path: str) -> list[Requirement]:
    """Read a Pipfile.

    Raises:
        ValueError: it is no valid TOML.
    """
    return list(_tables(project, path, _toml(project, path), _pipenv_group, "pipfile"))


def from_setup_cfg(project: Project, path: str) -> list[Requirement]:
    """Read ``install_requires`` and ``extras_require`` of a setup.cfg."""
    lines = project.lines(path)
    sections = [(match["name"].strip(), match.end()) for match in _SECTION.finditer(lines.text)]
    found = []
    for index, (name, start) in enumerate(sections):
        end = sections[index + 1][1] if index + 1 < len(sections) else len(lines.text)
        for option in _OPTION.finditer(lines.text, start, end):
            group = "" if name == "options" and option["key"] == "install_requires" else option["key"]
            if name == "options.extras_require" or not group:
                for line in re.finditer(r"[^\r\n;#][^\r\n]*", lines.text[option.start("first") : option.end()]):
                    text = line[0].strip()
                    offset = option.start("first") + line.start() + len(line[0]) - len(line[0].lstrip())
                    found.append(from_text(lines, offset, text, group))
    return [one for one in found if one is not None]


def from_setup_py(project: Project, path: str) -> list[Requirement]:
    """Read the literal requirements of a setup.py; what is computed is left out.

    Raises:
        SyntaxError: it cannot be parsed.
    """
    tree = project.tree(path)
    required = required_by_setup(tree)
    found = list(_literals(project, path, required, "")) if required is not None else []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "extras_require" and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                found += _literals(project, path, value, str(key.value) if isinstance(key, ast.Constant) else "extra")
    return found


def required_by_setup(tree: ast.Module) -> ast.List | ast.Tuple | None:
    """The literal list of ``install_requires`` in a setup.py, also when it has a name of its own."""
    named = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            value = named.get(node.value.id) if isinstance(node.value, ast.Name) else node.value
            return value if isinstance(value, ast.List | ast.Tuple) else None
    return None


def _literals(project: Project, path: str, node: ast.expr, group: str) -> Iterator[Requirement]:
    lines = project.lines(path)
    for item in node.elts if isinstance(node, ast.List | ast.Tuple) else ():
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            start = lines.offset(item.lineno, item.col_offset)
            inside = lines.text.find(item.value, start)
            requirement = from_text(lines, inside, item.value, group) if inside >= 0 else None
            if requirement is not None:
                yield requirement


def _toml(project: Project, path: str) -> tuple[Value, ...]:
    import tomllib

    text = project.text(path)
    tomllib.loads(text)
    return values(text)


def _production_groups(document: tuple[Value, ...]) -> set[str]:
    """Groups and extras that are named for production, and the groups that they include."""
    found = set(PRODUCTION_GROUPS)
    before = 0
    while len(found) > before:
        before = len(found)
        for value in document:
            match value.path:
                case ("dependency-groups", str(group), int(), "include-group") if group in found:
                    found.add(value.text)
    return found


def _array_group(path: tuple[str | int, ...]) -> str | None:
    """Group of a string in an array of requirements; None when it is no requirement."""
    match path:
        case ("project", "dependencies", int()):
            return ""
        case ("project", "optional-dependencies", str(group), int()) | ("dependency-groups", str(group), int()):
            return group
        case ("tool", "uv", "dev-dependencies", int()):
            return "dev"
        case ("tool", "pdm", "dev-dependencies", str(group), int()):
            return group
        case ("tool", "hatch", "envs", str(group), "dependencies" | "extra-dependencies", int()):
            return group
    return None


def _poetry_group(path: tuple[str | int, ...]) -> tuple[str, str, tuple[str | int, ...]] | None:
    """Name, group and remaining path of a value in one of Poetry's tables."""
    match path:
        case ("tool", "poetry", "dependencies", str(name), *rest):
            return name, "", tuple(rest)
        case ("tool", "poetry", "dev-dependencies", str(name), *rest):
            return name, "dev", tuple(rest)
        case ("tool", "poetry", "group", str(group), "dependencies", str(name), *rest):
            return name, "" if group in PRODUCTION_GROUPS else group, tuple(rest)
    return None


def _pipenv_group(path: tuple[str | int, ...]) -> tuple[str, str, tuple[str | int, ...]] | None:
    match path:
        case ("packages", str(name), *rest):
            return name, "", tuple(rest)
        case ("dev-packages", str(name), *rest):
            return name, "dev", tuple(rest)
    return None


def _tables(
    project: Project, path: str, document: tuple[Value, ...], place_of: _PlaceOf, style: str
) -> Iterator[Requirement]:
    """Requirements written as ``name = constraint``, each possibly spread over the keys of a table of its own."""
    grouped: dict[tuple[str, str], list[tuple[tuple[str | int, ...], Value]]] = {}
    for value in document:
        place = place_of(value.path)
        if place is not None and place[0] != "python":
            grouped.setdefault(place[:2], []).append((place[2], value))
    for (name, group), parts in grouped.items():
        options = _options(parts)
        first, last = parts[0][1], parts[-1][1]
        yield from_table(
            project.lines(path),
            name,
            options,
            statement=(first.statement[0], last.statement[1]),
            key=first.key,
            group=group or ("optional" if options.get("optional") == "true" else ""),
            style=style,
        )


def _options(parts: list[tuple[tuple[str | int, ...], Value]]) -> dict[str, object]:
    """``{"version": ..., "extras": [...]}``; of several alternatives the first counts."""
    options: dict[str, object] = {}
    extras: list[str] = []
    for rest, value in parts:
        keys = [key for key in rest if isinstance(key, str)]
        if not keys:
            options.setdefault("version", value.text)
        elif keys[0] == "extras":
            extras.append(value.text)
        else:
            options.setdefault(keys[0], value.text)
    return {**options, "extras": extras}
