"""Real servers for the tests of this directory."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
PASSWORD = "p@ss/w:r d%41"
HBA = """
local all all trust
hostssl all certified all cert
hostssl all tlsonly all scram-sha-256
hostnossl all tlsonly all reject
host all all all scram-sha-256
"""


@dataclass(frozen=True)
class TlsServer:
    """A server with TLS, SCRAM, a private CA, a socket and three users.

    ``files`` holds ca.pem, other-ca.pem, client.pem, client.key, locked.key (``unlock``), good.crl and revoked.crl.
    ``app`` has a password, ``tlsonly`` needs TLS as well, ``certified`` needs the client's certificate.
    """

    port: int
    files: Path
    sockets: Path

    def url(self, query: str = "", user: str = "app", host: str = "127.0.0.1") -> str:
        from urllib.parse import quote

        return (
            f"postgresql://{user}:{quote(PASSWORD, safe='')}@{host}:{self.port}/postgres{'?' if query else ''}{query}"
        )


class Authority:
    """A certificate authority without key usage, as private ones often are."""

    def __init__(self, name: str) -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed(self.name, self.key).sign(self.key, hashes.SHA256())

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool = True
    ) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder(
            self.name, subject, key.public_key(), x509.random_serial_number(), NOW - DAY, NOW + DAY
        )
        return builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)

    def issue(self, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._signed(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, ca=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        return builder.sign(self.key, hashes.SHA256()), key

    def revocations(self, *revoked: x509.Certificate) -> bytes:
        builder = x509.CertificateRevocationListBuilder(self.name, NOW - DAY, NOW + DAY)
        for one in revoked:
            entry = x509.RevokedCertificateBuilder(one.serial_number, NOW - DAY).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def private(key: ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def make_files(folder: Path) -> None:
    authority, other = Authority("test ca"), Authority("another ca")
    server, server_key = authority.issue("localhost")
    client, client_key = authority.issue("certified")
    contents = {
        "ca.pem": pem(authority.certificate),
        "other-ca.pem": pem(other.certificate),
        "server.pem": pem(server),
        "server.key": private(server_key),
        "client.pem": pem(client),
        "client.key": private(client_key),
        "locked.key": private(client_key, b"unlock"),
        "good.crl": authority.revocations(),
        "revoked.crl": authority.revocations(server),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)


@pytest.fixture(scope="session")
def tls_server() -> Iterator[TlsServer]:
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        pytest.skip("no Debian server here")
    with tempfile.TemporaryDirectory(prefix="asyncdb-tls-") as folder, run_server(binaries[-1], Path(folder)) as server:
        yield server


@contextmanager
def run_server(binaries: Path, folder: Path) -> Iterator[TlsServer]:
    make_files(folder)
    owner = "postgres" if os.geteuid() == 0 else None  # the server refuses root
    data, sockets = folder / "data", folder / "sockets"
    sockets.mkdir()
    if owner:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, owner)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "--locale=C", "-E", "UTF8"]
    subprocess.run(initdb, user=owner, check=True, capture_output=True, cwd=folder)
    (data / "pg_hba.conf").write_text(HBA)
    settings = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": sockets, "ssl": "on", "fsync": "off",
        "ssl_cert_file": folder / "server.pem", "ssl_key_file": folder / "server.key", "ssl_ca_file": folder / "ca.pem",
    }  # fmt: skip
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [binaries / "postgres", "-D", data, *arguments]
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, user=owner, stdout=silent, stderr=silent, cwd=folder)
    try:
        create_users(binaries, sockets, port, folder)
        yield TlsServer(port, folder, sockets)
    finally:
        process.terminate()
        process.wait(30)


def create_users(binaries: Path, sockets: Path, port: int, folder: Path) -> None:
    users = "".join(
        f"CREATE ROLE {name} SUPERUSER LOGIN PASSWORD '{PASSWORD}';" for name in ("app", "tlsonly", "certified")
    )
    psql = [
        binaries / "psql",
        "-qX",
        "-h",
        sockets,
        "-p",
        str(port),
        "-U",
        "postgres",
        "-v",
        "ON_ERROR_STOP=1",
        "postgres",
    ]
    deadline = time.monotonic() + 30
    while True:
        done = subprocess.run(psql, input=users, text=True, capture_output=True, check=False, cwd=folder)
        if done.returncode == 0:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(done.stderr)
        time.sleep(0.05)
