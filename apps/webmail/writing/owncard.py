"""The contact card of the writer, for letters of an identity that attaches one. Pure."""

from typing import Final
from uuid import UUID, uuid5

from apps.contacts.cards.card import Card, Way
from apps.contacts.cards.writing import written
from apps.webmail.writers import Choice

_SPACE: Final = UUID("6f1ed4e3-0d3b-5b3e-9a55-6b0a4b7f3c11")


def card(choice: Choice) -> bytes:
    """A vCard 3.0 with name and address, the same each time, so that whoever takes it up twice has
    it once; b"" if the identity attaches none."""
    if not choice.attaches_card:
        return b""
    uid = f"urn:uuid:{uuid5(_SPACE, choice.key)}"
    made = Card(uid=uid, name=choice.name or choice.address, emails=(Way(choice.address),))
    return written(made).encode()
