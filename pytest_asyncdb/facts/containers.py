"""The folder of the project in which a container starts its app, by ``WORKDIR``, ``working_dir`` and what is copied."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.roots import folders_above

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.sources.project import Project

_DOCKERFILE = re.compile(r"(?:.*[._-])?(?:Dockerfile|Containerfile)(?:[._-].*)?", re.IGNORECASE)
_COMPOSE = re.compile(r"(?:docker-)?compose.*\.ya?ml", re.IGNORECASE)
_STEP = re.compile(r"(?im)^[ \t]*(?P<word>FROM|WORKDIR|COPY|ADD)[ \t]+(?P<rest>(?:[^\\\n]|\\.|\\\n)*)")
_MOVES = re.compile(r"\bcd\s|--chdir\b")
_SETTING = r"(?m)^[ \t]+{}:[ \t]*[\"']?(?P<value>[^\s\"'#]+)"
_VOLUME = re.compile(r"(?m)^[ \t]*-[ \t]*[\"']?(?P<here>\.[\w./-]*):(?P<there>/[\w./-]+)")


@dataclass(frozen=True, slots=True)
class _Image:
    """Where an image starts, and what of its build context lies where in it."""

    folder: str
    copies: tuple[tuple[str, str], ...]
    """Folders of the context, each with that in the image."""


def started_in(project: Project, found_in: str) -> str | None:
    """Tell the folder in which a command of a Dockerfile or a compose file starts.

    Args:
        project: the project on disk.
        found_in: path and line of the command.

    Returns:
        A folder of the project (``.`` for its root); None where the files do not tell.
    """
    path, _, line = found_in.rpartition(":")
    name = posixpath.basename(path)
    if not line.isdecimal() or not project.exists(path) or _MOVES.search(_line(project, path, int(line))):
        return None
    if _DOCKERFILE.fullmatch(name):
        image = _image(project, path, int(line))
        return _here(project, image.folder, image.copies) if image else None
    if _COMPOSE.fullmatch(name):
        return _of_service(project, path, int(line))
    return None


def _line(project: Project, path: str, number: int) -> str:
    return "".join(project.text(path).splitlines()[number - 1 : number])


def _image(project: Project, path: str, line: int | None = None) -> _Image | None:
    """The stage that a line belongs to, the last one by default."""
    text = project.text(path)
    if line is not None:
        text = "\n".join(text.splitlines()[:line])
    folder = "/"
    copies: list[tuple[str, str]] = []
    for step in _STEP.finditer(text):
        word, rest = step["word"].upper(), step["rest"]
        if word == "FROM":
            folder, copies = "/", []
        elif word == "WORKDIR":
            folder = posixpath.normpath(posixpath.join(folder, rest.strip().strip("\"'")))
        elif "--from" not in rest:
            *sources, target = _paths(rest) or [""]
            there = posixpath.normpath(posixpath.join(folder, target))
            copies += [(source, there) for source in sources]
    context = _context(project, path, [source for source, _ in copies])
    if context is None or "$" in folder:
        return None
    return _Image(folder, tuple(_folders(project, context, copies)))


def _paths(rest: str) -> list[str]:
    rest = re.sub(r"--[\w-]+(?:=\S+)?", "", rest.replace("\\\n", " ")).strip()
    try:
        told = json.loads(rest) if rest.startswith("[") else rest.split()
    except ValueError:
        return []
    return [str(one) for one in told]


def _context(project: Project, path: str, sources: list[str]) -> str | None:
    """The folder that an image is built from: the nearest that has all that is copied."""
    plain = [one for one in sources if not any(sign in one for sign in "*?$[")]
    for folder in folders_above(path):
        if plain and all(_exists(project, posixpath.normpath(posixpath.join(folder, one))) for one in plain):
            return folder
    return None


def _exists(project: Project, path: str) -> bool:
    return path == "." or path in project.folders or project.exists(path)


def _folders(project: Project, context: str, copies: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for source, there in copies:
        here = posixpath.normpath(posixpath.join(context, source))
        if here == "." or here in project.folders:
            yield here, there


def _of_service(project: Project, path: str, line: int) -> str | None:
    """The same of a service in a compose file, whose folders may be mounted over those of its image."""
    lines = project.text(path).splitlines()
    text = _block(lines, line - 1)
    own = posixpath.dirname(path) or "."
    told = re.search(_SETTING.format("working_dir"), text)
    mounted = [
        (posixpath.normpath(posixpath.join(own, one["here"])), one["there"].rstrip("/"))
        for one in _VOLUME.finditer(text)
    ]
    image = _image(project, dockerfile) if (dockerfile := _dockerfile(project, own, text)) else None
    folder = told["value"].rstrip("/") if told else image.folder if image else ""
    return _here(project, folder, (*mounted, *(image.copies if image else ()))) if folder else None


def _block(lines: list[str], at: int) -> str:
    """The lines of the service around one of its lines: everything that is indented more than its name."""
    depths = [len(one) - len(one.lstrip()) if one.strip() else None for one in lines]
    names = [n for n, depth in enumerate(depths[: at + 1]) if depth is not None and lines[n].rstrip().endswith(":")]
    inner = depths[at] or 0
    start = at
    for number in reversed(names):
        depth = depths[number] or 0
        if depth < inner:
            start, inner = number, depth
            if any(one is not None and one < depth for one in depths[:number]) and _is_services(lines, depths, number):
                break
    end = next((n for n in range(start + 1, len(lines)) if (d := depths[n]) is not None and d <= inner), len(lines))
    return "\n".join(lines[start:end])


def _is_services(lines: list[str], depths: list[int | None], number: int) -> bool:
    """Whether the nearest line above that is indented less is ``services:``."""
    own = depths[number] or 0
    above = next((n for n in range(number - 1, -1, -1) if (d := depths[n]) is not None and d < own), None)
    return above is not None and lines[above].strip() == "services:"


def _dockerfile(project: Project, own: str, text: str) -> str | None:
    """The Dockerfile that a service is built from."""
    built = re.search(_SETTING.format("build"), text)
    context, name = re.search(_SETTING.format("context"), text), re.search(_SETTING.format("dockerfile"), text)
    if built is None and context is None:
        return None
    folder = posixpath.normpath(posixpath.join(own, (built or context)["value"]))  # type: ignore[index]  # one is there
    path = posixpath.normpath(posixpath.join(folder, name["value"] if name else "Dockerfile"))
    return path if project.exists(path) else None


def _here(project: Project, there: str, copies: tuple[tuple[str, str], ...]) -> str | None:
    """The project's folder that lies at a path of the image."""
    for here, target in copies:
        if there == target or there.startswith(f"{target.rstrip('/')}/"):
            found = posixpath.normpath(posixpath.join(here, there[len(target) :].strip("/")))
            if found == "." or found in project.folders:
                return found
    for here, target in copies:  # `COPY app /code/app` tells what `/code` is
        rest = target[len(there) :].strip("/") if target.startswith(f"{there.rstrip('/')}/") else ""
        if rest and (here == rest or here.endswith(f"/{rest}")):
            return here[: -len(rest)].rstrip("/") or "."
    return None
