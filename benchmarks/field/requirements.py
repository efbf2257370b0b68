"""What a checkout declares, as requirement lines for an installer, and what its lock files pin.

Read apart from the plugin's own reading on purpose: a benchmark that used it would share its mistakes.
"""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
_REQUIREMENTS = ("*requirements*.txt", "requirements/*.txt")
_TABLES = ("pyproject.toml", "Pipfile", "setup.cfg")
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
_OWN = re.compile(r"-|\.{1,2}(?:/|\[|$)|/|file:")
_OPTIONS = re.compile(r"\s--(?:hash|config-settings|global-option)\b.*|\s+#.*|\s*\\$")
_IMPORT = re.compile(r"(?m)^\s*(?:from|import)\s+(?P<name>[A-Za-z_]\w*)")
_IMAGE = re.compile(r"(?mi)^FROM\s+(?:\S*/)?python:(?P<minor>\d+\.\d+)")
_DRIVER = re.compile(r"postgresql\+(?P<name>\w+)")
_EXTRA = {"psycopg": "psycopg[binary]", "psycopg_async": "psycopg[binary]"}


@dataclass(frozen=True)
class Declaration:
    """What one checkout asks for: lines for each file that declares any, and the pins of its locks."""

    files: tuple[tuple[str, tuple[str, ...]], ...]
    pins: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """Every line once."""
        return list(dict.fromkeys(line for _, lines in self.files for line in lines))


def read(checkout: Path, subdir: str) -> Declaration:
    """Read the nearest folder, from the app's up to the checkout, that declares anything; locks from there up."""
    folders = _upwards(checkout, subdir)
    for folder in folders:
        files = tuple((name, lines) for name, lines in _files(folder) if lines)
        if files:
            above = folders[folders.index(folder) :]
            pins = next((pins for one in above if (pins := tuple(_pins(one)))), ())
            return Declaration(
                tuple((str((folder / name).relative_to(checkout)), lines) for name, lines in files), pins
            )
    found = tuple(_imported(checkout / subdir))
    return Declaration((("(nothing is declared: the imports)", found),) if found else (), ())


def python_range(checkout: Path, subdir: str) -> str:
    """Give the interpreters that the project says it runs on, as a specifier; empty when it says nothing."""
    for folder in _upwards(checkout, subdir):
        document = _toml(folder / "pyproject.toml")
        poetry = document.get("tool", {}).get("poetry", {}).get("dependencies", {}).get("python", "")
        file = folder / ".python-version"
        if file.is_file() and re.match(r"\d+\.\d+", _text(file)):
            return f"=={'.'.join(_text(file).split('.', 2)[:2]).strip()}.*"
        said = document.get("project", {}).get("requires-python") or (_poetry_range(poetry) if poetry else "")
        if said:
            return str(said)
    images = (path for folder in _upwards(checkout, subdir) for path in sorted(folder.glob("*ockerfile*")))
    minor = next((match["minor"] for path in images if (match := _IMAGE.search(_text(path)))), "")
    return f"=={minor}.*" if minor else ""


def _upwards(checkout: Path, subdir: str) -> list[Path]:
    start = checkout / subdir
    return [start, *(one for one in start.parents if one.is_relative_to(checkout))]


def _files(folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    readers = {"pyproject.toml": _pyproject, "Pipfile": _pipfile, "setup.cfg": _setup_cfg}
    for name in _TABLES:
        if (folder / name).is_file():
            yield name, tuple(dict.fromkeys(readers[name](folder / name)))
    for path in dict.fromkeys(path for pattern in _REQUIREMENTS for path in sorted(folder.glob(pattern))):
        yield str(path.relative_to(folder)), tuple(dict.fromkeys(_requirements(path, set())))


def _requirements(path: Path, seen: set[Path]) -> Iterator[str]:
    if path in seen or not path.is_file():
        return
    seen.add(path)
    for raw in _text(path).splitlines():
        line = _OPTIONS.sub("", raw.strip()).strip()
        include = re.match(r"(?:-r|--requirement)[ =]*(\S+)", line)
        if include:
            yield from _requirements((path.parent / include[1]).resolve(), seen)
        elif line and not line.startswith("#") and not _OWN.match(line):
            yield line


def _pyproject(path: Path) -> Iterator[str]:
    document = _toml(path)
    tool = document.get("tool", {})
    yield from document.get("project", {}).get("dependencies", ())
    groups = [
        *document.get("dependency-groups", {}).values(),
        *tool.get("pdm", {}).get("dev-dependencies", {}).values(),
    ]
    groups += [tool.get("uv", {}).get("dev-dependencies", [])]
    groups += [one.get("dependencies", []) for one in tool.get("hatch", {}).get("envs", {}).values()]
    own = set(tool.get("uv", {}).get("sources", {}))
    for group in groups:
        yield from (one for one in group if isinstance(one, str) and not _OWN.match(one) and one not in own)
    poetry = tool.get("poetry", {})
    tables = [poetry.get("dependencies", {}), poetry.get("dev-dependencies", {})]
    tables += [one.get("dependencies", {}) for one in poetry.get("group", {}).values()]
    for table in tables:
        yield from _table(table)


def _pipfile(path: Path) -> Iterator[str]:
    document = _toml(path)
    yield from _table({**document.get("packages", {}), **document.get("dev-packages", {})})


def _setup_cfg(path: Path) -> Iterator[str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(_text(path))
    lines = parser.get("options", "install_requires", fallback="").splitlines()
    yield from (line.strip() for line in lines if line.strip())


def _table(table: dict[str, Any]) -> Iterator[str]:
    """Poetry's and Pipenv's tables; what is optional or comes from a path is left to nobody's guess: left out."""
    for name, value in table.items():
        entry = {"version": value} if isinstance(value, str) else value if isinstance(value, dict) else {}
        if name == "python" or entry.get("optional") or "path" in entry:
            continue
        extras = f"[{','.join(entry['extras'])}]" if entry.get("extras") else ""
        marker = f" ; {entry['markers']}" if entry.get("markers") else ""
        source = f" @ git+{entry['git']}" if "git" in entry else _poetry_range(str(entry.get("version", "*")))
        yield f"{name}{extras}{source}{marker}"


def _poetry_range(text: str) -> str:
    """``^1.2`` and ``~1.2`` as PEP 440; anything else is PEP 440 already."""
    parts = [
        part.strip()
        for part in text.split("||", maxsplit=1)[0].replace(" ", ",").split(",")
        if part.strip() not in ("", "*")
    ]
    return ",".join(_poetry_part(part) for part in parts)


def _poetry_part(part: str) -> str:
    if part[0] in "<>=!" or part.startswith("~="):
        return part
    if part[0] not in "^~":
        return f"=={part}"
    version = part[1:].strip()
    numbers = [int(number) for number in re.findall(r"\d+", re.split(r"[a-z]|\.post|\.dev", version)[0])]
    if part[0] == "^":
        index = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
    else:
        index = min(1, len(numbers) - 1)
    above = [*numbers[:index], numbers[index] + 1]
    return f">={version},<{'.'.join(map(str, above))}"


def _pins(folder: Path) -> Iterator[str]:
    for name in _LOCKS:
        path = folder / name
        if not path.is_file():
            continue
        if name == "Pipfile.lock":
            document = json.loads(_text(path))
            packages = {**document.get("develop", {}), **document.get("default", {})}
            yield from (f"{one}{entry['version']}" for one, entry in packages.items() if "version" in entry)
            return
        versions: dict[str, set[str]] = {}
        for package in _toml(path).get("package", ()):
            registry = package.get("source", {}).get("type", "registry") in ("registry", "legacy")
            local = {"editable", "virtual", "git", "directory", "path"} & set(package.get("source", {}))
            if registry and not local and "version" in package:
                versions.setdefault(package["name"], set()).add(package["version"])
        yield from (f"{one}=={found.pop()}" for one, found in versions.items() if len(found) == 1)
        return


def _imported(folder: Path) -> Iterator[str]:
    """For a project that declares nothing: what its sources import, and the drivers its URLs name."""
    sources = [path for path in folder.rglob("*.py") if "site-packages" not in path.parts]
    own = {part for path in sources for part in path.relative_to(folder).with_suffix("").parts}
    texts = [_text(path) for path in sources]
    names = {match["name"] for text in texts for match in _IMPORT.finditer(text)} - own - _standard()
    names |= {match["name"] for text in texts for match in _DRIVER.finditer(text)}
    yield from sorted({_EXTRA.get(name, name) for name in names})


def _standard() -> frozenset[str]:
    import sys

    return sys.stdlib_module_names


def _toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError:
        return {}


def _text(path: Path) -> str:
    data = path.read_bytes()
    encoding = next((one for bom, one in _BOMS.items() if data.startswith(bom)), "utf-8")
    return data.decode(encoding, "replace")
