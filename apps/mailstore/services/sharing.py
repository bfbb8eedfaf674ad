"""What others may do in a mailbox (RFC 4314): the only door through which rights change.

Rights are given to a person of the owner's organisation, or to anyone of it. The owner has all of
them and cannot lose any. Who may send in the name of a mailbox (directory's Delegation) may not
read it for that: the two are given apart.

A change takes a modseq of the mailbox, so that sessions that have it selected look, and writes the
journal. Who sees other mailboxes than before is told by `MailboxesChanged`.

The list of a deleted mailbox gives nothing, and stays with it until it is purged: whoever brings
the mailbox back has it shared as it was. One of the same name is another mailbox and does not
inherit it (RFC 4314 section 4, DELETE).
"""

from collections.abc import Callable, Collection, Sequence
from typing import Final

from django.db import connection, transaction

from apps.directory.models import Kind, User
from apps.directory.services import users
from apps.events.bus import publish_on_commit
from apps.events.types import EVERYBODY, MailboxesChanged
from apps.mailstore.models import MailboxRight
from apps.mailstore.origin import Origin
from apps.mailstore.services import filing
from apps.mailstore.services.filing import Change, Growth
from apps.mailstore.services.locks import lock
from apps.mailstore.shares import RIGHTS
from apps.runtime.rows import among, listed
from apps.wire.errors import InvalidAddress, InvalidName, LimitReached, NotFound

ANYONE: Final = "anyone"
GRANTS_MAX: Final = 200  # entries of one mailbox's list

_INHERIT: Final = """
INSERT INTO mailstore_mailboxright (mailbox_id, user_id, rights)
SELECT b.id, r.user_id, r.rights FROM mailstore_mailboxright AS r, mailstore_mailbox AS b
WHERE r.mailbox_id = %s AND """

Rights = frozenset[str]


def grant(*, mailbox_id: int, to: str, rights: Collection[str], origin: Origin) -> Rights:
    """Give exactly these rights, and take all others back.

    Args:
        to: an address, or `ANYONE` of the owner's organisation.
        rights: letters of `shares.RIGHTS`; none removes the entry.

    Returns:
        What the entry is now.

    Raises:
        NotFound: no such mailbox, or no such user in the owner's organisation.
        InvalidName: nobody to whom rights can be given.
        LimitReached
    """
    return _change(mailbox_id, to, lambda _: frozenset(rights), origin)


def extend(*, mailbox_id: int, to: str, rights: Collection[str], origin: Origin) -> Rights:
    """Give these rights too. Returns and raises: as `grant`."""
    return _change(mailbox_id, to, lambda before: before.union(rights), origin)


def reduce(*, mailbox_id: int, to: str, rights: Collection[str], origin: Origin) -> Rights:
    """Take these rights back. Returns and raises: as `grant`."""
    return _change(mailbox_id, to, lambda before: before.difference(rights), origin)


def revoke(*, mailbox_id: int, to: str, origin: Origin) -> None:
    """Remove an entry; nothing happens if there is none. Raises: as `grant`."""
    _change(mailbox_id, to, lambda _: frozenset(), origin)


def holder(owner_id: int, text: str) -> User | None:
    """The user whom an identifier names for a mailbox of this owner; None for anyone.

    Raises:
        NotFound: no such user in the owner's organisation; it is not told whether elsewhere.
        InvalidName: negative rights (RFC 4314 section 2), or nobody to whom rights can be given.
    """
    if text.lower() == ANYONE:
        return None
    if text.startswith("-"):
        raise InvalidName("negative", text="Rights are given here, and never denied to one")
    owner = User.objects.select_related("domain").get(pk=owner_id)
    try:
        user = users.find(text)
    except (NotFound, InvalidAddress):
        user = None
    if user is None or _organization(user) != _organization(owner):
        raise NotFound(f"user {text!r}", text="There is no such user")
    if user.pk != owner_id and user.kind != Kind.PERSON:
        raise InvalidName("kind", text="Rights are given to people, or to anyone")
    return user


def inherit(mailbox_ids: Sequence[int], parent_id: int) -> None:
    """Give new mailboxes the list of the one above (RFC 4314 section 4, CREATE), within the
    caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_INHERIT + among("b.id"), [parent_id, listed(mailbox_ids)])
    tell(mailbox_ids)


def tell(mailbox_ids: Collection[int]) -> None:
    """Tell those with rights in these mailboxes that their list is another, once the caller's
    transaction has committed."""
    holders = MailboxRight.objects.filter(mailbox_id__in=mailbox_ids).values_list("user_id")
    for (user_id,) in holders.distinct():
        publish_on_commit(MailboxesChanged(EVERYBODY if user_id is None else user_id))


def _change(mailbox_id: int, to: str, change: Callable[[Rights], Rights], origin: Origin) -> Rights:
    with transaction.atomic():
        lock(mailboxes=[mailbox_id])
        owner_id = filing.home(mailbox_id).user_id
        user = holder(owner_id, to)
        if user is not None and user.pk == owner_id:
            raise InvalidName("owner", text="The owner of a mailbox has all rights")
        rows = MailboxRight.objects.filter(mailbox_id=mailbox_id, user=user)
        row = rows.first()
        before = frozenset(row.rights if row else "")
        after = change(before)
        assert after.issubset(RIGHTS), after
        if after == before:
            return after
        if row is None:
            _check_limit(mailbox_id)
            row = MailboxRight(mailbox_id=mailbox_id, user=user)
        _write(row, after)
        _note(mailbox_id, owner_id, row, before, origin)
        return after


def _write(row: MailboxRight, rights: Rights) -> None:
    row.rights = "".join(letter for letter in RIGHTS if letter in rights)
    if rights:
        row.save()
    else:
        row.delete()


def _note(
    mailbox_id: int, owner_id: int, row: MailboxRight, before: Rights, origin: Origin
) -> None:
    modseq = filing.grow({mailbox_id: Growth(0, 0, 0, 0)})[mailbox_id].modseq
    old = "".join(letter for letter in RIGHTS if letter in before)
    was, done = {"user": row.user_id, "rights": old}, {"user": row.user_id, "rights": row.rights}
    filing.record([Change(mailbox_id, "rights", [], modseq, origin, was, done)])
    publish_on_commit(MailboxesChanged(owner_id))
    publish_on_commit(MailboxesChanged(EVERYBODY if row.user_id is None else row.user_id))


def _check_limit(mailbox_id: int) -> None:
    if MailboxRight.objects.filter(mailbox_id=mailbox_id).count() >= GRANTS_MAX:
        raise LimitReached(f"mailbox {mailbox_id}", text=f"At most {GRANTS_MAX} have rights in it")


def _organization(user: User) -> int | None:
    return None if user.domain is None else user.domain.organization_id
