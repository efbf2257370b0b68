"""The certificate of the throwaway servers: made once, for localhost only, kept in the user's cache directory."""

from __future__ import annotations

import json
import os
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = ("localhost", "127.0.0.1", "::1")
VALID = 365 * 86400
RENEW = 30 * 86400
"""Seconds before its end at which a certificate is replaced: a run that has begun must not see it expire."""


def certificates(cache: Path) -> dict[str, str]:
    """PEM texts ``server.pem`` (private key and chain) and ``ca.pem``; new when missing, damaged or about to expire.

    A cache that cannot be written costs time, nothing else.
    """
    path = cache / "certificates.json"
    try:
        kept = json.loads(path.read_text("ascii"))
        pems = {name: str(kept[name]) for name in ("server.pem", "ca.pem")}
        if kept["crc"] == _crc(pems) and kept["until"] - RENEW > time.time():
            return pems
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none yet, or damaged
    until = time.time() + VALID
    pems = _make(until)
    with suppress(OSError):
        _keep(path, json.dumps({**pems, "crc": _crc(pems), "until": until}))
    return pems


def _crc(pems: dict[str, str]) -> int:
    return zlib.crc32((pems["server.pem"] + pems["ca.pem"]).encode())


def _make(until: float) -> dict[str, str]:
    from datetime import UTC, datetime

    import trustme

    end = datetime.fromtimestamp(until, UTC)
    authority = trustme.CA(organization_name="pytest-asyncdb throwaway server")
    certificate = authority.issue_cert(*HOSTS, not_after=end)
    return {
        "server.pem": certificate.private_key_and_cert_chain_pem.bytes().decode("ascii"),
        "ca.pem": authority.cert_pem.bytes().decode("ascii"),
    }


def _keep(path: Path, text: str) -> None:
    """Put the file in place, whole or not at all, readable by its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    making = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    try:
        making.touch(0o600, exist_ok=False)
        making.write_text(text, "ascii")
        making.replace(path)
    except OSError:
        making.unlink(missing_ok=True)
        raise
