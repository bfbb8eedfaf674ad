"""Senders whose pictures a person wants to see without being asked."""

from typing import Final

from apps.mime.address import take_apart
from apps.runtime import clock
from apps.webmail.models import TrustedSender
from apps.wire.errors import LimitReached, Refused

MOST: Final = 1_000  # of one person


def trust(*, user_id: int, address: str) -> None:
    """Load pictures of this sender from now on, where it is proved that the mail is from there.

    Raises:
        Refused: nobody is named.
        LimitReached: there are too many already.
    """
    key = folded(address)
    if not key:
        raise Refused(text="It is not proved who sent this message, so it cannot be trusted")
    if TrustedSender.objects.filter(user_id=user_id).count() >= MOST:
        raise LimitReached(text="There are too many trusted senders: remove some first")
    row = TrustedSender(user_id=user_id, key=key, at=int(clock.now()))
    TrustedSender.objects.bulk_create([row], ignore_conflicts=True)


def forget(*, user_id: int, row_id: int) -> None:
    """Ask again before pictures of this sender are loaded; no error if it was not trusted."""
    TrustedSender.objects.filter(user_id=user_id, pk=row_id).delete()


def folded(address: str) -> str:
    """An address as it is compared; "" for what does not fit."""
    key = address.strip().casefold()
    return key if take_apart(key)[0] and len(key) <= 320 else ""
