"""\\Recent's one number only rises; a restore renews every UIDVALIDITY."""

import pytest

from apps.mailstore import queries
from apps.mailstore.models import Mailbox
from apps.mailstore.services import mailboxes, recent
from apps.mailstore.services.restored import renew_uidvalidity
from tests.mailstore.making import filled
from tests.mailstore.test_writers import together

pytestmark = pytest.mark.django_db


def test_it_only_rises(inbox: Mailbox, archive: Mailbox) -> None:
    filled(inbox, 3)
    before = queries.snapshot(inbox.pk).counters
    assert before.recent_floor == 1
    for end, floor, after in ((4, 1, 4), (2, 4, 4), (4, 4, 4), (5, 4, 5)):
        assert recent.claim({inbox.pk: end}) == {inbox.pk: floor}
        assert queries.snapshot(inbox.pk).counters == before._replace(recent_floor=after)
    wanted = {archive.pk: 3, inbox.pk: 9, 10**9: 7}
    assert recent.claim(wanted) == {archive.pk: 1, inbox.pk: 5}


@pytest.mark.django_db(transaction=True)
def test_it_gives_every_message_to_one_of_many(inbox: Mailbox, archive: Mailbox) -> None:
    """Writers on connections of their own take ranges that neither overlap nor leave a gap."""
    filled(inbox, 1)
    taken: dict[int, list[tuple[int, int]]] = {inbox.pk: [], archive.pk: []}

    def job(number: int) -> None:
        boxes = [inbox.pk, archive.pk][:: 1 if number % 2 else -1]
        for turn in range(2, 12):
            wanted = dict.fromkeys(boxes, turn * (1 + number % 3))
            for box, floor in recent.claim(wanted).items():
                if floor < wanted[box]:
                    taken[box].append((floor, wanted[box]))

    together(job, 8)
    for ranges in taken.values():
        ranges.sort()
        assert [low for low, _ in ranges] == [1, *(end for _, end in ranges[:-1])]


def test_it_renews_every_uidvalidity(inbox: Mailbox) -> None:
    before = {box.pk: box.uidvalidity for box in Mailbox.objects.all()}
    renew_uidvalidity()
    after = {box.pk: box.uidvalidity for box in Mailbox.objects.all()}
    assert min(after.values()) > max(before.values())
    assert len(set(after.values())) == len(after)
    made = mailboxes.create(user_id=inbox.user_id, name="New")
    assert made.uidvalidity > max(after.values())
