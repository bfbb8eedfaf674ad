"""Relay domains: how recipients of the other server are known, and the list of them."""

import pytest

from apps.directory.models import Domain, DomainKind, RelayCheck, RelayRecipient
from apps.directory.services import relay
from apps.provisioning import services as provisioning
from apps.wire.errors import InUse, InvalidAddress


@pytest.fixture
def listed(domain: Domain) -> Domain:
    relay.set_relay(domain=domain, check=RelayCheck.LIST)
    return domain


def keys() -> list[str]:
    return list(RelayRecipient.objects.order_by("key").values_list("key", flat=True))


def test_it_makes_a_relay_domain_and_ends_it(domain: Domain) -> None:
    for check in RelayCheck:
        relay.set_relay(domain=domain, check=check)
        domain.refresh_from_db()
        assert (domain.kind, domain.relay_check) == (DomainKind.RELAY, check)
    relay.set_relay(domain=domain, check=RelayCheck.LIST)
    relay.add(domain=domain, recipients=["a"])
    relay.set_relay(domain=domain, check=None)
    domain.refresh_from_db()

    assert domain.kind == DomainKind.HOSTED
    assert keys() == []


def test_it_adds_and_removes_recipients(listed: Domain) -> None:
    assert relay.add(domain=listed, recipients=["Anna", "b@EXAMPLE.test", "jörg"]) == 3
    assert relay.add(domain=listed, recipients=["anna@example.test", "c"]) == 1
    assert keys() == [
        "anna@example.test",
        "b@example.test",
        "c@example.test",
        "jörg@example.test",
    ]
    assert relay.remove(domain=listed, recipients=["ANNA", "x"]) == 1
    assert relay.replace(domain=listed, recipients=["c", "d", "D"]) == (1, 2)
    assert keys() == ["c@example.test", "d@example.test"]


def test_it_takes_long_lists_in_pieces(listed: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "_CHUNK", 7)

    assert relay.add(domain=listed, recipients=(f"u{n}" for n in range(50))) == 50
    assert relay.replace(domain=listed, recipients=(f"u{n}" for n in range(25, 75))) == (25, 25)
    assert relay.remove(domain=listed, recipients=(f"u{n}" for n in range(100))) == 50


@pytest.mark.parametrize("text", ["", "a b", "a@other.test", "@example.test", "x" * 400, "a@b@c"])
def test_it_takes_all_or_nothing(listed: Domain, text: str) -> None:
    relay.add(domain=listed, recipients=["old"])
    for change in (relay.add, relay.replace, relay.remove):
        with pytest.raises(InvalidAddress):
            change(domain=listed, recipients=["old", "good", text])
    assert keys() == ["old@example.test"]


def test_it_keeps_a_list_only_where_one_is_asked(domain: Domain, other_domain: Domain) -> None:
    relay.set_relay(domain=domain, check=RelayCheck.ANY)
    for unlisted in (domain, other_domain):
        with pytest.raises(InUse):
            relay.add(domain=unlisted, recipients=["a"])


def test_it_leaves_alias_domains_to_what_they_stand_for(domain: Domain) -> None:
    alias = provisioning.add_domain("alias.test", alias_of="example.test")
    with pytest.raises(InUse):
        relay.set_relay(domain=alias, check=RelayCheck.ANY)
