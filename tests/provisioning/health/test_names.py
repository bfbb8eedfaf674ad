"""The DNS of this host, and a resolver that is away."""

import asyncio

import pytest
from pytest_django.fixtures import Settings

from apps.provisioning.health import names
from apps.provisioning.health.checks import Check, State
from tests.support.dns_server import DnsServer
from tests.support.zones import Zones

HOST = "mail.example.test"


def found(zones: Zones, host: str = HOST) -> dict[str, Check]:
    return {check.key: check for check in asyncio.run(names.look(zones, host))}


@pytest.fixture
def zones() -> Zones:
    made = Zones()
    made.host(HOST, "192.0.2.1", "2001:db8::1")
    made.reverse("192.0.2.1", HOST)
    made.reverse("2001:db8::1", HOST)
    return made


def test_all_is_well(zones: Zones) -> None:
    assert {check.state for check in found(zones).values()} == {State.OK}


def test_no_address(zones: Zones) -> None:
    checks = found(zones, "gone.example.test")

    assert checks["dns"].state is State.OK
    assert checks["dns.host"].state is State.BAD
    assert "gone.example.test has no address" in checks["dns.host"].words


def test_a_name_for_this_machine_alone(zones: Zones) -> None:
    assert found(zones, "mailhost")["dns.host"].state is State.BAD


def test_an_address_that_leads_elsewhere(zones: Zones) -> None:
    zones.reverse("192.0.2.1", "static-1.provider.test")

    check = found(zones)["dns.pointer"]

    assert check.state is State.WARNING
    assert "192.0.2.1 does not lead back" in check.words


def test_an_address_without_a_name(zones: Zones) -> None:
    zones.remove("1.2.0.192.in-addr.arpa", "PTR")

    assert found(zones)["dns.pointer"].state is State.WARNING


def test_a_resolver_that_fails(zones: Zones) -> None:
    zones.fail()

    checks = found(zones)

    assert list(checks) == ["dns"]
    assert (checks["dns"].state, "DNS_SERVERS" in checks["dns"].advice) == (State.BAD, True)


def test_a_resolver_that_hangs(zones: Zones, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "SECONDS", 0.1)
    zones.delay(30)

    assert found(zones)["dns"].state is State.BAD


def test_a_real_one_that_drops_all(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MAIL_HOSTNAME = HOST
    with DnsServer() as server:
        settings.DNS_SERVERS = (server.endpoint,)
        server.add(HOST, "A", "192.0.2.1")
        server.reverse("192.0.2.1", HOST)
        good = {check.state for check in names.names()}
        server.drop("")
        monkeypatch.setattr(names, "SECONDS", 0.3)
        bad = names.names()

    assert good == {State.OK}
    assert [check.state for check in bad] == [State.BAD]
