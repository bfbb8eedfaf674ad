"""Who takes part in a conversation, in the few words that a row has room for."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from apps.mime.address import take_apart

SHOWN: Final = 3
_LONGEST: Final = 40  # characters of one of several names


@dataclass(frozen=True, slots=True)
class Voice:
    """Who wrote one message. `is_mine`: it lies in Sent, or says that it is the person's."""

    name: str
    address: str
    is_mine: bool = False


def named(voice: Voice, me: str) -> str:
    """The whole name of somebody who is not the person that reads.

    Args:
        me: what the person is called: looked up once for all rows.
    """
    name = voice.name or voice.address
    # Whoever calls themselves "me" is not the person that reads.
    return voice.address or name if name.strip().casefold() == me.casefold() else name


def who(voices: Iterable[Voice], me: str) -> tuple[str, ...]:
    """Each once, in the order in which they first wrote: "Priya", "Tomás", "me". One alone has the
    whole name. Of many the first and the last ones are named, around a "…"."""
    found: dict[str, Voice] = {}
    for voice in voices:
        found.setdefault("" if voice.is_mine else voice.address.lower() or voice.name, voice)
    everybody = list(found.values())
    if len(everybody) == 1:
        (one,) = everybody
        return (me if one.is_mine else named(one, me) or _("(unknown sender)"),)
    is_long = len(everybody) > SHOWN
    shown = [everybody[0], *everybody[-SHOWN + 1 :]] if is_long else everybody
    short = [me if one.is_mine else _short(named(one, me)) for one in shown]
    return tuple([short[0], "…", *short[1:]] if is_long else short)


def _short(name: str) -> str:
    """A first name, of "Baker, Bob" too; of an address what is before the @."""
    if not name:
        return _("(unknown sender)")
    last, comma, first = name.partition(",")
    words = (first if comma and first.strip() else last).split() or [name]
    local, rest = take_apart(words[0])
    return (local or rest)[:_LONGEST] or name[:_LONGEST]


def is_mine(address: str, mine: Collection[str]) -> bool:
    """Whether an address is one of the person's own."""
    return address.lower() in mine
