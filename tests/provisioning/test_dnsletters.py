"""Letters on records that stay wrong."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.utils import timezone

from apps.blobs import queries as blobs
from apps.directory.models import Domain
from apps.dnscheck import queries
from apps.dnscheck.models import DomainCheck
from apps.dnscheck.services import checks
from apps.mailqueue.models import QueuedMessage
from apps.provisioning import services
from apps.provisioning.dnsletters import tell_all
from tests.conftest import PASSWORD
from tests.dnscheck.ground import World, harbor, world, zone_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def net() -> Iterator[World]:
    with world() as found:
        services.create_operator("ann@office.test", PASSWORD)
        yield found


def _letters() -> list[EmailMessage]:
    rows = QueuedMessage.objects.order_by("pk").values_list("blob_id", flat=True)
    return [message_from_bytes(blobs.read(one), policy=policy.default) for one in rows]


def _check(net: World, zone: str, domain: Domain) -> None:
    net.load(zone_text(zone))
    checks.check(domain.pk)


def test_trouble_is_told_at_the_second_check_and_once(net: World) -> None:
    domain = harbor()
    _check(net, "mx-missing", domain)
    assert tell_all() == 0
    _check(net, "mx-missing", domain)
    assert (tell_all(), tell_all()) == (1, 0)
    (letter,) = _letters()
    assert letter["Subject"] == "DNS records of harbor.example need work"
    assert letter["From"] == "Mail service <postmaster@harbor.example>"
    body = letter.get_content().replace("\r\n", "\n")
    assert "\n    MX\n" in body
    assert f"/admin/domains/{domain.pk}/" in body


def test_it_is_told_again_when_all_was_right_between(net: World) -> None:
    domain = harbor()
    for zone in ("mx-missing", "mx-missing", "healthy"):
        _check(net, zone, domain)
        tell_all()
    yesterday = timezone.now() - queries.LETTERS_EVERY
    DomainCheck.objects.update(told_at=yesterday)
    for _ in range(2):
        _check(net, "dmarc-missing", domain)
        tell_all()
    assert ["MX" in one.get_content() for one in _letters()] == [True, False]


def test_a_zone_that_is_right_and_wrong_by_turns_makes_one_letter_a_day(net: World) -> None:
    domain = harbor()
    for zone in ("mx-missing", "mx-missing", "healthy") * 3:
        _check(net, zone, domain)
        tell_all()
    assert len(_letters()) == 1
    for _ in range(2):
        _check(net, "mx-missing", domain)
    assert tell_all() == 0
    DomainCheck.objects.update(told_at=timezone.now() - queries.LETTERS_EVERY)
    assert tell_all() == 1, "it stayed wrong until it might be told"


def test_of_what_is_only_recommended_nobody_is_told(net: World) -> None:
    domain = harbor()
    for _ in range(2):
        _check(net, "srv-other-port", domain)
    assert tell_all() == 0


def test_of_what_is_so_on_purpose_nobody_is_told(net: World) -> None:
    domain = harbor()
    for _ in range(2):
        _check(net, "mx-elsewhere", domain)
    checks.leave(domain.pk, "mx", is_left=True)
    assert tell_all() == 0
    checks.leave(domain.pk, "mx", is_left=False)
    checks.leave_alone(domain.pk, is_elsewhere=True)
    assert tell_all() == 0
