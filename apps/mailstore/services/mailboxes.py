"""Mailboxes: make, rename, delete, subscribe.

A subscription is to a name (RFC 3501 section 6.3.6): it stays when the mailbox is deleted, goes
along when it is renamed, and only the user's word makes it or ends it.

Names are Unicode in form C with `/` between levels; INBOX is known in any case. `uidvalidity` comes
from a counter that only rises, so a name that is deleted and made again never gets an old one (RFC
3501 section 2.3.1.1). Deleting is soft: the space is free and the name is gone at once, the mail is
purged some days later, with all else that hangs on the mailbox (`revive` brings it back).
"""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from apps.events.bus import publish_on_commit
from apps.events.types import MailboxesChanged
from apps.mailstore.models import Mailbox, SpecialUse, Subscription
from apps.mailstore.origin import Origin
from apps.mailstore.services import annotations, copy, filing, purge, quota, roles, sharing
from apps.mailstore.services.filing import Change, Growth, Use
from apps.mailstore.services.locks import lock
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows
from apps.wire.errors import AlreadyExists, InvalidName, LimitReached, NotFound, NotPermitted

INBOX: Final = "INBOX"
SEPARATOR: Final = "/"
NAME_MAX: Final = 500  # characters
LEVEL_MAX: Final = 200  # characters of one level
DEPTH_MAX: Final = 20  # levels: whoever walks the tree does so on a bounded stack
MAILBOXES_MAX: Final = 10_000  # live ones of one user: LIST must stay affordable
SUBSCRIPTIONS_MAX: Final = 20_000  # of one user, those to deleted mailboxes counted
DEFAULTS: Final = (
    (INBOX, SpecialUse.INBOX),
    ("Drafts", SpecialUse.DRAFTS),
    ("Sent", SpecialUse.SENT),
    ("Archive", SpecialUse.ARCHIVE),
    ("Junk", SpecialUse.JUNK),
    ("Trash", SpecialUse.TRASH),
)

_TAKE_UIDVALIDITIES = """
INSERT INTO mailstore_counter (name, value) VALUES ('uidvalidity', %s)
ON CONFLICT (name) DO UPDATE SET value = mailstore_counter.value + excluded.value
RETURNING value"""
_NEW_STATE = ManyRows(
    "INSERT INTO mailstore_mailboxstate"
    " (mailbox_id, uidnext, highestmodseq, messages, unseen, size, recent_floor, expunged_floor)",
    "bigint bigint bigint bigint bigint bigint bigint bigint",
)


def create_defaults(user_id: int) -> None:
    """Give a new user an account of space and the mailboxes that every client expects, subscribed,
    within the caller's transaction."""
    quota.open_account(user_id)
    _create(user_id, DEFAULTS)
    Subscription.objects.bulk_create(
        [Subscription(user_id=user_id, name=name) for name, _ in DEFAULTS], ignore_conflicts=True
    )


def create(
    *, user_id: int, name: str, special_use: str = SpecialUse.NONE, by_another: bool = False
) -> Mailbox:
    """Make a mailbox, and those above it that are missing (RFC 3501 section 6.3.3).

    Who has rights in the nearest mailbox above has them in the new ones (RFC 4314 section 4).

    Args:
        special_use: a role (RFC 6154 section 3), which is taken from the mailbox that has it.
        by_another: it is not the owner who makes it: INBOX stands above what has nothing above.

    Raises:
        InvalidName, LimitReached
        AlreadyExists: the name is taken.
    """
    wanted = normal(name)
    with unique(wanted), transaction.atomic():
        one_at_a_time()
        check_limit(user_id)
        roles.free(user_id=user_id, use=special_use)
        missing, above = _above(user_id, wanted)
        made = _create(user_id, [*((name, "") for name in missing), (wanted, special_use)])
        _inherit(made, above or (find(user_id, INBOX) if by_another else None))
        publish_on_commit(MailboxesChanged(user_id))
    return made[-1]


def rename(*, user_id: int, name: str, to: str, origin: Origin) -> Mailbox:
    """Rename a mailbox, or a level that is none, with all below it; returns the first renamed.

    INBOX stays and is emptied into a new mailbox; what is below INBOX stays too (RFC 3501 section
    6.3.5).

    Raises:
        NotFound, LimitReached
        InvalidName: no name, or one below the old name.
        AlreadyExists: the new name, or one below it, is taken.
    """
    old, new = normal(name), normal(to)
    with unique(new), transaction.atomic():
        one_at_a_time()
        family = _family(user_id, old)
        if old == INBOX and new != INBOX:
            return _empty_inbox(family[0], new, origin)
        _check_target(user_id, old, new)
        missing, above = _above(user_id, new)
        _inherit(_create(user_id, [(name, "") for name in missing]), above)
        for box in family:
            box.name = normal(new + box.name[len(old) :])
            box.save(update_fields=["name"])
        _rename_subscriptions(user_id, old, new)
        publish_on_commit(MailboxesChanged(user_id))
        sharing.tell([box.pk for box in family])
    return family[0]


def _family(user_id: int, name: str) -> list[Mailbox]:
    """The mailbox of that name and all below it, by name; a level that is no mailbox itself (LIST
    shows it as \\Noselect) has only the latter. Raises NotFound."""
    named = Q(name=name) | Q(name__startswith=name + SEPARATOR)
    found = Mailbox.objects.filter(named, user_id=user_id, deleted_at=None)
    # SQLite's LIKE knows no case.
    family = [box for box in found if box.name == name or box.name.startswith(name + SEPARATOR)]
    if not family:
        raise NotFound(f"mailbox {name!r} of user {user_id}", text="No such mailbox")
    return sorted(family, key=lambda box: box.name)


def _check_target(user_id: int, old: str, new: str) -> None:
    if new.startswith(old + SEPARATOR):
        raise InvalidName(f"{old!r} to {new!r}", text="A mailbox cannot be moved into itself")
    if new == old or Mailbox.objects.filter(user_id=user_id, name=new, deleted_at=None).exists():
        raise AlreadyExists(new, text="Mailbox already exists")


def _rename_subscriptions(user_id: int, old: str, new: str) -> None:
    """The name was changed by its user's wish: what was subscribed stays in sight."""
    mine = Subscription.objects.filter(user_id=user_id)
    moved = {
        one.name: new + one.name[len(old) :]
        for one in mine.filter(Q(name=old) | Q(name__startswith=old + SEPARATOR))
        if one.name == old or one.name.startswith(old + SEPARATOR)
    }
    if moved:
        mine.filter(name__in=moved).delete()
        Subscription.objects.bulk_create(
            [Subscription(user_id=user_id, name=name) for name in moved.values()],
            ignore_conflicts=True,
        )


def delete(*, user_id: int, name: str, origin: Origin) -> None:
    """Delete a mailbox softly; what is below it stays (RFC 3501 section 6.3.4).

    Raises:
        NotFound
        NotPermitted: INBOX cannot be deleted.
    """
    with transaction.atomic():
        mailbox = find(user_id, normal(name))
        if mailbox.special_use == SpecialUse.INBOX:
            raise NotPermitted(f"INBOX of user {user_id}", text="INBOX cannot be deleted")
        _bury(user_id, [mailbox.pk], origin)


def delete_all(*, user_id: int, origin: Origin) -> None:
    """Delete all mailboxes of a user softly, INBOX too, within the caller's transaction: the user
    is removed."""
    Subscription.objects.filter(user_id=user_id).delete()
    live = Mailbox.objects.filter(user_id=user_id, deleted_at=None)
    _bury(user_id, list(live.values_list("pk", flat=True)), origin)


def subscribe(*, user_id: int, name: str) -> None:
    """Have LSUB show a mailbox. Raises NotFound, InvalidName, LimitReached."""
    with transaction.atomic():
        _subscribe(user_id, find(user_id, normal(name)).name)


def subscribe_shared(*, user_id: int, name: str) -> None:
    """Have LSUB show a mailbox of another, under the name that this user sees; who calls has found
    it. Raises LimitReached."""
    with transaction.atomic():
        _subscribe(user_id, name)


def subscribe_all(*, user_id: int, names: Sequence[str]) -> None:
    """Have LSUB show mailboxes of the user; who calls has found them. Raises LimitReached."""
    with transaction.atomic():
        _subscribe(user_id, *names)


def _subscribe(user_id: int, *names: str) -> None:
    there = Subscription.objects.filter(user_id=user_id).count()
    if there + len(names) > SUBSCRIPTIONS_MAX:
        raise LimitReached(f"user {user_id}", text=f"At most {SUBSCRIPTIONS_MAX} subscriptions")
    Subscription.objects.bulk_create(
        [Subscription(user_id=user_id, name=name) for name in names], ignore_conflicts=True
    )
    publish_on_commit(MailboxesChanged(user_id))


def unsubscribe(*, user_id: int, name: str) -> None:
    """Have LSUB show a name no more. It may be of no mailbox, and none that is shown; it is as
    `normal` or `subscribe_shared` has it."""
    with transaction.atomic():
        Subscription.objects.filter(user_id=user_id, name=name).delete()
        publish_on_commit(MailboxesChanged(user_id))


def find(user_id: int, name: str) -> Mailbox:
    """A live mailbox by its normal name; one query. Raises NotFound."""
    mailbox = Mailbox.objects.filter(user_id=user_id, name=name, deleted_at=None).first()
    if mailbox is None:
        raise NotFound(f"mailbox {name!r} of user {user_id}", text="No such mailbox")
    return mailbox


def normal(name: str) -> str:
    """The name as it is kept. Raises InvalidName.

    A separator at the end is dropped: clients write it when they mean to make mailboxes below
    (RFC 3501 section 6.3.3).
    """
    text = unicodedata.normalize("NFC", name.removesuffix(SEPARATOR))
    levels = text.split(SEPARATOR)
    if len(text) > NAME_MAX or len(levels) > DEPTH_MAX:
        raise InvalidName(f"{len(text)} characters", text="Mailbox name is too long or too deep")
    for level in levels:
        if not 0 < len(level) <= LEVEL_MAX or not level.isprintable() or level != level.strip():
            raise InvalidName(repr(level), text="Mailbox name is not valid")
    if levels[0].upper() == INBOX:
        levels[0] = INBOX
    return SEPARATOR.join(levels)


@contextmanager
def unique(name: str) -> Iterator[None]:
    """Within: a name or role that the database finds taken is `AlreadyExists`. Stands around the
    transaction, which such a failure has ended."""
    try:
        yield
    except IntegrityError as error:
        raise AlreadyExists(name, text="Mailbox already exists") from error


def one_at_a_time() -> None:
    """On Postgres, let only one transaction of the installation make mailboxes: two that make `a/b`
    and `a/c` would both find that `a` is missing, and one of them would fail for no reason."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM mailstore_counter WHERE name = 'uidvalidity' FOR NO KEY UPDATE"
            )


def check_limit(user_id: int) -> None:
    """Raise LimitReached if a user can have no more mailboxes."""
    if Mailbox.objects.filter(user_id=user_id, deleted_at=None).count() >= MAILBOXES_MAX:
        raise LimitReached(f"user {user_id}", text=f"At most {MAILBOXES_MAX} mailboxes")


def _above(user_id: int, name: str) -> tuple[list[str], Mailbox | None]:
    """The names above that no mailbox has, and the nearest mailbox above, if any."""
    levels = name.split(SEPARATOR)
    above = [SEPARATOR.join(levels[:depth]) for depth in range(1, len(levels))]
    there = Mailbox.objects.filter(user_id=user_id, name__in=above, deleted_at=None)
    known = {box.name: box for box in there}
    nearest = max(known, key=len, default="")
    return [one for one in above if one not in known], known.get(nearest)


def _inherit(made: Sequence[Mailbox], above: Mailbox | None) -> None:
    if made and above is not None:
        sharing.inherit([box.pk for box in made], above.pk)


def _create(user_id: int, wanted: Sequence[tuple[str, str]]) -> list[Mailbox]:
    if not wanted:
        return []
    last = take_uidvalidities(len(wanted))
    at = now()
    made = Mailbox.objects.bulk_create(
        Mailbox(
            user_id=user_id,
            name=name,
            special_use=use,
            uidvalidity=last - len(wanted) + number,
            created_at=at,
        )
        for number, (name, use) in enumerate(wanted, 1)
    )
    _NEW_STATE.write([(mailbox.pk, 1, 1, 0, 0, 0, 1, 0) for mailbox in made])
    return made


def take_uidvalidities(count: int) -> int:
    """Take so many numbers that no mailbox had before; returns the last of them."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_UIDVALIDITIES, [count])
        return int(cursor.fetchone()[0])


def _empty_inbox(inbox: Mailbox, new: str, origin: Origin) -> Mailbox:
    """RENAME INBOX: its messages move, itself stays."""
    missing, above = _above(inbox.user_id, new)
    made = _create(inbox.user_id, [(name, "") for name in (*missing, new)])
    _inherit(made, above)
    target = made[-1]
    annotations.copy_all(inbox.pk, target.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT uid FROM mailstore_entry WHERE mailbox_id = %s", [inbox.pk])
        uids = [row[0] for row in cursor.fetchall()]
    copy.move(mailbox_id=inbox.pk, uids=uids, target_id=target.pk, origin=origin)
    publish_on_commit(MailboxesChanged(inbox.user_id))
    return target


def _bury(user_id: int, mailbox_ids: Sequence[int], origin: Origin) -> None:
    lock(users=[user_id], mailboxes=mailbox_ids)
    for mailbox_id in mailbox_ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE mailstore_mailbox SET deleted_at = %s WHERE id = %s AND deleted_at IS NULL",
                [now(), mailbox_id],
            )
            if not cursor.rowcount:
                continue  # somebody else was first, and has counted it
            cursor.execute(
                "SELECT size, messages FROM mailstore_mailboxstate WHERE mailbox_id = %s",
                [mailbox_id],
            )
            size, messages = cursor.fetchone()
        # A modseq of its own: sessions that know all up to now look, and see that it is gone.
        modseq = filing.grow({mailbox_id: Growth(0, 0, 0, 0)})[mailbox_id].modseq
        filing.use([Use(user_id, -size, -messages, expunged=size)])
        filing.record([Change(mailbox_id, "delete", [], modseq, origin)])
    sharing.tell(mailbox_ids)
    publish_on_commit(MailboxesChanged(user_id))
    purge.trim_on_commit(user_id)
