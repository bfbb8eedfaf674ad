"""Forgetting a sender by hand, in all that is remembered of senders."""

from django.db import transaction

from apps.audit.services import record
from apps.reception.services import acquaintances, greylisting


@transaction.atomic
def forget(name: str) -> int:
    """Forget a sender (a domain as A-label, or a network): return how many rows went."""
    gone = greylisting.forget(origin=name) + acquaintances.forget(name=name)
    if gone:
        record("greylist.forget", subject=name)
    return gone
