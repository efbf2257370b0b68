"""Where the parameters of a URL go when it is normalised, with the record of what changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_asyncdb.urls.context import VERIFYING, ssl_context
from pytest_asyncdb.urls.parsed import InvalidURL, is_secret_parameter
from pytest_asyncdb.urls.redact import MASK
from pytest_asyncdb.urls.translation import Action, options_of

if TYPE_CHECKING:
    import ssl
    from typing import TypeAlias

    from pytest_asyncdb.urls.translation import Scalar, Translation

    ConnectArg: TypeAlias = "Scalar | ssl.SSLContext | dict[str, str]"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that normalising changed: ``what`` (without secrets) and the ``reason``."""

    what: str
    reason: str


@dataclass(slots=True)
class Parts:
    """Where the parameters went."""

    changes: list[Change]
    query: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    connect_args: dict[str, ConnectArg] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    engine_options: dict[str, Scalar] = field(default_factory=dict)
    tls: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, value: str, translation: Translation) -> None:
        """Put one translated parameter in its place."""
        match translation.action:
            case Action.INVALID:
                raise InvalidURL(translation.reason)
            case Action.KEEP:
                self.query[name] = value
                return
            case Action.REPLACE:
                key, _, text = translation.text.partition("=")
                self.query[key] = text
            case Action.CONNECT_ARG:
                self.connect_args[translation.key] = translation.value
            case Action.SETTINGS:
                own = {key.lower() for key in self.settings} if name.startswith("fallback_") else set()
                self.settings |= {key: text for key, text in translation.settings if key.lower() not in own}
            case Action.ENGINE_OPTION:
                self.engine_options[translation.key] = translation.value
                if name in ("connection_limit", "max_size"):
                    self.engine_options.setdefault("max_overflow", 0)
            case Action.CONTEXT:
                self.tls[name] = value
                return
        self.changes.append(Change(f"{_shown(name, value)} {_where(translation)}", translation.reason))


def finish_asyncpg(parts: Parts) -> Parts:
    """Turn settings and TLS files into asyncpg's arguments.

    Raises:
        InvalidURL: a TLS file cannot be used, or direct TLS is asked for with a mode that allows none.
    """
    mode = str(parts.query.get("ssl", "prefer"))
    if parts.settings:
        parts.connect_args["server_settings"] = dict(parts.settings)
    if parts.connect_args.get("direct_tls") and mode not in ("require", *VERIFYING):
        raise InvalidURL("direct TLS needs sslmode=require, verify-ca or verify-full beside it")
    if parts.tls:
        _settle_tls(parts, "verify-full" if parts.tls.get("sslrootcert") == "system" else mode)
    return parts


def finish_psycopg(parts: Parts) -> Parts:
    """Turn settings into libpq's ``options``."""
    if parts.settings:
        written = options_of(tuple(parts.settings.items()))
        parts.query["options"] = " ".join(filter(None, (str(parts.query.get("options", "")), written)))
    return parts


def _settle_tls(parts: Parts, mode: str) -> None:
    names = ", ".join(parts.tls)
    # An SSLContext demands TLS: where the mode does not, only a certificate of the client's own is worth that.
    if mode == "disable" or (mode in ("allow", "prefer") and "sslcert" not in parts.tls):
        reason = f"sslmode={mode} does not authenticate the server: verify-full does"
        parts.changes.append(Change(f"{names} removed", reason))
        return
    parts.connect_args["ssl"] = ssl_context(mode, parts.tls)
    parts.query.pop("ssl", None)
    reason = "asyncpg.connect() takes files and versions of TLS as an SSLContext only; with one, TLS is demanded"
    parts.changes.append(Change(f"{names} -> connect_args ssl=SSLContext for {mode}", reason))


def _shown(name: str, value: str) -> str:
    return f"{name}={MASK if is_secret_parameter(name) else value}"


def _where(translation: Translation) -> str:
    match translation.action:
        case Action.REPLACE:
            return f"-> {translation.text}"
        case Action.CONNECT_ARG:
            value = MASK if is_secret_parameter(translation.key) else translation.value
            return f"-> connect_args {translation.key}={value!r}"
        case Action.SETTINGS:
            return "-> server settings " + ", ".join(f"{key}={value}" for key, value in translation.settings)
        case Action.ENGINE_OPTION:
            return f"-> create_async_engine(..., {translation.key}={translation.value!r})"
    return "removed"
