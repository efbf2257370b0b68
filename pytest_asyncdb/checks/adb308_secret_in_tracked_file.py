"""A file that git tracks holds the password of a database elsewhere.

## What it does
Reports database URLs with a password in files that git tracks. Silent for placeholders (`password`, `changeme`,
`${DB_PASSWORD}`), for hosts on this machine or in a compose network, and for reserved names such as `example.com`.

## Root cause
Everyone who can read the repository, its forks and its history can read the password, also after it is deleted from
the newest commit.

## Fix
Change the password at the database, take the file out of git (`git rm --cached FILE`, and a line in `.gitignore`) or
the password out of the file, and hand the URL over in the environment.

## Fix safety
Not applied: it changes the repository and needs a new password, which only its owner can set.

## Seen on
Any version: it is a matter of the repository.

## Sources
-
https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/removing-sensitive-data-from-a-repository
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.1")

_RESERVED = ("localhost", "local", "internal", "test", "invalid", "example", "example.com", "example.org")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each URL with what looks like a real password for a real host."""
    for url in facts.urls:
        if url.tracked and url.has_password and not url.password_is_placeholder and _is_elsewhere(url.host):
            yield CHECK.finding(
                url.span.place,
                f"the password of a database at `{url.host}` stands in `{url.span.path}`, which git tracks",
                root_cause=_way_out(url),
                confidence=Confidence.LIKELY,
            )


def _is_elsewhere(host: str | None) -> bool:
    """Whether the host has a name or address outside this machine, its container network and the reserved names."""
    if not host or "." not in host or host.startswith(("127.", "0.", "/", "$", "{", "<", "%")):
        return False
    return not any(host == name or host.endswith(f".{name}") for name in _RESERVED)


def _way_out(url: WrittenUrl) -> str:
    file = url.span.path
    if url.kind in {"env", "env-example"}:
        advice = f"run `git rm --cached {file}` and `echo {file} >> .gitignore`, and set the URL in the environment"
    else:
        advice = f"take the URL out of `{file}` and read it from the environment"
    return f"Everyone who can read the repository or its history can read it. Change the password, then {advice}."
