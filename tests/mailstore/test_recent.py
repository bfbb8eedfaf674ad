"""\\Recent's one number only rises; a restore renews every UIDVALIDITY."""

import pytest

from apps.mailstore import queries
from apps.mailstore.models import Mailbox
from apps.mailstore.services import mailboxes, recent
from apps.mailstore.services.restored import renew_uidvalidity
from tests.mailstore.making import filled

pytestmark = pytest.mark.django_db


def test_it_only_rises(inbox: Mailbox) -> None:
    filled(inbox, 3)
    before = queries.snapshot(inbox.pk).counters
    assert before.recent_floor == 1
    for floor, after in ((4, 4), (2, 4), (5, 5)):
        recent.claim(mailbox_id=inbox.pk, floor=floor)
        assert queries.snapshot(inbox.pk).counters == before._replace(recent_floor=after)


def test_it_renews_every_uidvalidity(inbox: Mailbox) -> None:
    before = {box.pk: box.uidvalidity for box in Mailbox.objects.all()}
    renew_uidvalidity()
    after = {box.pk: box.uidvalidity for box in Mailbox.objects.all()}
    assert min(after.values()) > max(before.values())
    assert len(set(after.values())) == len(after)
    made = mailboxes.create(user_id=inbox.user_id, name="New")
    assert made.uidvalidity > max(after.values())
