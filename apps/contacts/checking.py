"""Whether a card can be kept, in words for who wrote it; and what can be mended of one that another
program wrote. Pure, but for words."""

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from django.utils.translation import gettext as _

from apps.contacts.cards.card import (
    ADDRESSES,
    GROUP,
    NAME,
    NOTE,
    NUMBER,
    NUMBERS,
    UID,
    Card,
    Way,
)
from apps.contacts.models import Kind
from apps.mime.address import Address, AddressError
from apps.wire.errors import InvalidAddress, InvalidName, LimitReached

_KINDS: Final = frozenset(Kind.values)


def checked(card: Card) -> Card:
    """The card as it is kept.

    Raises:
        InvalidName, InvalidAddress, LimitReached: with words for who wrote it.
    """
    emails = _once(_address(one) for one in card.emails if one.value.strip())
    phones = tuple(_number(one) for one in card.phones if one.value.strip())
    if len(emails) > ADDRESSES or len(phones) > NUMBERS:
        raise LimitReached("ways", text=_("This is too much for one contact"))
    name = one_line(card.name, NAME) or one_line(card.company, NAME)
    if not name and emails:
        name = emails[0].value
    if not name:
        raise InvalidName("empty", text=_("Give the contact a name or an address"))
    return replace(
        card,
        name=name,
        company=one_line(card.company, NAME),
        title=one_line(card.title, NAME),
        note=note(card.note),
        emails=emails,
        phones=phones,
    )


def mended(card: Card) -> tuple[Card, int]:
    """What can be kept of a card of another program, and how many addresses of it cannot."""
    emails = []
    for one in card.emails[:ADDRESSES]:
        try:
            emails.append(_address(one))
        except InvalidAddress:
            continue
    found = _once(emails)
    uid = "".join(char for char in card.uid if char.isprintable())[:UID]
    # What the reader of cards says is on one line already, and as long as it may be.
    whole = replace(card, uid=uid, emails=found, note=note(card.note[:NOTE]))
    return whole, len(card.emails) - len(emails)


def one_line(text: str, most: int) -> str:
    """A text as it is kept. Raises InvalidName."""
    plain = unicodedata.normalize("NFC", text).strip(" ")
    if len(plain) > most:
        words = _("“%(text)s…” is too long: at most %(count)d characters")
        raise InvalidName(
            f"{len(plain)} characters", text=words % {"text": plain[:40], "count": most}
        )
    if not plain.isprintable():
        words = _("A name holds characters that cannot be shown, such as a line break")
        raise InvalidName(repr(plain), text=words)
    return plain


def note(text: str) -> str:
    """Several lines as they are kept. Raises InvalidName."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    plain = "".join(one for one in lines if one.isprintable() or one in "\n\t").strip()
    if len(plain) > NOTE:
        words = _("The note is too long: at most %(count)d characters")
        raise InvalidName(f"{len(plain)} characters", text=words % {"count": NOTE})
    return plain


def group_name(text: str) -> str:
    """The name of a group as it is kept. Raises InvalidName."""
    name = one_line(text, GROUP)
    if not name:
        raise InvalidName("empty", text=_("Give the group a name"))
    return name


def key_of(address: str) -> str:
    """`Address.key` of one that was checked."""
    return Address.parse(address).key


def _address(one: Way) -> Way:
    text = one.value.strip()
    try:
        parsed = Address.parse(text)
    except AddressError:
        words = _("“%(address)s” is not a mail address")
        raise InvalidAddress(repr(text[:100]), text=words % {"address": text[:100]}) from None
    return Way(str(parsed), _kind(one.kind))


def _number(one: Way) -> Way:
    return Way(one_line(one.value, NUMBER), _kind(one.kind))


def _kind(kind: str) -> str:
    return kind if kind in _KINDS else ""


def _once(ways: Iterable[Way]) -> tuple[Way, ...]:
    return tuple({key_of(one.value): one for one in reversed(list(ways))}.values())[::-1]
