"""A database URL while it is being normalised: its address settled, its parameters in order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_asyncdb.urls.parse import Host, InvalidURL, split_hosts
from pytest_asyncdb.urls.vocabulary import ADDRESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import URL

    from pytest_asyncdb.urls.parse import ParsedUrl

_UNFILLED = re.compile(
    r"\$\{[^{}]*\}|\{\w*\}|\{\{.*\}\}|<[A-Za-z][\w -]*>|\[[A-Z][A-Z_ -]*\]|(?-i:\$[A-Z][A-Z0-9_]*)|%\(\w+\)s"
)
_SOCKET_FILE = re.compile(r"(?P<directory>.*)/\.s\.PGSQL\.(?P<port>\d+)")
_NO_HOST = re.compile(r"[\s@?#\[\]<>'\"\\{}$&=,;]")
_LAST_PORT = 65535
_DEFAULT_PORT = "5432"


@dataclass(slots=True)
class Draft:
    """The parts of a URL. ``repr`` shows no password."""

    scheme: str
    username: str | None
    password: str | None = field(repr=False)
    hosts: tuple[Host, ...]
    database: str | None
    parameters: list[tuple[str, str]] = field(repr=False)

    @classmethod
    def of_parsed(cls, parsed: ParsedUrl, *, decode_database: bool) -> Draft:
        """Begin with parsed text.

        Args:
            parsed: the text in its parts.
            decode_database: whether percent-encoding in the database's name is to be decoded.
        """
        database = parsed.database if decode_database or parsed.form != "url" else parsed.raw_database
        parameters = [(one.name, one.value) for one in parsed.parameters]
        return cls(parsed.scheme, parsed.username, parsed.password, parsed.hosts, database, parameters)

    @classmethod
    def of_url(cls, url: URL) -> Draft:
        """Begin with a SQLAlchemy URL."""
        parameters = [
            (name, value)
            for name, values in url.query.items()
            for value in ((values,) if isinstance(values, str) else values)
        ]
        port = None if url.port is None else str(url.port)
        hosts = (Host(url.host or "", port),) if url.host or port else ()
        password = None if url.password is None else str(url.password)
        return cls(url.drivername, url.username, password, hosts, url.database, parameters)

    def last(self, name: str) -> str | None:
        """The last value of a parameter that is not empty: like libpq, later ones win."""
        return next((value for key, value in reversed(self.parameters) if key == name and value), None)

    def settle_address(self, *, keep_hostaddr: bool) -> None:
        """Move what parameters say about host, port, user, password and database to where a URL says it.

        Args:
            keep_hostaddr: whether the driver has ``hostaddr`` itself.
        """
        address = self.last("hostaddr")
        self.username = self.last("user") or self.last("username") or self.username
        self.password = self.last("password") or self.password
        self.database = self.last("dbname") or self.last("database") or self.database or None
        named = any(host.name for host in self.hosts) or self.last("host")
        if address and not keep_hostaddr and not (named and self.last("sslmode") == "verify-full"):
            # The address is what is dialled; the name only matters to a check of the certificate.
            self.parameters = [*(one for one in self.parameters if one[0] != "host"), ("host", address)]
        given = [value for name, value in self.parameters if name == "host" and value]
        ports = tuple((self.last("port") or "").split(",")) if self.last("port") else ()
        written = tuple(host.port for host in self.hosts)
        hosts = tuple(host for value in given for host in split_hosts(value)) or self.hosts or (Host(""),)
        self.hosts = _with_ports(hosts, ports or written)
        kept = {"hostaddr"} if keep_hostaddr else set()
        self.parameters = [(name, value) for name, value in self.parameters if name not in ADDRESS - kept]

    def refuse_unusable(self) -> None:
        """Check what every driver needs.

        Raises:
            InvalidURL: a part is an unfilled template or a masked password, or no host or port.
        """
        parts = [("user", self.username), ("password", self.password), ("database", self.database)]
        for host in self.hosts:
            parts += [("host", host.name), ("port", host.port)]
        for part, value in parts:
            if value and _UNFILLED.fullmatch(value):
                raise InvalidURL(f"the {part} in the database URL is a placeholder that nobody filled in")
        for host in self.hosts:
            _refuse_unusable_host(host)
        if self.password and set(self.password) == {"*"}:
            raise InvalidURL(
                "the password in the database URL is masked (`***`): str(url) hides it,"
                " url.render_as_string(hide_password=False) does not"
            )

    @property
    def host(self) -> str | None:
        """The host for the URL's own place: a single name or address, no socket."""
        single = self.hosts[0].name if len(self.hosts) == 1 else ""
        return single if single and not single.startswith("/") else None

    @property
    def port(self) -> int | None:
        """The port for the URL's own place."""
        single = self.hosts[0] if len(self.hosts) == 1 and not self.hosts[0].name.startswith("/") else None
        return int(single.port) if single and single.port else None

    def address_query(self) -> dict[str, str | tuple[str, ...]]:
        """The query that names a socket or several hosts, as both drivers of SQLAlchemy understand it."""
        if len(self.hosts) == 1:
            one = self.hosts[0]
            if not one.name.startswith("/"):
                return {}
            return {"host": one.name, "port": one.port} if one.port else {"host": one.name}
        names = [host.name for host in self.hosts]
        ports = [host.port or _DEFAULT_PORT for host in self.hosts]
        if any(":" in name or "/" in name for name in names):
            return {"host": ",".join(names), "port": ",".join(ports)}
        return {"host": tuple(f"{name}:{port}" for name, port in zip(names, ports, strict=True))}


def _with_ports(hosts: Sequence[Host], ports: Sequence[str | None]) -> tuple[Host, ...]:
    """Give each host its port: one for all, or one each."""
    found = []
    for number, host in enumerate(hosts):
        given = ports[0] if len(ports) == 1 else ports[number] if number < len(ports) else None
        file = _SOCKET_FILE.fullmatch(host.name)
        if file:
            found.append(Host(file["directory"] or "/", file["port"]))
        else:
            found.append(Host(host.name, host.port or given or None))
    return tuple(found)


def _refuse_unusable_host(host: Host) -> None:
    # Neither is repeated: after an unencoded `@` or `:` they may be pieces of the password.
    encode = "if the password holds `:`, `/`, `?` or `@`, percent-encode it: urllib.parse.quote(password, safe='')"
    if not host.name.startswith("/") and _NO_HOST.search(host.name):
        raise InvalidURL(f"the host in the database URL holds a character that no host name has; {encode}")
    if host.port and not (host.port.isascii() and host.port.isdigit() and 0 < int(host.port) <= _LAST_PORT):
        raise InvalidURL(f"the port in the database URL is no number from 1 to 65535; {encode}")
