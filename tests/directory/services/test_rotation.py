"""DKIM keys and the DNS: they sign when their records are seen there."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from apps.directory import dkim, tasks
from apps.directory.dkim import Finding, KeyRow
from apps.directory.models import DkimKey, DkimState, Domain
from apps.directory.services import dkim as keys
from apps.directory.services import rotation
from apps.directory.services.rotation import Turned
from tests.support.dns_server import DnsServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def dns(settings: Settings) -> Iterator[DnsServer]:
    with DnsServer() as server:
        settings.DNS_SERVERS = (server.endpoint,)
        yield server


def _publish(dns: DnsServer, *rows: KeyRow) -> None:
    for row in rows:
        dns.add(row.record, "TXT", " ".join(f'"{one}"' for one in row.strings))


def _rotate(domain: Domain) -> list[KeyRow]:
    return [dkim.row_of(key) for key in keys.rotate(domain.name)]


def test_a_round_lets_keys_take_over_whose_records_are_there(
    domain: Domain, dns: DnsServer
) -> None:
    before = _signing(domain)
    first, second = _rotate(domain)
    assert rotation.turn() == Turned(0, 0, 0)
    assert _signing(domain) == before
    _publish(dns, first)
    assert rotation.turn() == Turned(0, 1, 0)
    _publish(dns, second)
    tasks.turn_dkim_keys()
    assert _signing(domain) == {first.selector, second.selector}
    assert rotation.turn() == Turned(0, 0, 0)
    with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
        assert rotation.turn() == Turned(0, 0, 2)


def _signing(domain: Domain) -> set[str]:
    return {one.selector for one in dkim.signers(domain.name)}


def test_a_round_makes_what_is_missing(domain: Domain, dns: DnsServer) -> None:
    DkimKey.objects.all().delete()
    assert rotation.turn() == Turned(1, 0, 0)
    assert len(dkim.keys_of(domain.name)) == 2


def test_keys_that_wait_for_long_are_asked_for_once_a_day(domain: Domain, dns: DnsServer) -> None:
    _rotate(domain)
    DkimKey.objects.update(created_at=timezone.now() - timedelta(days=3))
    start = timezone.now()
    rounds = 0
    for number in range(rotation.ROUNDS_A_DAY):
        with time_machine.travel(start + timedelta(seconds=rotation.ROUND * number), tick=False):
            rounds += len(rotation._to_look_for())
    assert rounds == 2


def test_an_administrator_need_not_wait(domain: Domain, dns: DnsServer) -> None:
    first, second = _rotate(domain)
    _publish(dns, first)
    pairs = rotation.activate(domain.name)
    assert [(row.state, finding) for row, finding in pairs] == [
        (DkimState.ACTIVE, Finding.PUBLISHED),
        (DkimState.PENDING, Finding.MISSING),
    ]
    pairs = rotation.activate(domain.name, force=True)
    assert [(row.selector, row.state) for row, _ in pairs] == [(second.selector, DkimState.ACTIVE)]
    assert rotation.activate(domain.name) == []
