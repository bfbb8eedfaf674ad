"""Which mechanisms are offered where."""

import pytest

from apps.wire.bearer import OAuthBearer, XOAuth2
from apps.wire.mechanisms import MECHANISMS, begin, offered
from apps.wire.sasl import Login, Plain
from apps.wire.scram import ScramSha256

BINDINGS = {"tls-exporter": b"x" * 32}


def test_it_offers_the_best_first() -> None:
    assert offered(BINDINGS, secure=True) == MECHANISMS
    assert MECHANISMS[0] == "SCRAM-SHA-256-PLUS"
    # Those that need a token of the client come last: who takes the first has a password.
    assert MECHANISMS[-2:] == ("OAUTHBEARER", "XOAUTH2")


def test_it_offers_plus_where_there_is_something_to_bind_to() -> None:
    assert "SCRAM-SHA-256-PLUS" not in offered({}, secure=True)


def test_it_offers_no_way_for_tokens_in_the_clear() -> None:
    assert offered({}, secure=False) == ("SCRAM-SHA-256", "PLAIN", "LOGIN")


def test_it_leaves_out_login_where_commands_do_the_same() -> None:
    assert "LOGIN" not in offered(BINDINGS, secure=True, login=False)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SCRAM-SHA-256-PLUS", ScramSha256),
        ("SCRAM-SHA-256", ScramSha256),
        ("PLAIN", Plain),
        ("LOGIN", Login),
        ("OAUTHBEARER", OAuthBearer),
        ("XOAUTH2", XOAuth2),
    ],
)
def test_it_begins_each(name: str, kind: type) -> None:
    assert type(begin(name, BINDINGS)) is kind
    assert {name} <= set(MECHANISMS)
