"""Which providers' servers have certificates that no public authority signed, and how to get their root."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PrivateRoot:
    """A provider whose certificates need a root of its own; ``root`` says where that is had."""

    provider: str
    root: str


_ROOTS = (
    (
        r"[\w.-]+\.rds\.amazonaws\.com(?:\.cn)?",
        PrivateRoot("Amazon RDS", "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"),
    ),
    (
        r"(?:[\w.-]+\.)?supabase\.(?:co|com)",
        PrivateRoot("Supabase", 'the project\'s database settings, "SSL configuration"'),
    ),
    (
        r"[\w.-]+\.db\.ondigitalocean\.com",
        PrivateRoot("DigitalOcean", 'the cluster\'s overview, "Download CA certificate"'),
    ),
    (
        r"[\w.-]+\.aivencloud\.com",
        PrivateRoot("Aiven", 'the service\'s overview, "CA certificate"'),
    ),
)


def private_root(host: str | None) -> PrivateRoot | None:
    """The root certificate that a server at this host needs; None where a public authority may have signed it."""
    name = (host or "").lower().rstrip(".")
    return next((root for pattern, root in _ROOTS if re.fullmatch(pattern, name)), None)
