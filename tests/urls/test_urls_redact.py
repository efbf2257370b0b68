from __future__ import annotations

import ast
import base64
import html
import json
import subprocess
import sys
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_asyncdb.urls.redact import Redactor, is_placeholder, secrets_of

HARD = "p@ss/w:r d#1é%\"'\\x+\n$"


def upper_and_lower(text: str) -> list[str]:
    encoded = quote(text, safe="")
    return [
        encoded,
        "".join(c.lower() if encoded[max(0, i - 2) : i + 1].count("%") else c for i, c in enumerate(encoded)),
    ]


@pytest.mark.parametrize(
    "spelling",
    [
        HARD,
        quote(HARD),
        *upper_and_lower(HARD),
        quote_plus(HARD),
        quote(quote(HARD, safe=""), safe=""),
        repr(HARD),
        ascii(HARD),
        repr(HARD.encode()),
        json.dumps(HARD),
        json.dumps(HARD, ensure_ascii=False),
        json.dumps(json.dumps(HARD)),
        html.escape(HARD),
        base64.b64encode(HARD.encode()).decode(),
        base64.urlsafe_b64encode(HARD.encode()).decode(),
        base64.b64encode(f"user:{HARD}".encode()).decode(),
        base64.b64encode(f"u:{HARD}:more".encode()).decode(),
        base64.b64encode(f"us:{HARD}@host".encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_every_spelling(spelling):
    masked = Redactor([HARD]).text(f"before [{spelling}] after")
    assert masked.startswith("before [")
    assert masked.endswith("] after")
    assert masked.replace("before [", "").replace("] after", "").strip("\"'b\\") == "***"


@given(st.text(min_size=8).filter(lambda s: not is_placeholder(s) and s.strip() == s and not s.isdecimal()), st.text())
def test_a_long_secret_never_survives(secret, around):
    masked = Redactor([secret]).text(f"{around}{secret}{around}")
    if secret.isalpha() and len(secret) < 12:
        return  # a plain word is masked as a whole token only
    assert secret not in masked or secret in f"{around}***{around}"


def test_a_percent_encoded_secret_is_masked_decoded_as_well():
    redactor = Redactor(["Zw%40rt%2F99x"])
    assert redactor.text("it is Zw@rt/99x or Zw%40rt%2f99x") == "it is *** or ***"


def test_overlapping_secrets_leave_nothing_of_either():
    assert Redactor(["ABCdef123456", "123456XYZuvw"]).text("<ABCdef123456XYZuvw>") == "<***>"
    assert Redactor(["ABCdef123456", "ABCdef123456more"]).text("<ABCdef123456more>") == "<***>"


@pytest.mark.parametrize("word", ["postgres", "password", "secret", "changeme", "app", "x", "5432", "12345"])
def test_ordinary_words_do_not_destroy_messages(word):
    text = "postgresql password of app on port 5432 is secretive, changeme 12345"
    assert Redactor([word]).text(text) == text


def test_short_secrets_are_masked_as_whole_tokens():
    redactor = Redactor(["kiwi"])
    assert redactor.text("kiwi, kiwis, (kiwi) and kiwi-fruit") == "***, kiwis, (***) and ***-fruit"
    assert redactor.text(r"line\nkiwi and user%3Akiwi%40host") == r"line\n*** and user%3A***%40host"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql+asyncpg://u:unknown1@h:5432/d?x=1", "postgresql+asyncpg://u:***@h:5432/d?x=1"),
        ("x='postgres://u:with@at@h/d' y", "x='postgres://u:***@h/d' y"),
        ("postgres://user@server:pw@h/d", "postgres://user@server:***@h/d"),
        ("redis://:pw@h:6379/0", "redis://:***@h:6379/0"),
        ("jdbc:postgresql://h/d?user=u&password=abc&ssl=true", "jdbc:postgresql://h/d?user=u&password=***&ssl=true"),
        ("postgresql://postgres:postgres@localhost/d", "postgresql://postgres:***@localhost/d"),
        ("a://u:p@h and b://v:q@i", "a://u:***@h and b://v:***@i"),
        ("http://localhost:8000/docs", "http://localhost:8000/docs"),
        ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
        ('f"postgresql://{user}:{password}@{host}/{db}"', 'f"postgresql://{user}:{password}@{host}/{db}"'),
        ("postgresql://${U}:${PASSWORD}@${H}/d", "postgresql://${U}:${PASSWORD}@${H}/d"),
        ("postgresql://u:***@h/d", "postgresql://u:***@h/d"),
    ],
)
def test_unknown_passwords_inside_urls_are_masked(text, masked):
    assert Redactor().text(text) == masked


def test_masking_twice_changes_nothing_more():
    redactor = Redactor([HARD, "kiwi"])
    once = redactor.text(f"a://u:{quote(HARD, safe='')}@h kiwi {HARD}")
    assert redactor.text(once) == once


def test_repr_shows_no_secret():
    assert repr(Redactor(["Tr0ub4dor&3"])) == "<Redactor of 1 secrets>"
    assert Redactor(["Tr0ub4dor&3"]).secrets == ("Tr0ub4dor&3",)


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("DATABASE_URL", "postgresql://u:p%40ssw0rdX@h/d?sslmode=require", ("p%40ssw0rdX", "p@ssw0rdX")),
        ("DATABASE_URL", '"postgresql://u:Qw3rtyUi@h/d"', ("Qw3rtyUi",)),
        ("DATABASE_URL", "postgresql://app:app@localhost/app", ()),
        ("DATABASE_URL", "postgresql://postgres:postgres@localhost/db", ()),
        ("DATABASE_URL", "postgresql://u@h/d", ()),
        ("DATABASE_URL", "postgresql://${U}:${P}@h/d", ()),
        ("DSN", "host=h user=u password='My Own p4ss' dbname=d", ("My Own p4ss",)),
        ("JDBC_URL", "jdbc:postgresql://h/d?user=u&password=Qw3rtyUi", ("Qw3rtyUi",)),
        ("SENTRY_DSN", "https://0a1b2c3d4e@o1.ingest.sentry.io/1", ("0a1b2c3d4e",)),
        ("POSTGRES_PASSWORD", "Qw3rtyUi", ("Qw3rtyUi",)),
        ("POSTGRES_PASSWORD", "83749201", ("83749201",)),
        ("jwtSecret", "Zk3kd9", ("Zk3kd9",)),
        ("SECRET_KEY", "'Zk3kd9'", ("Zk3kd9",)),
        ("STRIPE_API_KEY", "sk_live_123abc", ("sk_live_123abc",)),
        ("PUBLIC_KEY", "Zk3kd9abc", ()),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "30", ()),
        ("TOKEN_LIMIT", "4096", ()),
        ("TOKEN_URL", "https://example.test/token", ()),
        ("USE_SECRET", "true", ()),
        ("SECRET_KEY", "changeme", ()),
        ("PWD", "/home/me/project", ()),
        ("ENVIRONMENT", "development", ()),
        ("CORS_ORIGINS", "http://localhost:3000", ()),
        ("KEYWORDS", "one two", ()),
    ],
)
def test_what_is_secret_in_a_setting(name, value, secrets):
    assert secrets_of(name, value) == secrets


def test_pieces_of_a_password_that_sqlalchemy_would_take_for_the_host_are_secret():
    masked = Redactor(secrets_of("URL", "postgresql://u:first1@second2/third3@h/d")).text(
        "host second2, path third3@h/d"
    )
    assert "second2" not in masked
    assert "third3" not in masked


STAND_INS = """
password changeme postgres *** <password> ${DB_PASSWORD} $DB_PASSWORD {password} your-password secret xxx XXXXXX
[YOUR-PASSWORD] mysecretpassword changethis CHANGE_ME password123 test ...
"""


@pytest.mark.parametrize("word", ["", *STAND_INS.split()])
def test_placeholders(word):
    assert is_placeholder(word)


@pytest.mark.parametrize(
    "word", ["npg_Zx81kQ", "Tr0ub4dor&3", "horse", "$ecretX9", "yourself7Q", "hunter2", "s3cret", "supersecret"]
)
def test_real_passwords_are_no_placeholders(word):
    assert not is_placeholder(word)


def test_a_megabyte_is_masked_in_a_moment():
    line = "INFO:     127.0.0.1:53412 - GET /api/v1/items?q=a%20b HTTP/1.1 200 OK in 12.5 ms\n"
    redactor = Redactor([f"S3cret{i}+zz%x" for i in range(20)])
    started = time.perf_counter()
    redactor.text(line * 12_000)
    assert time.perf_counter() - started < 2


def test_the_import_is_light():
    code = "import sys, pytest_asyncdb.urls.redact; print(sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.check_output([sys.executable, "-S", "-c", code], text=True)
    assert not {"sqlalchemy", "asyncpg", "asyncio"} & set(ast.literal_eval(loaded))
