"""What the list of the queue reads: a page of it, however much waits, and a portion of all that
fits; on both databases by an index."""

from uuid import UUID

import pytest
from django.db import connection

from apps.console import paging
from apps.console.queue import acts, waiting
from apps.console.queue.waiting import Wanted
from apps.console.services import bulkacts
from apps.directory.models import Domain, User
from apps.directory.permissions import powers_of
from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient
from apps.runtime.ulid import ulid_text
from tests.mailqueue.leaving import NEAR, backlog, send
from tests.support.reading import Reading, analyze

pytestmark = pytest.mark.django_db
CROWD, PLACES = 4_000, 40
MOST = 1_500  # rows that a statement may read
TABLES = ("mailqueue_queuedmessage", "mailqueue_queuedrecipient")


def others(one: User) -> list[User]:
    """Many users of another tenant's domains, of which there are many too: planners then know that
    one domain has few of them."""
    assert one.domain is not None
    tenant = one.domain.organization
    domains = Domain.objects.bulk_create(
        Domain(name=f"d{number}.test", organization=tenant) for number in range(PLACES)
    )
    return User.objects.bulk_create(
        User(key=f"p@{domain.name}", address=f"p@{domain.name}", domain=domain)
        for domain in domains
    )


def crowd(ours: User, theirs: User) -> list[UUID]:
    """Very much that waits for dead destinations, most of it others', some held, much settled; the
    ids of it, oldest first."""
    send(1, NEAR)
    for number in range(PLACES):
        backlog(CROWD // PLACES, destination=f"mx/dead{number}.test")
    rows = list(QueuedMessage.objects.order_by("pk").values_list("pk", flat=True))
    for number, one in enumerate(others(theirs)):
        QueuedMessage.objects.filter(pk__in=rows[number::PLACES]).update(
            user=one, domain=one.domain
        )
    QueuedMessage.objects.filter(pk__in=rows[::50]).update(user=ours, domain=ours.domain)
    # Few: of a table this small, to look up the recipients of fifty costs Postgres about as much as
    # to read them all, and it may do either.
    QueuedMessage.objects.filter(pk__in=rows[1::400]).update(state=MessageState.HELD)
    done = rows[2::4]
    QueuedMessage.objects.filter(pk__in=done).update(state=MessageState.DONE, settled_at=1)
    QueuedRecipient.objects.filter(message__in=done).update(state="delivered")
    analyze()
    return rows


def test_a_page_and_a_portion_read_no_more(
    operator: User, admin: User, alice: User, eve: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "COUNTED", 100)
    monkeypatch.setattr(bulkacts, "MOST", 100)
    rows = crowd(alice, eve)
    middle, queue_id = str(rows[CROWD // 2]), ulid_text(rows[CROWD // 2])
    pages = [
        Wanted(),
        Wanted(after=middle),
        Wanted(state="waiting"),
        Wanted(state="sending"),
        Wanted(state="held"),
        Wanted(state="scheduled"),
        Wanted(destination=NEAR),
        Wanted(destination="nowhere.test"),
        Wanted(destination="dead7.test", after=middle),
        Wanted(age="4"),
        Wanted(text=queue_id),
    ]
    for person in (operator, admin):
        powers = powers_of(person)
        for wanted in pages:
            reading = Reading(TABLES)
            with connection.execute_wrapper(reading):
                waiting.messages(powers, wanted, waiting.tabs(powers, wanted))
                acts.portion(powers, wanted, acts.begin(powers, wanted))
            assert reading.found
            assert reading.beyond(MOST) == [], (person.address, wanted)
