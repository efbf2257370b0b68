"""Builds the SSLContext that says for asyncpg what libpq says with files and versions."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.urls.parsed import InvalidURL

if TYPE_CHECKING:
    from collections.abc import Mapping

VERIFYING = ("verify-ca", "verify-full")
_VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


def ssl_context(mode: str, files: Mapping[str, str]) -> ssl.SSLContext:
    """Build a context that does what libpq does.

    Args:
        mode: ``require``, ``verify-ca`` or ``verify-full``; weaker modes get what ``require`` gets.
        files: libpq's ``sslrootcert``, ``sslcert``, ``sslkey``, ``sslpassword``, ``sslcrl``, ``sslcrldir``,
            ``ssl_min_protocol_version`` and ``ssl_max_protocol_version``, as far as given.

    Raises:
        InvalidURL: a file cannot be read or holds nothing usable, or a version is unknown.
    """
    root = files.get("sslrootcert") or _default_root(mode)
    system = root == "system"
    # Not create_default_context(): since Python 3.13 that refuses CAs without a key usage, which libpq accepts.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = system or mode == "verify-full"
    if not root:
        context.verify_mode = ssl.CERT_NONE
    elif system:
        context.load_default_certs()
    else:
        _load(context, "sslrootcert", root)
    _load_revocations(context, files)
    _load_certificate(context, files)
    context.minimum_version = _version(files, "ssl_min_protocol_version", ssl.TLSVersion.TLSv1_2)
    context.maximum_version = _version(files, "ssl_max_protocol_version", ssl.TLSVersion.MAXIMUM_SUPPORTED)
    return context


def _default_root(mode: str) -> str:
    if mode not in VERIFYING:
        return ""
    default = os.environ.get("PGSSLROOTCERT") or str(Path.home() / ".postgresql" / "root.crt")
    if default != "system" and not Path(default).is_file():
        raise InvalidURL(
            f"sslmode={mode} needs a root certificate: add sslrootcert=FILE (or sslrootcert=system) to the URL,"
            f" set PGSSLROOTCERT, or put one at {default}"
        )
    return default


def _load(context: ssl.SSLContext, name: str, path: str) -> None:
    directory = path if name == "sslcrldir" else None
    try:
        if directory and not Path(directory).is_dir():
            raise NotADirectoryError(directory)
        context.load_verify_locations(cafile=None if directory else path, capath=directory)
    except OSError as error:  # ssl.SSLError is one
        raise InvalidURL(f"`{name}` names {path!r}, which cannot be loaded: {_why(error)}") from None


def _load_revocations(context: ssl.SSLContext, files: Mapping[str, str]) -> None:
    for name in ("sslcrl", "sslcrldir"):
        if path := files.get(name):
            _load(context, name, path)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def _load_certificate(context: ssl.SSLContext, files: Mapping[str, str]) -> None:
    certificate, key = files.get("sslcert"), files.get("sslkey")
    if not certificate:
        if key:
            raise InvalidURL("`sslkey` is given without `sslcert`")
        return
    default = Path.home() / ".postgresql" / "postgresql.key"
    if not key and default.is_file():
        key = str(default)
    # A callable: without one, OpenSSL would ask for the password on the terminal.
    password = files.get("sslpassword", "")
    try:
        context.load_cert_chain(certificate, key or None, lambda: password)
    except OSError as error:
        named = f"`sslcert` ({certificate!r})" + (f" with `sslkey` ({key!r})" if key else "")
        raise InvalidURL(f"{named} cannot be loaded: {_why(error)}") from None


def _version(files: Mapping[str, str], name: str, default: ssl.TLSVersion) -> ssl.TLSVersion:
    value = files.get(name)
    if not value:
        return default
    if value not in _VERSIONS:
        raise InvalidURL(f"`{name}` must be one of {', '.join(_VERSIONS)}")
    return _VERSIONS[value]


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"it is no such PEM file, or its password is missing or wrong ({error.reason or 'unknown format'})"
    return error.strerror or "no such directory"
