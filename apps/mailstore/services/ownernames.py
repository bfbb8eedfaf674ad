"""Owners of shared mailboxes who have another address: those who see the mailboxes know them by
that name, and are subscribed to it.
"""

from collections.abc import Callable
from typing import Final

from django.db.models import Q

from apps.events.bus import publish_on_commit
from apps.events.types import EVERYBODY, MailboxesChanged
from apps.mailstore.models import MailboxRight, Subscription
from apps.mailstore.namespaces import DELIMITER, NAMESPACES, level
from apps.mailstore.services import sharing

_CHUNK: Final = 1_000  # rows of one statement


def follow(*, user_id: int, before: str, after: str) -> None:
    """A user has another address: `User.key` before and after. In the caller's transaction."""
    levels = {level(before): level(after)}
    _rewrite(f"{DELIMITER}{level(before)}", levels.get)
    mailboxes = MailboxRight.objects.filter(mailbox__user=user_id).values_list("mailbox")
    sharing.tell([pk for (pk,) in mailboxes.distinct()])


def follow_domain(*, before: str, after: str) -> None:
    """All users of a domain have. In the caller's transaction."""
    old, new = f"@{before}", f"@{after}"
    _rewrite(old, lambda one: f"{one.removesuffix(old)}{new}" if one.endswith(old) else None)
    publish_on_commit(MailboxesChanged(EVERYBODY))


def _rewrite(part: str, rule: Callable[[str], str | None]) -> None:
    """Give subscriptions the names that follow from `rule` for an owner's level; `part` is in the
    names of all that it changes."""
    below = Q()
    for namespace in NAMESPACES:
        below |= Q(name__startswith=f"{namespace}{DELIMITER}")
    gone, made = [], []
    for row in Subscription.objects.filter(below, name__contains=part).order_by("pk"):
        namespace, owner, *rest = row.name.split(DELIMITER, 2)
        renamed = rule(owner)
        if renamed is not None:
            gone.append(row.pk)
            name = DELIMITER.join((namespace, renamed, *rest))
            made.append(Subscription(user_id=row.user_id, name=name))
    for start in range(0, len(gone), _CHUNK):
        Subscription.objects.filter(pk__in=gone[start : start + _CHUNK]).delete()
    Subscription.objects.bulk_create(made, batch_size=_CHUNK, ignore_conflicts=True)
