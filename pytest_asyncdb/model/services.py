"""Which service an app wanted to reach, told from port, host name and library; or which program it wanted to run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.errors import chain, is_connection_error, is_database_error

if TYPE_CHECKING:
    from pytest_asyncdb.sandbox.record import BootRecord, ErrorRecord, RefusedRecord

_BY_PORT = {
    6379: "Redis", 6380: "Redis", 26379: "Redis", 25: "a mail server", 465: "a mail server", 587: "a mail server",
    1025: "a mail server", 2525: "a mail server", 5672: "RabbitMQ", 5671: "RabbitMQ", 9092: "Kafka", 27017: "MongoDB",
    9200: "Elasticsearch", 9000: "object storage (S3)", 4566: "AWS", 11211: "Memcached", 4222: "NATS", 6333: "Qdrant",
    8500: "Consul", 8200: "Vault", 2181: "ZooKeeper", 3306: "MySQL", 4317: "an OpenTelemetry collector",
    4318: "an OpenTelemetry collector", 8125: "StatsD", 7687: "Neo4j", 9042: "Cassandra", 389: "LDAP", 636: "LDAP",
    7233: "Temporal",
}  # fmt: skip
_BY_WORD = {
    "redis": "Redis", "aioredis": "Redis", "valkey": "Valkey", "coredis": "Redis", "smtp": "a mail server",
    "smtplib": "a mail server", "aiosmtplib": "a mail server", "mail": "a mail server", "mailhog": "a mail server",
    "mailpit": "a mail server", "rabbitmq": "RabbitMQ", "rabbit": "RabbitMQ", "aio_pika": "RabbitMQ",
    "aiormq": "RabbitMQ", "pika": "RabbitMQ", "kafka": "Kafka", "aiokafka": "Kafka", "mongo": "MongoDB",
    "mongodb": "MongoDB", "pymongo": "MongoDB", "elasticsearch": "Elasticsearch", "elastic_transport": "Elasticsearch",
    "opensearch": "OpenSearch", "opensearchpy": "OpenSearch", "minio": "object storage (S3)",
    "s3": "object storage (S3)", "botocore": "AWS", "aiobotocore": "AWS", "amazonaws": "AWS", "sentry": "Sentry",
    "sentry_sdk": "Sentry", "auth0": "Auth0", "keycloak": "Keycloak", "memcached": "Memcached", "nats": "NATS",
    "consul": "Consul", "vault": "Vault", "hvac": "Vault", "googleapis": "Google Cloud", "azure": "Azure",
    "stripe": "Stripe", "openai": "OpenAI", "temporal": "Temporal", "cognito": "AWS Cognito", "okta": "Okta",
}  # fmt: skip
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0"})  # noqa: S104 - compared with, never bound
_TARGET = re.compile(r"(?P<host>.*?)(?::(?P<port>\d+))?$")
_STARTS = ("import", "create", "startup")


def service_of(target: str, error: ErrorRecord | None = None) -> str:
    """The service behind ``host:port``: ``Redis``, ``a mail server``; empty when nothing tells.

    Args:
        target: what was refused.
        error: what came of it: the library that raised tells most.
    """
    match = _TARGET.fullmatch(target)
    host, port = (match["host"], match["port"]) if match else (target, None)
    libraries = [name.partition(".")[0] for name, _ in chain(error)] if error else []
    for word in (*libraries, *re.split(r"[.\-]", host.lower())):
        if word in _BY_WORD:
            return _BY_WORD[word]
    return _BY_PORT.get(int(port), "") if port else ""


def named(refused: RefusedRecord, error: ErrorRecord | None = None) -> str:
    """``Redis at localhost:6379``, or the address alone; ``the program `curl …```."""
    if refused.kind == "program":
        # What follows the name is long, and may hold a password.
        name, *rest = refused.target.lstrip("( \t\n").split(maxsplit=1) or [""]
        return f"the program `{name}{' …' if rest else ''}`"
    service = service_of(refused.target, error)
    return f"{service} at {refused.target}" if service else refused.target


def withheld(refused: RefusedRecord) -> str:
    """What a check does with it, at the end of a sentence."""
    return "which a check does not run" if refused.kind == "program" else "which a check does not provide"


def refusal(refused: RefusedRecord) -> str:
    """``refused a connection to Redis at localhost:6379``: what the sandbox did."""
    return f"{'did not run' if refused.kind == 'program' else 'refused a connection to'} {named(refused)}"


def same_service(target: str) -> str:
    """What all spellings of one address have in common: this machine has several names."""
    match = _TARGET.fullmatch(target)
    return f"here:{match['port']}" if match and match["host"] in _LOCAL else target


def missed(boot: BootRecord) -> tuple[RefusedRecord, ErrorRecord | None] | None:
    """The service or program for want of which the app does not start, and what it raised.

    Only a start that fails because something could not be reached counts, or that goes on trying until its deadline;
    an error of the database is its own.
    """
    failed = next((one for one in boot.phases if one.name in _STARTS and not one.ok), None)
    killed = boot.end.phase if boot.end.how == "deadline" and boot.end.phase in _STARTS else ""
    refused = [one for one in boot.refused if one.phase == (failed.name if failed else killed)]
    error = failed.error if failed else None
    if error is None:
        late = killed or (failed is not None and failed.timed_out)
        return next(((one, None) for one in refused if late and one.count > 1), None)
    told = _cause(refused, error)
    return (told, error) if told else None


def unreached(boot: BootRecord, error: ErrorRecord) -> str:
    """Why a module that the app does not import can't be imported here, when something was refused; else empty."""
    told = _cause([one for one in boot.refused if one.phase == "modules"], error)
    if told is None:
        return ""
    if told.kind == "program":
        return f"it starts {named(told)} meanwhile, {withheld(told)}"
    return f"it reaches for {named(told, error)} meanwhile, which the check refuses"


def _cause(refused: list[RefusedRecord], error: ErrorRecord) -> RefusedRecord | None:
    """Which refusal an error comes of."""
    if not refused or is_database_error(error) or not is_connection_error(error):
        return None
    said = " ".join(message for _, message in chain(error))
    return next((one for one in refused if one.target in said or one.target.partition(":")[0] in said), refused[-1])


def missing_service(boot: BootRecord) -> str:
    """Why what comes after the start is not judged, when a service or a program is missed; else empty."""
    found = missed(boot)
    return f"the app needs {named(*found)} to start, {withheld(found[0])}" if found else ""
