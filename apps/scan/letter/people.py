"""The people a header names: display name, address, domain. Pure; never raises."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.mime.address import Address, AddressError
from apps.mime.addresslist import HeaderMailbox
from apps.mime.headers import clean, decode_text

NAME_MAX = 500  # characters of a display name
ADDRESS_MAX = 320  # characters of an address
PEOPLE_MAX = 500  # of one field


@dataclass(frozen=True, slots=True)
class Person:
    """One mailbox of a header field.

    Args:
        name: the display name, decoded, on one line; "" if there is none.
        address: `Address.key`, so that it can be looked up; as written if it is no address.
        domain: A-labels in lower case; "" if it is no address.
    """

    name: str = ""
    address: str = ""
    domain: str = ""

    @property
    def local(self) -> str:
        """The local part of the address, "" if it is none."""
        return self.address[: -len(self.domain) - 1] if self.domain else ""


NOBODY = Person()


def people(mailboxes: Iterable[HeaderMailbox]) -> tuple[Person, ...]:
    """The mailboxes of a field without its group markers, at most `PEOPLE_MAX`."""
    found: list[Person] = []
    for mailbox in mailboxes:
        if not mailbox.is_marker:
            found.append(_person(mailbox))
        if len(found) >= PEOPLE_MAX:
            break
    return tuple(found)


def _person(mailbox: HeaderMailbox) -> Person:
    name = decode_text(mailbox.name[: 8 * NAME_MAX])[:NAME_MAX] if mailbox.name else ""
    local = (mailbox.local or b"")[: 4 * ADDRESS_MAX].decode("utf-8", "replace")
    host = (mailbox.host or b"")[: 4 * ADDRESS_MAX].decode("utf-8", "replace")
    try:
        address = Address.build(local, host)
    except AddressError:
        written = clean(f"{local}@{host}" if host else local)
        return Person(name, written[:ADDRESS_MAX])
    return Person(name, address.key, address.domain)
