from __future__ import annotations

import pytest


def check_spans(project, url):
    """Every span of a written URL covers what it says."""
    text = project.text(url.span.path)
    assert text[url.scheme_span.start : url.scheme_span.end] == url.scheme
    assert text[url.span.start : url.span.end].startswith(url.scheme)
    query = text[url.query_span.start : url.query_span.end]
    assert query.startswith("?") if url.parameters else query in ("", "?")
    for one in url.parameters:
        assert text[one.span.start : one.span.end].startswith(one.name)
    assert project.lines(url.span.path).line_at(url.span.start) == url.span.line


NEON = "postgresql://me:k7Qz9wXv3@ep-x-pooler.neon.tech:6543/db?sslmode=require&channel_binding=require"


@pytest.mark.parametrize(
    ("path", "text", "kind", "key"),
    [
        (".env", f"# c\nDATABASE_URL={NEON}\n", "env", "DATABASE_URL"),
        (".env", f'export DB = "{NEON}"  # why\n', "env", "DB"),
        ("config/prod.env", f"DB='{NEON}'\r\n", "env", "DB"),
        (".env.example", f"\ufeffDATABASE_URL={NEON}", "env-example", "DATABASE_URL"),
        ("env.sample", f"A=ü\nDATABASE_URL={NEON}", "env-example", "DATABASE_URL"),
        (
            "alembic.ini",
            f"[alembic]\n# sqlalchemy.url = postgresql://no\nsqlalchemy.url = {NEON}\n",
            "ini",
            "sqlalchemy.url",
        ),
        ("compose.yml", f"e:\n  DATABASE_URL: '{NEON}' # x\n", "compose", "DATABASE_URL"),
        ("docker-compose.dev.yaml", f"e:\n  - DATABASE_URL={NEON}\n", "compose", "DATABASE_URL"),
        ("app/db.py", f'URL = "{NEON}"\n', "python", "app.db.URL"),
        ("app/db.py", f"class S(B):\n    ü = 'é'; url: str = Field(default='{NEON}')\n", "python", "app.db.S.url"),
        ("app/db.py", f'URL = os.getenv("DATABASE_URL", r"""{NEON}""")\n', "python", "DATABASE_URL"),
        ("app/db.py", f'def f(url="{NEON}"): ...\n', "python", "app.db.f.url"),
        ("app/db.py", f'X = {{"sqlalchemy.url": "{NEON}"}}\n', "python", "sqlalchemy.url"),
        ("app/db.py", f'os.environ["DB"] = ("{NEON[:40]}"\n  "{NEON[40:]}")\n', "python", "DB"),
    ],
)
def test_urls_are_found_with_exact_places(facts, path, text, kind, key):
    about = facts({path: text})
    (url,) = about.urls
    assert (url.kind, url.key, url.scheme, url.username) == (kind, key, "postgresql", "me")
    assert (url.host, url.port, url.database) == ("ep-x-pooler.neon.tech", "6543", "db")
    assert [(one.name, one.value) for one in url.parameters] == [("sslmode", "require"), ("channel_binding", "require")]
    assert url.has_password
    assert not url.password_is_placeholder
    assert "k7Qz9wXv3" not in repr(about.urls)
    check_spans(about.project, url)


@pytest.mark.parametrize(
    ("literal", "host", "placeholder"),
    [
        ('f"postgresql+asyncpg://{user}:{pw}@{host}:{port}/{db}?ssl=require"', "{host}", True),
        ('f"postgresql+asyncpg://{s.user}:{quote(s.pw)}@db/{s.db}"', "db", True),
        ('(f"postgresql+asyncpg://{user}:{pw}@"\n   f"{host}:{port}/{db}")', "{host}", True),
        ('"postgresql+asyncpg://%s:%s@%s/x" % (a, b, c)', "%s", True),
        ('"postgresql+asyncpg://{u}:{p}@{h}/x".format(u=1)', "{h}", True),
        ('"postgresql+asyncpg://app:changeme@db/x"', "db", True),
        ('"postgresql+asyncpg://app:k7Qz9wXv3@db/x"', "db", False),
    ],
)
def test_templates_of_python(facts, literal, host, placeholder):
    about = facts({"db.py": f"URL = {literal}\n"})
    (url,) = about.urls
    assert (url.driver, url.host, url.password_is_placeholder) == ("asyncpg", host, placeholder)
    check_spans(about.project, url)


@pytest.mark.parametrize("password", ["secure_password", "prod-db-secret", "StagingPass123", "k7Qz9wXv3"])
def test_words_in_an_example_are_no_password(facts, password):
    text = f"DB_URL=postgresql://app:{password}@db.shop.com/x\n"
    real, of_example = facts({".env.prod.example": text, ".env.prod": text}).urls
    assert (of_example.kind, of_example.password_is_placeholder) == ("env-example", password != "k7Qz9wXv3")
    assert (real.kind, real.password_is_placeholder) == ("env", False)


@pytest.mark.parametrize(
    "code",
    [
        '"""Use postgresql://u:p@h/d"""\n',
        'url.replace("postgresql://x", "postgresql+asyncpg://x")\n',
        'if url.startswith("postgresql://a"): ...\n',
        'if url == "postgresql://u:p@h/d": ...\n',
        'PREFIX = "postgresql://"\n',
        'HELP = "set postgresql://u:p@h/d please"\n',
        'log.info("postgresql://u:p@h/d")\n',
        'raise ValueError("postgresql://u:p@h/d")\n',
        'REDIS = "redis://h/0"; SITE = "https://postgresql.org"\n',
        'X = f"{scheme}://u:p@h/d"\n',
        'X = "postgresql://a:b\\x40@h/d"\n',
    ],
)
def test_strings_that_are_no_urls(facts, code):
    assert facts({"a.py": code}).urls == ()


def test_a_query_spread_over_literals_is_not_claimed(facts):
    assert facts({"a.py": 'U = ("postgresql://h/d?sslmode=re"\n "quire")\n'}).urls == ()


def test_secret_parameters_are_masked(facts):
    (url,) = facts({".env": "DB=postgresql://h/d?password=k7Qz9wXv3&sslmode=require\n"}).urls
    assert url.parameter("password").value == "***"
    assert "k7Qz9wXv3" not in repr(url)


@pytest.mark.parametrize(
    ("path", "role"),
    [(".env", "app"), (".env.test", "test"), ("tests/db.py", "test"), ("alembic.ini", "migration"), ("db.py", "app")],
)
def test_roles(facts, path, role):
    text = {"py": "U = 'postgresql://h/d'\n"}.get(path.rpartition(".")[2], "sqlalchemy.url=postgresql://h/d\n")
    (url,) = facts({path: text}).urls
    assert url.role == role
