"""A message as the fields of a letter: a draft of another program, or a letter of one's own that is
sent once more. Pure."""

from collections.abc import Mapping, Sequence

from apps.mime.address import Address, AddressError
from apps.mime.composing.people import listed, spelled
from apps.mime.reading import Person, Reading
from apps.webmail.writing import quoting
from apps.webmail.writing.fields import LONGEST_SUBJECT, Fields


def fields(reading: Reading, inline: Mapping[str, str]) -> Fields:
    """What stands in it.

    Args:
        inline: addresses of its pictures, by Content-ID.
    """
    is_plain = not reading.html
    text = quoting.text(reading)
    return Fields(
        sender=_key(reading.sender),
        to=people(reading.to),
        cc=people(reading.cc),
        bcc=people(reading.bcc),
        subject=reading.subject[:LONGEST_SUBJECT],
        html=quoting.html(reading, inline) or quoting.EMPTY,
        text=text,
        is_plain=is_plain,
    )


def people(found: Sequence[Person]) -> str:
    """A list of addresses as one would type it, with those that are none."""
    return ", ".join(_one(person) for person in found if person.name or person.address)


def _one(person: Person) -> str:
    try:
        return listed(((person.name, Address.parse(person.address)),))
    except AddressError:
        return spelled(person.name, person.address)


def _key(person: Person) -> str:
    try:
        return Address.parse(person.address).key
    except AddressError:
        return ""
