"""What people are called: by the person in letters that they sent, else by themselves in letters
that came."""

import re
from typing import Final

from apps.mailstore import queries
from apps.mailstore.models import SpecialUse
from apps.mailstore.queries import ListRow
from apps.mime.address import Address, AddressError, take_apart

_ROWS: Final = 100  # messages of Sent, and of the inbox, that are looked at
# `Message.recipients`: "Name <address>, address, Name <address>".
_ENTRY: Final = re.compile(r"([^<>]{1,700})<([^<>\s]{1,320})>")


def names(user_id: int) -> dict[str, str]:
    """The name of each address that has one, by `Address.key`; four statements at most."""
    found: dict[str, str] = {}
    for row in _newest(user_id, SpecialUse.SENT):
        for name, address in told(row.recipients):
            _keep(found, name, address)
    for row in _newest(user_id, SpecialUse.INBOX):
        _keep(found, row.sender_name, row.sender_address)
    return found


def _newest(user_id: int, use: SpecialUse) -> list[ListRow]:
    mailbox = queries.boxes([user_id], use).get(user_id)
    return [] if mailbox is None else queries.inbox_page(mailbox, None, _ROWS)


def told(recipients: str) -> list[tuple[str, str]]:
    """(name, address) of those entries of `Message.recipients` that have a name."""
    entries = []
    for found in _ENTRY.finditer(recipients):
        # Addresses without a name stand before it.
        pieces = found[1].removeprefix(", ").split(", ")
        while len(pieces) > 1 and _is_address(pieces[0]):
            del pieces[0]
        entries.append((", ".join(pieces).strip(), found[2]))
    return entries


def _is_address(text: str) -> bool:
    return bool(take_apart(text)[0]) and " " not in text.strip()


def _keep(found: dict[str, str], name: str, address: str) -> None:
    """The first one stays: the newest, and the person's own before that of others."""
    if not name or take_apart(name)[0]:
        return  # a name that looks like an address is another address to whoever reads it
    try:
        found.setdefault(Address.parse(address).key, name)
    except AddressError:
        return
