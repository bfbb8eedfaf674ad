"""What the composer's From offers: what the directory allows, and nothing else."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.authority import Authority
from apps.directory.models import Kind, User
from apps.directory.services import delegations
from apps.provisioning import services as provisioning
from apps.webmail import writers
from apps.webmail.models import Identity
from apps.wire.errors import SenderNotAllowed

pytestmark = pytest.mark.django_db


def offered(user: User) -> dict[str, writers.Choice]:
    return {one.key: one for one in writers.choices(user)}


def identity(user: User, key: str, **others: object) -> Identity:
    return Identity.objects.create(user=user, key=key, address=key, **others)


def test_who_set_nothing_writes_as_their_address(alice: User) -> None:
    (only,) = writers.choices(alice)

    assert (only.key, only.address, only.name) == (alice.key, alice.address, alice.name)
    assert only.is_default
    assert only.authority is Authority.OWN
    assert not only.says_who_writes
    assert (only.signature_html, only.signature_text, only.reply_to, only.owner) == ("", "", "", "")


def test_second_names_and_aliases_are_offered_shared_ones_too(alice: User, bob: User) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    provisioning.add_alias("a.liddell@example.test", ["Alice@example.test"])
    provisioning.add_alias("sales@example.test", ["alice@example.test", "bob@example.test"])
    provisioning.add_alias("info@example.test", ["bob@example.test"])

    assert list(offered(alice)) == [
        "alice@example.test",
        "alice@alias.test",
        "a.liddell@example.test",
        "sales@example.test",
    ]
    assert {one.authority for one in writers.choices(alice)} == {Authority.OWN}


def test_a_strangers_alias_is_not_offered(alice: User) -> None:
    provisioning.add_domain("stranger.test", organization="Strangers")
    provisioning.add_alias("guest@stranger.test", ["alice@example.test"])

    assert list(offered(alice)) == ["alice@example.test"]


def test_what_others_lend_says_by_what_right(alice: User, bob: User) -> None:
    team, _ = provisioning.add_user("team@example.test", name="The team", kind=Kind.SHARED)
    delegations.grant(owner=team, delegate=alice, send_as=True, send_on_behalf=False)
    delegations.grant(owner=bob, delegate=alice, send_as=False, send_on_behalf=True)

    found = offered(alice)

    assert found["team@example.test"].authority is Authority.SEND_AS
    assert (found["team@example.test"].name, found["team@example.test"].owner) == (
        "The team",
        "The team",
    )
    assert found["bob@example.test"].authority is Authority.ON_BEHALF
    assert found["bob@example.test"].says_who_writes
    assert found["alice@example.test"].is_default

    delegations.revoke(owner=team, delegate=alice)
    assert "team@example.test" not in offered(alice)


def test_a_row_gives_a_name_and_a_signature_but_no_right(alice: User, bob: User) -> None:
    identity(
        alice,
        "alice@example.test",
        name="A. Liddell",
        signature_html="<p>Alice</p>",
        signature_text="Alice",
        reply_to="team@example.test",
        is_above_quote=False,
        attaches_card=True,
    )
    identity(alice, "alice+shop@example.test", name="Shop", is_default=True)
    identity(alice, "bob@example.test", name="Bob")
    identity(alice, "root@elsewhere.test")

    found = offered(alice)

    assert list(found) == ["alice@example.test", "alice+shop@example.test"]
    one = found["alice@example.test"]
    assert (one.name, one.signature_text, one.reply_to) == (
        "A. Liddell",
        "Alice",
        "team@example.test",
    )
    assert (one.is_above_quote, one.attaches_card, one.is_default) == (False, True, False)
    assert found["alice+shop@example.test"].is_default


def test_a_default_whose_right_has_gone_is_none(alice: User, bob: User) -> None:
    identity(alice, "bob@example.test", is_default=True)

    assert [one.is_default for one in writers.choices(alice)] == [True]


def test_it_costs_the_same_for_one_and_for_many(alice: User, bob: User) -> None:
    provisioning.add_alias("a1@example.test", ["alice@example.test"])
    delegations.grant(owner=bob, delegate=alice, send_as=True, send_on_behalf=False)
    with CaptureQueriesContext(connection) as few:
        writers.choices(alice)
    for number in range(2, 30):
        provisioning.add_alias(f"a{number}@example.test", ["alice@example.test"])
        identity(alice, f"alice+{number}@example.test")

    with CaptureQueriesContext(connection) as many:
        assert len(writers.choices(alice)) > 50

    assert len(many) == len(few) <= 16


def test_a_form_names_one_of_them(alice: User, bob: User) -> None:
    found = writers.choices(alice)

    assert writers.find(found, "alice@example.test") is writers.default(found)
    for key in ("bob@example.test", "nobody@example.test", "", "alice@example.test\r\nBcc: x"):
        with pytest.raises(SenderNotAllowed, match="writer"):
            writers.find(found, key)


def test_an_answer_comes_from_where_the_mail_went(alice: User) -> None:
    provisioning.add_alias("sales@example.test", ["alice@example.test"])
    found = writers.choices(alice)

    assert writers.addressed(found, {"sales@example.test"}).key == "sales@example.test"
    assert writers.addressed(found, ("x@example.test",)).key == "alice@example.test"


def test_who_has_no_mail_here_writes_as_nobody(db: None) -> None:
    operator, _ = provisioning.create_operator("root@elsewhere.test", "correct horse battery")

    assert writers.choices(operator) == ()
    with pytest.raises(SenderNotAllowed, match="no address"):
        writers.default(())
