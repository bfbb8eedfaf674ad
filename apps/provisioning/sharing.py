"""What users have shared with others, as the command and their own page show and change it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import F, Q

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import User, UserState
from apps.directory.services import users
from apps.mailstore import queries
from apps.mailstore.models import MailboxRight
from apps.mailstore.origin import Origin
from apps.mailstore.services import sharing
from apps.mailstore.services.locks import lock
from apps.mailstore.services.mailboxes import find, normal
from apps.mailstore.shares import RIGHTS
from apps.wire.errors import InvalidName

LEVELS: Final = {"read": "lrs", "write": "lrswite", "manage": "lrswipkxte"}
"""Rights that people give together (RFC 4314 section 2.1); none of them lets anybody share on."""

_ORIGIN: Final = Origin("command", None)
_VIRTUAL: Final = {"c": "kx", "d": "te"}  # RFC 4314 section 2.1.1


@dataclass(frozen=True, slots=True)
class ShareRow:
    """What somebody may do in a mailbox; `user` is an address or anyone."""

    owner: str
    mailbox: str
    user: str
    rights: str


def rights_of(text: str) -> frozenset[str]:
    """The rights that letters name.

    Raises:
        InvalidName: one of them names none, or there is no letter.
    """
    rights = frozenset("".join(_VIRTUAL.get(letter, letter) for letter in text))
    if not rights or not rights.issubset(RIGHTS):
        raise InvalidName(repr(text), text=f"Rights are letters of {RIGHTS}")
    return rights


@transaction.atomic
def grant(
    owner: str, user: str, rights: str, mailbox: str | None, *, origin: Origin = _ORIGIN
) -> list[ShareRow]:
    """Give exactly these rights in a mailbox, or in all that there are.

    Raises: NotFound, InvalidName, LimitReached
    """
    wanted = rights_of(rights)
    chosen = _chosen(owner, mailbox)
    for mailbox_id in chosen:
        sharing.grant(mailbox_id=mailbox_id, to=user, rights=wanted, origin=origin)
    detail = {"with": user, "rights": rights, "mailboxes": list(chosen.values())}
    record("share.grant", **subjects.of_user(users.find(owner)), detail=detail)
    return list(rows(mailbox_ids=list(chosen), user=user))


@transaction.atomic
def revoke(
    owner: str, user: str, mailbox: str | None, *, origin: Origin = _ORIGIN
) -> list[ShareRow]:
    """Take all rights back in a mailbox, or in all that there are; returns what they were.

    Raises: NotFound, InvalidName
    """
    chosen = _chosen(owner, mailbox)
    before = list(rows(mailbox_ids=list(chosen), user=user))
    for mailbox_id in chosen:
        sharing.revoke(mailbox_id=mailbox_id, to=user, origin=origin)
    detail = {"with": user, "mailboxes": [one.mailbox for one in before]}
    record("share.revoke", **subjects.of_user(users.find(owner)), detail=detail)
    return before


def rows(
    *,
    owner: User | None = None,
    user: str | None = None,
    mailbox_ids: Sequence[int] | None = None,
) -> Iterator[ShareRow]:
    """Who may do what, by owner, mailbox and user. Raises NotFound."""
    found = MailboxRight.objects.select_related("mailbox__user", "user").filter(
        ~Q(user__state=UserState.REMOVED), mailbox__deleted_at=None
    )
    if owner is not None:
        found = found.filter(mailbox__user=owner)
    if mailbox_ids is not None:
        found = found.filter(mailbox__in=mailbox_ids)
    if user is not None:
        found = found.filter(user=None if user.lower() == sharing.ANYONE else users.find(user))
    by_user = F("user__key").asc(nulls_last=True)
    for row in found.order_by("mailbox__user__key", "mailbox__name", by_user).iterator():
        name = sharing.ANYONE if row.user is None else row.user.address
        yield ShareRow(row.mailbox.user.address, row.mailbox.name, name, row.rights)


def _chosen(owner: str, mailbox: str | None) -> dict[int, str]:
    """The ids and names of the mailboxes meant, all locked in the house's order."""
    user = users.find(owner)
    if mailbox is None:
        chosen = {row.id: row.name for row in queries.mailboxes(user.pk)}
    else:
        box = find(user.pk, normal(mailbox))
        chosen = {box.pk: box.name}
    lock(mailboxes=chosen)
    return chosen
