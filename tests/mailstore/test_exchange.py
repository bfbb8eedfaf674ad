"""One message in the place of another, in a transaction of the caller's."""

import pytest
from django.db import transaction

from apps.directory.models import User
from apps.mailstore.models import Entry, Expunged, Fate, Mailbox, Usage
from apps.mailstore.origin import Origin
from apps.mailstore.services.deliver import Filing
from apps.mailstore.services.exchange import Old, exchange
from apps.mailstore.services.prepare import prepare
from apps.runtime.ulid import new_ulid
from tests.support.mail import RAW

pytestmark = pytest.mark.django_db


def box(user: User, use: str) -> int:
    return Mailbox.objects.get(user=user, special_use=use).pk


def put(user: User, use: str, old: Old | None = None, raw: bytes = RAW) -> Old:
    new = Filing(
        message=prepare(raw, trace_id=new_ulid()),
        user_id=user.pk,
        mailbox_id=box(user, use),
        internaldate=1_795_000_000,
        origin=Origin("web", user.pk),
    )
    with transaction.atomic():
        filed = exchange(old, new)
    return Old(filed.mailbox_id, filed.uid)


def test_one_goes_and_the_other_is_there(alice: User) -> None:
    old = put(alice, "drafts")
    new = put(alice, "sent", old, RAW + b"More.\r\n")
    assert list(Entry.objects.values_list("mailbox_id", "uid")) == [new[:2]]
    assert list(Expunged.objects.values_list("mailbox_id", "uid", "fate")) == [
        (*old[:2], Fate.REPLACED)
    ]
    used = Usage.objects.get(user=alice)
    assert (used.messages, used.size) == (1, len(RAW) + 7)


def test_what_has_gone_meanwhile_does_not_matter(alice: User) -> None:
    old = put(alice, "drafts")
    put(alice, "sent", old)
    put(alice, "sent", old)
    assert Entry.objects.count() == 2


def test_a_message_of_others_is_never_touched(alice: User, bob: User) -> None:
    theirs = put(bob, "drafts")
    put(alice, "sent", theirs)
    assert Entry.objects.filter(mailbox_id=theirs.mailbox_id).count() == 1


def test_it_is_filed_though_its_owner_is_full(alice: User) -> None:
    old = put(alice, "drafts")
    User.objects.filter(pk=alice.pk).update(quota=1)
    put(alice, "sent", old)
    assert Entry.objects.count() == 1


def test_nothing_of_it_stays_if_the_caller_fails(alice: User) -> None:
    old = put(alice, "drafts")
    with pytest.raises(RuntimeError):
        _put_and_fail(alice, old)
    assert list(Entry.objects.values_list("mailbox_id", "uid")) == [old[:2]]


@transaction.atomic
def _put_and_fail(user: User, old: Old) -> None:
    put(user, "sent", old)
    raise RuntimeError
