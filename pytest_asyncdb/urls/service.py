"""Reads libpq's service files, for drivers that do not."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

from pytest_asyncdb.urls.parsed import InvalidURL


def service_parameters(service: str, servicefile: str | None = None) -> tuple[tuple[str, str], ...]:
    """Read a service's parameters.

    Args:
        service: its name, the section in the file.
        servicefile: the file; without it the places where libpq looks: ``PGSERVICEFILE``, ``~/.pg_service.conf``,
            ``PGSYSCONFDIR/pg_service.conf``.

    Raises:
        InvalidURL: no file has that service.
    """
    places = [Path(servicefile)] if servicefile else _default_places()
    for place in places:
        if parameters := _section(place, service):
            return parameters
    looked = ", ".join(str(place) for place in places)
    raise InvalidURL(
        f"the service {service!r} is not defined (looked in {looked}): define it there, or write its address"
    )


def _default_places() -> list[Path]:
    own = os.environ.get("PGSERVICEFILE")
    directory = os.environ.get("PGSYSCONFDIR")
    places = [Path(own) if own else Path.home() / ".pg_service.conf"]
    return [*places, Path(directory) / "pg_service.conf"] if directory else places


def _section(path: Path, service: str) -> tuple[tuple[str, str], ...]:
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except OSError:
        return ()
    except (configparser.Error, UnicodeDecodeError):
        raise InvalidURL(f"the service file {str(path)!r} cannot be parsed") from None
    return tuple(parser.items(service)) if parser.has_section(service) else ()
