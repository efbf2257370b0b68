"""Servers that have the extensions asked for, and what is said about those that lack one."""

import psycopg
import pytest

from pytest_asyncdb.postgres.choose import choose
from pytest_asyncdb.postgres.extensions import Demanding, MissingExtensionsError
from pytest_asyncdb.postgres.protocol import ServerError
from pytest_asyncdb.postgres.request import parse_extensions

RARE = "no_such_extension"


def test_what_is_asked_for_is_there(provider):
    with Demanding(provider, ("plpgsql",)).serve() as server:
        assert server.provider == provider.name


def test_what_is_missing_is_named_with_the_server_and_the_ways_out(provider):
    missing = (
        rf"the Postgres \d+\S* of {provider.name} lacks the extensions {RARE}, another_one\. Ways out: .*docker:18"
    )
    demanding = Demanding(provider, ("plpgsql", RARE, "another_one"))
    with pytest.raises(MissingExtensionsError, match=missing), demanding.serve():
        pass


def test_auto_goes_on_to_a_server_that_has_them(named):
    """Only the distribution's package has pgcrypto here, and only the wheel has vector."""
    lacking(named("embedded"), "pgcrypto")
    having(named("local"), "pgcrypto")
    choice = choose("auto", extensions=("pgcrypto",))
    with choice.provider.serve() as server, connected(server) as connection:
        connection.execute("CREATE EXTENSION pgcrypto")
        assert server.provider in {"docker", "local"}
    assert choice.provider.name == server.provider
    assert "lacks the extension pgcrypto" in dict(choice.not_used)["embedded"]
    assert server.provider not in dict(choice.not_used)


def test_auto_stays_with_the_first_that_has_them(named):
    having(named("embedded"), "citext")
    choice = choose("auto", extensions=("citext", "plpgsql"))
    with choice.provider.serve() as server:
        assert server.provider == "embedded"
    assert dict(choice.not_used)["local"] == "embedded comes first"  # an engine may lack the usual image
    assert "embedded" not in dict(choice.not_used)


def test_nobody_has_it(named):
    named("embedded")
    with pytest.raises(ServerError) as caught, choose("auto", extensions=(RARE,)).provider.serve():
        pass
    text = str(caught.value)
    assert text.startswith(f"no Postgres here has the extension {RARE}:\n")
    assert f"\n  embedded: the Postgres 18.6 of embedded lacks the extension {RARE}\n" in text
    assert text.count("Ways out") == 1


def test_a_named_one_does_not_go_on(named):
    named("embedded")
    asked = choose("embedded", extensions=(RARE,))
    with pytest.raises(MissingExtensionsError, match=f"of embedded lacks the extension {RARE}"), asked.provider.serve():
        pass
    assert dict(asked.not_used) == {"docker": "embedded was asked for", "local": "embedded was asked for"}


def test_an_exception_of_the_block_is_not_taken_for_a_missing_extension(named):
    named("embedded")

    def use():
        with choose("auto", extensions=("plpgsql",)).provider.serve():
            raise MissingExtensionsError("mine")

    with pytest.raises(MissingExtensionsError, match="mine"):
        use()


def lacking(provider, extension):
    with pytest.raises(MissingExtensionsError), Demanding(provider, (extension,)).serve():
        pass


def having(provider, extension):
    try:
        with Demanding(provider, (extension,)).serve():
            pass
    except MissingExtensionsError as error:
        pytest.skip(str(error))


def connected(server):
    return psycopg.connect(
        host=server.host, port=server.port, user=server.user, password=server.password, dbname=server.database
    )


def test_a_list_of_extensions():
    assert parse_extensions(" citext, vector uuid-ossp,citext\n") == ("citext", "vector", "uuid-ossp")
    assert parse_extensions("") == ()
    with pytest.raises(ValueError, match="'a;b' is no name of an extension"):
        parse_extensions("citext, a;b")
