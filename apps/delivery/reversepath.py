"""Which reverse-path a copy leaves with: the sender's own, or one of ours that stands for it."""

from functools import lru_cache
from typing import Final, Protocol

from django.db import connection

from apps.mailauth import srs
from apps.mailauth.srs import SrsError
from apps.mime.address import Address, AddressError
from apps.runtime import clock, sealing


class Copy(Protocol):
    """A recipient of the queue: `address` is where the copy goes, `original` what RCPT said."""

    @property
    def address(self) -> str: ...
    @property
    def original(self) -> str: ...


_OURS: Final = "SELECT name FROM directory_domain WHERE name IN (%s, %s)"


def reverse_path(sender: str, recipient: Copy) -> str:
    """Return the reverse-path ("" is the null one) for the copy to one recipient.

    A copy that is forwarded, because an alias or a user of ours said so, leaves with an SRS address
    in the domain that the mail was for: the target asks that domain's SPF, and it names us. What
    was written here, or has the null path, or was to go where it goes, leaves as it is. One
    statement for a forwarded copy, none for others.
    """
    if not sender or recipient.original == recipient.address:
        return sender
    try:
        by, first, target = map(_parsed, (sender, recipient.original, recipient.address))
    except AddressError:
        return sender
    if first.key == target.key:
        return sender
    with connection.cursor() as cursor:
        cursor.execute(_OURS, [by.domain, first.domain])
        ours = {name for (name,) in cursor.fetchall()}
    if by.domain in ours or first.domain not in ours:
        return sender
    key = sealing.derived(srs.PURPOSE)[0]
    try:
        return str(srs.forward(by, first.domain, key=key, now=clock.now()))
    except SrsError:
        # 254 octets are full. SPF may fail at the target; a bounce still finds the sender.
        return sender


@lru_cache(maxsize=256)
def _parsed(text: str) -> Address:
    return Address.parse(text)
