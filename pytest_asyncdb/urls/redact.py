"""Takes secrets out of text. Standard library only: the sandboxed child imports it before the project.

What counts as a secret, in short:

* A password that is a well-known placeholder (``is_placeholder``), shorter than four characters, or a number of fewer
  than six digits is **no secret**: it protects nothing, and masking it would destroy messages.
* A password equal to the user, database or host of its own URL is no secret either (``app:app@localhost/app``).
* Short secrets and plain words are masked as whole tokens only, so ``abcd`` leaves ``abcdef`` alone.
* Between ``scheme://user:`` and ``@host`` everything is masked, known or not, unless it is a template: ``{password}``.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"

_MIN_LENGTH = 4
_MIN_DIGITS = 6
_MIN_BASE64 = 6
_STRONG_LENGTH = 8
_STRONG_WORD_LENGTH = 12
_LAST_LATIN1 = 0xFF
_LAST_BMP = 0xFFFF

_IN_URL = r"""://[^\s:/?#"'`]*:(?P<url>[^\s"'`]+)@|[?&](?:ssl)?password=(?P<query>[^&\s"'`]+)"""
_TEMPLATE = re.compile(r"\$?\{[^{}]*\}|\$[A-Z_][A-Z0-9_]*|<[^<>]*>|%\(\w+\)s|%s|\*+")
_BASE64_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")

_NAMED_ESCAPES = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#(?:x27|39);"}
# A token also starts after an escape that ends in a letter or digit: `\n`, `%3A`, `\x3a`, `\u003a`.
_AFTER_ESCAPE = r"(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrtbf])|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4})"

_PLACEHOLDER = re.compile(
    r"""
    [*.\-_?]* | x{3,} | <.*> | (?-i:\[[A-Z][A-Z _-]*\]) | (?-i:\$[A-Z_][A-Z0-9_]*) | \$?\{.*\} | %\(\w+\)s | %s
    | your[-_ ].* | your(?:password|pass|pwd|secret|key|token) | .*[-_ ](?:here|placeholder) | placeholder | to[-_ ]?do
    | (?:change|replace)[-_ ]?(?:me|this|it)[-_ ]?(?:please|now|in[-_ ]production)?\d{0,3}!? | replace[-_ ]with[-_ ].*
    | (?:my|db|database|pg|postgres|postgresql|user|admin|root|test|dev|local|example|app|default|mysecret)?
      [-_ ]?(?:password|passwd|pass|pwd|pw|secret)\d{0,3}
    | (?:postgres|postgresql|admin|root|user|username|test|testing|dev|development|local|localhost|docker|demo|default
      |example|sample|dummy|fake|guest|database|foobar|foo|bar|baz|none|null|empty)\d{0,3}
    | 1234(?:5(?:6(?:7(?:8(?:90?)?)?)?)?)?
    """,
    re.VERBOSE | re.IGNORECASE,
)

_NAME_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PASSWORD_WORDS = frozenset({"PASSWORD", "PASSWD", "PASS", "PASSPHRASE", "PWD", "PGPASSWORD"})
_SECRET_WORDS = _PASSWORD_WORDS.union(
    ("SECRET", "SECRETS", "TOKEN", "KEY", "APIKEY", "CREDENTIAL", "CREDENTIALS", "SALT", "PEPPER")
)
_OPEN_WORDS = frozenset({"PUBLIC", "PUB", "PUBLISHABLE"})
_OPEN_ENDING = re.compile(
    r"URL|URI|PATH|FILE|DIR|NAME|ID|ALG|ALGORITHM|TYPE|EXPIR\w*|AGE|MINUTES|SECONDS|DAYS|HOURS|TTL|LENGTH|SIZE|PREFIX|HEADER"
    r"|ISSUER|AUDIENCE|ENABLED|SCHEMES?|FORMAT|HOST|PORT|REGION|POLICY|ENDPOINT|HASHER|LIFETIME"
)
_NO_VALUES = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null"})
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_URL = re.compile(r"(?s)(?P<scheme>[A-Za-z][\w+.:-]*)://(?P<rest>.+)")
_CONNINFO_PASSWORD = re.compile(
    r"(?:^|[\s?&;])(?:ssl)?password\s*=\s*(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<plain>[^\s&;]+))"
)


def is_placeholder(password: str) -> bool:
    """Whether a password is a stand-in that everybody knows (``changeme``, ``<password>``, ``${DB_PASSWORD}``)."""
    return _PLACEHOLDER.fullmatch(password.strip()) is not None


class Redactor:
    """Replaces every secret it knows by ``***``: raw, percent-encoded, decoded, escaped as in JSON or ``repr``, base64.

    Args:
        secrets: values to hide. Those that are no secrets by the rule of this module are left out.
    """

    __slots__ = ("_pattern", "_secrets")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Take the first secrets; more can be added."""
        self._secrets: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def __repr__(self) -> str:
        """Tell how many secrets are known, never which."""
        return f"<Redactor of {len(self._secrets)} secrets>"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is hidden, for handing over to another process through a pipe: never print it."""
        return tuple(self._secrets)

    def add(self, secret: str) -> None:
        """Hide this value from now on, and what it is when percent-decoded."""
        for form in {secret, secret.strip(), unquote(secret), unquote_plus(secret)}:
            if _is_secret(form) and form not in self._secrets:
                self._secrets[form] = None
                self._pattern = None

    def text(self, s: str) -> str:
        """Return ``s`` with each secret replaced by ``***`` as a whole; overlapping ones become a single mask."""
        if self._pattern is None:
            self._pattern = _compile(self._secrets)
        pieces: list[str] = []
        done = start = end = 0
        position = 0
        while match := self._pattern.search(s, position):
            position = match.start() + 1
            span = _masked_span(match, s)
            if span is None:
                continue
            if span[0] > end or not end:
                pieces += (s[done:start], MASK) if end else ()
                done, (start, end) = end, span
            else:
                start, end = min(start, span[0]), max(end, span[1])
        pieces += (s[done:start], MASK) if end else ()
        return "".join([*pieces, s[end:]])


def secrets_of(name: str, value: str) -> tuple[str, ...]:
    """Tell what is secret in a setting.

    Args:
        name: the setting's name, e.g. ``DATABASE_URL`` or ``jwt_secret``; may be empty.
        value: its value as read.

    Returns:
        Each secret as it stands there and, where that differs, percent-decoded. Empty for public keys, flags, numbers,
        placeholders and URLs without credentials.
    """
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"`":
        value = value[1:-1].strip()
    words = {word.upper() for word in _NAME_WORDS.findall(name)}
    found = [*_in_url(value, is_dsn="DSN" in words), *_in_conninfo(value)]
    if not found and _is_secret_name(name) and _is_secret_value(value, is_password=bool(words & _PASSWORD_WORDS)):
        found.append(value)
    forms = [form for one in found for form in (one, unquote(one)) if _is_secret(form)]
    return tuple(dict.fromkeys(forms))


def _is_secret(value: str) -> bool:
    too_weak = len(value) < _MIN_LENGTH or (value.isdecimal() and len(value) < _MIN_DIGITS)
    return not too_weak and not is_placeholder(value)


def _is_secret_name(name: str) -> bool:
    words = [word.upper() for word in _NAME_WORDS.findall(name)]
    if not words or words in (["PWD"], ["OLDPWD"]) or _OPEN_WORDS.intersection(words):
        return False
    return bool(_SECRET_WORDS.intersection(words)) and not _OPEN_ENDING.fullmatch(words[-1])


def _is_secret_value(value: str, *, is_password: bool) -> bool:
    if value.lower() in _NO_VALUES or "://" in value:
        return False
    return is_password or _NUMBER.fullmatch(value) is None


def _in_url(value: str, *, is_dsn: bool) -> list[str]:
    url = _URL.search(value)
    if url is None or "@" not in url["rest"]:
        return []
    # The last `@` before the query ends the credentials, so that an unescaped one inside the password stays hidden.
    before_query = url["rest"].partition("?")[0]
    credentials, at, rest = (before_query if "@" in before_query else url["rest"]).rpartition("@")
    user, colon, password = credentials.partition(":")
    if not colon:
        return [user] if is_dsn and url["scheme"].startswith("http") else []
    host, _, path = rest.partition("/")
    known = {unquote(user), host.partition(":")[0], path.partition("?")[0]}
    if not at or _TEMPLATE.fullmatch(password):
        return []
    # SQLAlchemy ends the password at the first `@` and takes the next piece for the host: the pieces are secret too.
    pieces = re.split(r"[@/:?#]", password) if "@" in password else []
    return [one for one in (password, *pieces) if unquote(one) not in known]


def _in_conninfo(value: str) -> list[str]:
    found = []
    for match in _CONNINFO_PASSWORD.finditer(value):
        quoted: str | None = match["quoted"]
        found.append(match["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
    return found


def _masked_span(match: re.Match[str], text: str) -> tuple[int, int] | None:
    """What to mask for one match: all of it, or the password in a URL, or the whole run of base64 around it."""
    group = match.lastgroup
    if group in ("url", "query"):
        return None if _TEMPLATE.fullmatch(match[group]) else match.span(group)
    start, end = match.span()
    if group == "base64":
        while start and text[start - 1] in _BASE64_CHARACTERS:
            start -= 1
        while end < len(text) and text[end] in _BASE64_CHARACTERS:
            end += 1
    return start, end


def _compile(secrets: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(secrets, key=len, reverse=True)
    alternatives = [_IN_URL]
    if longest_first:
        alternatives.append(f"(?P<secret>{'|'.join(_any_spelling(one) for one in longest_first)})")
    encoded = [re.escape(core) for one in longest_first for core in _base64_cores(one)]
    if encoded:
        alternatives.append(f"(?P<base64>{'|'.join(encoded)})")
    return re.compile("|".join(alternatives))


def _any_spelling(secret: str) -> str:
    """Build the pattern of a secret in which each character may be written in any of the usual ways."""
    body = "".join(_spellings(character) for character in secret)
    is_word = secret.isalpha() and secret in (secret.lower(), secret.upper(), secret.capitalize())
    if len(secret) >= (_STRONG_WORD_LENGTH if is_word else _STRONG_LENGTH):
        return body
    inside = r"\w" if secret.isalpha() else "[^\\W_]"
    before = f"(?:(?<!{inside})|{_AFTER_ESCAPE})" if re.match(r"\w", secret) else ""
    after = f"(?!{inside})" if re.search(r"\w$", secret) else ""
    return f"{before}{body}{after}"


def _spellings(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    code = ord(character)
    octets = character.encode("utf-8", "surrogatepass")
    ways = [r"\\+" if character == "\\" else rf"\\*{re.escape(character)}"]
    ways.append("".join(f"%(?:25)*{_hex(f'{octet:02x}')}" for octet in octets))
    ways.append("".join(rf"\\+x{_hex(f'{octet:02x}')}" for octet in octets))
    if character == " ":
        ways.append(r"\+")
    if character in _NAMED_ESCAPES:
        ways.append(rf"\\+{_NAMED_ESCAPES[character]}")
    if character in _HTML:
        ways.append(_HTML[character])
    if code <= _LAST_LATIN1:
        ways.append(rf"\\+x{_hex(f'{code:02x}')}")
    if code <= _LAST_BMP:
        ways.append(rf"\\+u{_hex(f'{code:04x}')}")
    else:
        pair = character.encode("utf-16-be").hex()
        ways += [rf"\\+U{_hex(f'{code:08x}')}", rf"\\+u{_hex(pair[:4])}\\+u{_hex(pair[4:])}"]
    return f"(?:{'|'.join(ways)})"


def _hex(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


def _base64_cores(secret: str) -> set[str]:
    """The stretches of base64 that only this secret's octets decide, for each of the three ways it can be aligned."""
    octets = secret.encode("utf-8", "surrogatepass")
    if len(octets) < _MIN_BASE64:
        return set()
    cores = set()
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + octets + bytes(-(shift + len(octets)) % 3)).decode("ascii")
        first, last = -(-shift * 8 // 6), (shift + len(octets)) * 8 // 6
        core = whole[first:last]
        cores |= {core, core.replace("+", "-").replace("/", "_")}
    return cores
