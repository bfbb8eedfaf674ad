"""What the list of kept mail reads: a page of it, however much there is."""

import pytest
from django.db import connection

from apps.blobs import services as blobs
from apps.console import paging
from apps.console.portions import Stand
from apps.console.quarantine import keptlist
from apps.console.quarantine.keptlist import Wanted
from apps.directory.models import User
from apps.directory.permissions import powers_of
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.scan.models import Quarantined, Reason
from tests.support.reading import Reading, analyze

CROWD = 4_000
MOST = 1_500  # rows that a statement may read
REASONS = (Reason.SPAM, Reason.PHISHING, Reason.ATTACHMENT, Reason.VIRUS)
PAGES = [
    Wanted(),
    Wanted(after="2000"),
    Wanted(tab="virus"),
    Wanted(tab="spam", after="2000"),
    Wanted(state="released"),
    Wanted(domain="nowhere.test"),
    Wanted(domain="example.test", after="2000"),
]


def crowd(user: User) -> None:
    """Very much kept mail, a quarter of it of this user's domain."""
    blob, at = blobs.prepare(b"x"), now()
    blobs.insert([blob])
    Quarantined.objects.bulk_create(
        Quarantined(
            user=user,
            trace_id=new_ulid(),
            queue_id=new_ulid(),
            blob_id=blob.id,
            size=1,
            sender=f"s{number}@far.test",
            address=user.address,
            original=user.address,
            domain="example.test" if number % 4 == 0 else f"d{number % 50}.test",
            door="mx",
            received_at=at * 1_000_000,
            subject=f"No {number}",
            reason=REASONS[number % 4],
            kept_at=at - CROWD + number,
            state="released" if number % 5 == 0 else "kept",
        )
        for number in range(CROWD)
    )
    analyze()


def test_a_page_reads_a_page(
    operator: User, admin: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "COUNTED", 100)
    monkeypatch.setattr(keptlist, "COUNTED", 100)
    crowd(alice)
    for person in (operator, admin):
        powers = powers_of(person)
        for wanted in PAGES:
            reading = Reading(("scan_quarantined",))
            with connection.execute_wrapper(reading):
                keptlist.kept(powers, wanted)
                keptlist.tabs(powers, wanted)
                keptlist.portion(powers, wanted, Stand(after="3000"), 100)
            assert reading.found
            assert reading.beyond(MOST) == [], (person.address, wanted)
