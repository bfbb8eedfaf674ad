"""Each hot statement does what its twin, written with the ORM, does: same rows after, same rows
out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from django.db import transaction
from django.db.models import F, Model, Q

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import (
    FLAG_DELETED,
    FLAG_FLAGGED,
    FLAG_SEEN,
    Entry,
    Expunged,
    Fate,
    Mailbox,
    MailboxState,
    ThreadReference,
    Usage,
)
from apps.mailstore.services import expunge, flags, quota, threads
from apps.mailstore.services import filing as filing_module
from apps.mailstore.services.filing import Entering, Growth, Use
from apps.mailstore.services.flags import FlagChange
from apps.mailstore.span import Span
from tests.mailstore.making import DATE, ORIGIN, delivered, filing, filled

pytestmark = pytest.mark.django_db

HOT: tuple[type[Model], ...] = (Entry, Expunged, MailboxState, ThreadReference, Usage)
Rows = list[list[dict[str, Any]]]


def everything() -> Rows:
    return [sorted(model._default_manager.values(), key=repr) for model in HOT]


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def after(change: Callable[[], object]) -> Rows:
    with undone():
        change()
        return everything()


@pytest.fixture
def boxes(inbox: Mailbox, archive: Mailbox, bobs_inbox: Mailbox) -> list[Mailbox]:
    """Three mailboxes with flags, keywords, heads and gaps."""
    filled(inbox, 6, flags=FLAG_FLAGGED)
    filled(archive, 3, keywords=("a", "b"))
    delivered([filing(bobs_inbox, head=b"A: b\r\n"), filing(bobs_inbox, flags=FLAG_SEEN)])
    change = flags.FlagChange("add", FLAG_DELETED | FLAG_SEEN)
    flags.store(mailbox_id=inbox.pk, uids=[2, 5], change=change, origin=ORIGIN)
    expunge.expunge(mailbox_id=inbox.pk, uids=[5], origin=ORIGIN)
    return [inbox, archive, bobs_inbox]


@pytest.mark.parametrize("quota_left", [0, 1, 10, 11, 100])
def test_it_reserves_as_the_orm_would(boxes: list[Mailbox], quota_left: int) -> None:
    alice, bob = boxes[0].user_id, boxes[2].user_id
    used = queries.usage(alice).size
    User.objects.filter(pk=alice).update(quota=used + quota_left)
    rows = [(alice, 10), (bob, 7), (alice, 5)]

    def twin() -> None:
        for user_id, total, before in ((alice, 15, 10), (bob, 7, 0)):
            room = Q(user__quota=0) | Q(user__quota__gt=F("size") + F("reserved") + before)
            fits = list(Usage.objects.filter(room, user=user_id).values_list("pk", flat=True))
            Usage.objects.filter(pk__in=fits).update(reserved=F("reserved") + total)

    assert after(lambda: quota.reserve(rows)) == after(twin)
    with undone():
        assert quota.reserve(rows) == (set() if quota_left > 10 else {alice})


def test_it_grows_mailboxes_as_the_orm_would(boxes: list[Mailbox]) -> None:
    growth = {box.pk: Growth(n, n - 1, -n, 1000 * n) for n, box in enumerate(boxes)}

    def twin() -> None:
        for pk, (taken, messages, unseen, size) in growth.items():
            MailboxState.objects.filter(pk=pk).update(
                uidnext=F("uidnext") + taken,
                highestmodseq=F("highestmodseq") + 1,
                messages=F("messages") + messages,
                unseen=F("unseen") + unseen,
                size=F("size") + size,
            )

    before = {state.pk: state for state in MailboxState.objects.all()}
    assert after(lambda: filing_module.grow(growth)) == after(twin)
    with undone():
        assert filing_module.grow(growth) == {
            pk: (before[pk].uidnext, before[pk].highestmodseq + 1) for pk in growth
        }


def test_it_counts_use_as_the_orm_would(boxes: list[Mailbox]) -> None:
    alice, bob = boxes[0].user_id, boxes[2].user_id
    rows = [Use(alice, 5, 1, 2), Use(bob, -7, -1, expunged=7), Use(alice, 1, 1, 1, 3)]

    def twin() -> None:
        for user_id, size, messages, reserved, expunged in rows:
            Usage.objects.filter(user=user_id).update(
                size=F("size") + size,
                messages=F("messages") + messages,
                reserved=F("reserved") - reserved,
                expunged=F("expunged") + expunged,
            )

    assert after(lambda: filing_module.use(rows)) == after(twin)


def test_it_inserts_entries_as_the_orm_would(boxes: list[Mailbox]) -> None:
    message = Entry.objects.latest("message_id").message_id
    rows = [
        (box.pk, 70 + n, 90, Entering(message, head, n, 2**62, -5, -720, 1, 2**40))
        for box in boxes
        for n, head in enumerate((None, 1))
    ]

    def twin() -> None:
        for box, uid, modseq, entry in rows:
            Entry.objects.create(mailbox_id=box, uid=uid, modseq=modseq, **entry._asdict())

    assert after(lambda: filing_module.insert_entries(rows)) == after(twin)


@pytest.mark.parametrize("mode", ["add", "remove", "replace"])
def test_it_writes_flags_as_the_orm_would(
    boxes: list[Mailbox], mode: Literal["add", "remove", "replace"]
) -> None:
    bits, mask = FLAG_FLAGGED | FLAG_SEEN, 0b10
    fields_of: dict[str, dict[str, Any]] = {
        "add": {"flags": F("flags").bitor(bits), "keywords": F("keywords").bitor(mask)},
        "remove": {"flags": F("flags").bitand(~bits), "keywords": F("keywords").bitand(~mask)},
        "replace": {"flags": bits, "keywords": mask},
    }
    for box in boxes:
        assert after(
            lambda box=box: flags._write(Span(box.pk, [1, 2, 9]), FlagChange(mode, bits), mask, 50)  # type: ignore[misc]
        ) == after(
            lambda box=box: Entry.objects.filter(mailbox=box, uid__in=[1, 2, 9]).update(  # type: ignore[misc]
                modseq=50, **fields_of[mode]
            )
        )


def test_it_remembers_message_ids_as_the_orm_would(alice: User, boxes: list[Mailbox]) -> None:
    one = alice.pk
    rows = [(one, -(2**63), 1), (one, 5, 2**40), (one, 2**63 - 1, 3)]
    asked = [(one, 5), (one, 2**63 - 1), (one, 6), (one + 1, 5)]

    def twin() -> None:
        for user_id, digest, thread_id in rows:
            ThreadReference.objects.create(user_id=user_id, digest=digest, thread_id=thread_id)

    assert after(lambda: threads._INSERT.write(rows)) == after(twin)
    threads._INSERT.write(rows)
    threads._INSERT.write([(one, 5, 9)])  # what is known stays
    assert threads._known(asked) == {(one, 5): 2**40, (one, 2**63 - 1): 3}


@pytest.mark.parametrize("only", [False, True])
@pytest.mark.parametrize("uids", [[1, 2, 3], [1, 2, 6], [2], [5, 99]])
def test_it_lets_entries_go_as_the_orm_would(
    boxes: list[Mailbox], monkeypatch: pytest.MonkeyPatch, uids: list[int], *, only: bool
) -> None:
    monkeypatch.setattr(expunge, "now", lambda: DATE)
    inbox = boxes[0]
    found = Entry.objects.filter(mailbox=inbox, uid__in=uids).order_by("uid")
    going = [one for one in found if one.flags & FLAG_DELETED or not only]
    carried = {one.name for one in Entry._meta.local_fields} - {"mailbox", "modseq"}

    def twin() -> None:
        if not going:
            return
        size, count = sum(one.size for one in going), len(going)
        unseen = sum(not one.flags & FLAG_SEEN for one in going)
        state = MailboxState.objects.filter(mailbox=inbox)
        state.update(
            highestmodseq=F("highestmodseq") + 1,
            messages=F("messages") - count,
            unseen=F("unseen") - unseen,
            size=F("size") - size,
        )
        Usage.objects.filter(user_id=inbox.user_id).update(
            size=F("size") - size, messages=F("messages") - count, expunged=F("expunged") + size
        )
        for one in going:
            Expunged.objects.create(
                mailbox=inbox,
                modseq=state.get().highestmodseq,
                at=DATE,
                user_id=ORIGIN.user_id,
                cost=one.size,
                fate=Fate.REPLACED,
                **{name: getattr(one, name) for name in carried},
            )
        Entry.objects.filter(mailbox=inbox, uid__in=[one.uid for one in going]).delete()

    def change() -> None:
        leaving = expunge.pick(inbox.pk, uids, only_deleted=only)
        assert (leaving is None) is not bool(going)
        if leaving is not None:
            expunge.let_go(leaving, inbox.user_id, ORIGIN, Fate.REPLACED)

    assert after(change) == after(twin)


def test_it_reads_as_the_orm_would(boxes: list[Mailbox]) -> None:
    for box in boxes:
        entries = Entry.objects.filter(mailbox=box)
        shot = queries.snapshot(box.pk)
        columns = zip(shot.uids, shot.flags, shot.keywords, shot.modseqs, strict=True)
        names = ("uid", "flags", "keywords", "modseq")
        assert list(columns) == list(entries.order_by("uid").values_list(*names))
        changes = queries.changes_since(box.pk, 2)
        newer = entries.filter(modseq__gt=2).order_by("modseq", "uid")
        assert changes.changed == list(newer.values_list(*names))
        gone = Expunged.objects.filter(mailbox=box, modseq__gt=2).order_by("modseq", "uid")
        assert changes.expunged == list(gone.values_list("uid", flat=True))
        page = queries.fetch_page(box.pk, [1, 2, 3], ["size", "envelope", "head"])
        twin = entries.filter(uid__in=[1, 2, 3]).order_by("uid")
        assert [tuple(map(plain, row)) for row in page] == [
            tuple(map(plain, row))
            for row in twin.values_list("uid", "size", "message__envelope", "head__raw")
        ]
        listed = queries.inbox_page(box.pk, None, 4)
        ordered = entries.order_by("-internaldate", "-uid")[:4]
        assert [(row.uid, row.subject) for row in listed] == list(
            ordered.values_list("uid", "message__subject")
        )


def test_it_finds_inboxes_and_full_users_as_the_orm_would(boxes: list[Mailbox]) -> None:
    users = [box.user_id for box in boxes]
    User.objects.filter(pk=users[0]).update(quota=1)
    twin = Mailbox.objects.filter(user__in=users, special_use="inbox", deleted_at=None)
    assert queries.inboxes(users) == dict(twin.values_list("user_id", "pk"))
    full = Usage.objects.filter(
        user__in=users, user__quota__gt=0, user__quota__lte=F("size") + F("reserved")
    )
    full_now = {user for user, is_full in queries.limits(users).items() if is_full}
    assert full_now == set(full.values_list("pk", flat=True)) == {users[0]}


def plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value
