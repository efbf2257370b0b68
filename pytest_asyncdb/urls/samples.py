"""URLs as the consoles of providers hand them out, to try a project's own code on. None of them leads anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field

_PASSWORD = "no-such-password"  # noqa: S105 - unmistakably none
_NEON = "sslmode=require&channel_binding=require"


@dataclass(frozen=True, slots=True)
class Sample:
    """One provider's URL.

    ``hints`` are words by which a project's files tell that it is deployed there. ``rare`` marks forms that most
    projects never meet: what fails on them alone is told only where a hint is found. ``like`` names the provider whose
    URLs have the same form: where no hint is found, that one is tried for both.
    """

    provider: str
    url: str = field(repr=False)
    hints: tuple[str, ...] = ()
    rare: bool = False
    like: str = ""

    @property
    def family(self) -> str:
        """The provider without the kind of its URL."""
        return self.provider.partition(" (")[0]


def _url(scheme: str, rest: str) -> str:
    return f"{scheme}://{rest.replace(':@', f':{_PASSWORD}@')}"


def naming(url: str, driver: str) -> str:
    """The URL with the driver named in its scheme; as it is when there is no driver to name."""
    return f"postgresql+{driver}://{url.partition('://')[2]}" if driver else url


SAMPLES = (  # the most telling first: time may run out
    Sample("plain localhost", _url("postgresql", "sample:@localhost:5432/sample")),
    Sample(
        "Heroku",
        _url("postgres", "sample:@ec2-203-0-113-7.compute-1.amazonaws.com:5432/sample"),
        ("heroku",),
    ),
    Sample(
        "Neon",
        _url("postgresql", f"sample:@ep-sample-1.eu-central-1.aws.neon.tech/sample?{_NEON}"),
        ("neon.tech", "neondb"),
    ),
    Sample(
        "Fly.io",
        _url("postgres", "sample:@sample-db.flycast:5432/sample?sslmode=disable"),
        ("fly.io", "fly.toml", "flycast"),
    ),
    Sample(
        "DigitalOcean",
        _url("postgresql", "doadmin:@sample-do-user-1.db.ondigitalocean.com:25060/defaultdb?sslmode=require"),
        ("digitalocean",),
    ),
    Sample(
        "Cloud SQL (socket)",
        _url("postgresql", "sample:@/sample?host=/cloudsql/sample:europe-west1:sample"),
        ("cloudsql", "cloud_sql", "cloud sql"),
        rare=True,
    ),
    Sample(
        "Neon (pooled)",
        _url("postgresql", f"sample:@ep-sample-1-pooler.eu-central-1.aws.neon.tech/sample?{_NEON}"),
        ("-pooler.",),
        like="Neon",
    ),
    Sample(
        "Supabase",
        _url("postgresql", "postgres:@db.sample.supabase.co:5432/postgres"),
        ("supabase",),
        like="plain localhost",
    ),
    Sample(
        "Supabase (session pooler)",
        _url("postgresql", "postgres.sample:@aws-0-eu-central-1.pooler.supabase.com:5432/postgres"),
        ("supabase",),
        like="plain localhost",
    ),
    Sample(
        "Supabase (transaction pooler)",
        _url("postgres", "postgres.sample:@aws-0-eu-central-1.pooler.supabase.com:6543/postgres"),
        ("supabase",),
        like="Heroku",
    ),
    Sample(
        "Amazon RDS",
        _url("postgresql", "sample:@sample.c1a2b3.eu-central-1.rds.amazonaws.com:5432/sample"),
        ("rds.amazonaws.com",),
        like="plain localhost",
    ),
    Sample(
        "Railway",
        _url("postgresql", "postgres:@sample.railway.internal:5432/railway"),
        ("railway",),
        like="plain localhost",
    ),
    Sample(
        "Render",
        _url("postgresql", "sample:@dpg-sample-a.frankfurt-postgres.render.com/sample"),
        ("render.com", "render.yaml"),
        like="plain localhost",
    ),
    Sample(
        "Azure",
        _url("postgresql", "sample:@sample.postgres.database.azure.com:5432/postgres?sslmode=require"),
        ("azure.com", "azurewebsites"),
        like="DigitalOcean",
    ),
    Sample(
        "Azure (single server)",
        _url("postgres", "sample%40server:@server.postgres.database.azure.com:5432/postgres?sslmode=require"),
        ("postgres.database.azure.com",),
        rare=True,
    ),
)
