"""Whether mail has come: what a page that waits for a message asks."""

from dataclasses import dataclass
from uuid import UUID

from apps.mailstore.models import Entry, SpecialUse


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a message lies.

    Args:
        uid: in that mailbox.
        is_junk: it was taken for spam.
    """

    uid: int
    is_junk: bool


def arrival(user_id: int, trace_id: UUID) -> Arrival | None:
    """Where the message of a trace lies in a user's inbox or Junk, None if in neither; one
    statement."""
    found = (
        Entry.objects.filter(
            message__trace_id=trace_id,
            mailbox__user=user_id,
            mailbox__deleted_at=None,
            mailbox__special_use__in=(SpecialUse.INBOX, SpecialUse.JUNK),
        )
        .values_list("uid", "mailbox__special_use")
        .first()
    )
    return None if found is None else Arrival(found[0], found[1] == SpecialUse.JUNK)


def has_mail(user_id: int) -> bool:
    """Whether there is anything in a user's inbox; one statement."""
    return Entry.objects.filter(
        mailbox__user=user_id,
        mailbox__deleted_at=None,
        mailbox__special_use=SpecialUse.INBOX,
    ).exists()
