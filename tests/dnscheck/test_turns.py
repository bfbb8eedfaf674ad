"""Whose domain is checked next: nobody waits for as long as another presses a button."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.directory.models import Domain, Organization
from apps.dnscheck.models import DomainCheck
from apps.dnscheck.services import checks, keeping

pytestmark = pytest.mark.django_db


def _domains(owner: str, count: int) -> list[int]:
    home = Organization.objects.create(name=owner)
    made = Domain.objects.bulk_create(
        Domain(name=f"{owner}-{number}.test", organization=home) for number in range(count)
    )
    keeping.enrol()
    return [one.pk for one in made]


def test_a_tenant_that_asks_for_all_its_domains_keeps_nobody_waiting() -> None:
    many, few = _domains("many", 60), _domains("few", 2)
    for pk in many:
        checks.request(pk)
    checks.request(few[0])
    first = keeping.claim_due(8)
    assert few[0] in first, "it asked last, and is next in turn"


def test_what_is_due_by_itself_has_its_turn_while_others_ask_and_ask() -> None:
    many, few = _domains("many", 60), _domains("few", 2)
    DomainCheck.objects.filter(domain__in=few).update(due_at=timezone.now() - timedelta(hours=1))
    for pk in many:
        checks.request(pk)
    first = keeping.claim_due(8)
    assert set(few) <= set(first)
    assert len(first) == 8


def test_who_waits_alone_has_all_places() -> None:
    many = _domains("many", 20)
    for pk in many:
        checks.request(pk)
    assert len(keeping.claim_due(16)) == 16
    assert len(keeping.claim_due(16)) == 4


def test_of_one_tenant_who_asked_first_is_first() -> None:
    many = _domains("many", 6)
    for pk in reversed(many):
        checks.request(pk)
    assert keeping.claim_due(2) == [many[5], many[4]]
