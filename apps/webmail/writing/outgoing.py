"""Who gets a letter: the addresses that were typed, as the queue takes them. Reads the directory.

Nothing that cannot arrive is taken: who writes hears of it while the letter is still open, not by a
report afterwards.
"""

from typing import Final

from django.utils.translation import gettext as _

from apps.delivery import envelope
from apps.delivery.envelope import MOST, NotTaken, Why
from apps.mailqueue.services import EnvelopeRecipient
from apps.mime.address import Address
from apps.mime.composing.people import people
from apps.webmail.writing.fields import FieldRefused, Fields
from apps.wire.errors import TooManyRecipients

_LISTS: Final = ("to", "cc", "bcc")
_NAMED: Final = 3


def recipients(fields: Fields) -> tuple[EnvelopeRecipient, ...]:
    """The final recipients of a letter, each once, however many fields name them.

    Raises:
        FieldRefused: there are none or too many, a word is no address, or nobody has one.
    """
    written = _written(fields)
    if not written:
        raise FieldRefused("to", _("Add somebody to send it to"))
    try:
        return envelope.recipients(list(written))
    except NotTaken as error:
        words = _words(error.why) % {"address": error.address}
        raise FieldRefused(written[error.address], words) from None
    except TooManyRecipients:
        raise _too_many() from None


def _written(fields: Fields) -> dict[Address, str]:
    """Each address with the field where it stands first."""
    found: dict[Address, str] = {}
    known: set[str] = set()
    for field in _LISTS:
        read = people(getattr(fields, field))
        if read.odd:
            words = _("This is no mail address: %(words)s")
            raise FieldRefused(field, words % {"words": ", ".join(read.odd[:_NAMED])})
        for _name, address in read.found:
            if address.key not in known:
                known.add(address.key)
                found[address] = field
    return found


def _words(why: Why) -> str:
    return {
        Why.UNKNOWN: _("There is no mailbox %(address)s here: look at the spelling"),
        Why.SUSPENDED: _("%(address)s takes no mail at the moment"),
        Why.LOOP: _("%(address)s leads round in a circle: tell an administrator"),
        Why.FULL: _("The mailbox of %(address)s is full: try again later"),
    }[why]


def _too_many() -> FieldRefused:
    words = _("A message can go to %(count)d addresses at most: send it in parts")
    return FieldRefused("to", words % {"count": MOST})
