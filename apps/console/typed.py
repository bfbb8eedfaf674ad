"""What people write into addresses and forms, as it is searched for and compared."""

from collections.abc import Iterable, Mapping

from apps.mime.address import Address, AddressError, normalise_domain, take_apart
from apps.wire.numbers import whole_number


def typed(values: Mapping[str, str], name: str, most: int) -> str:
    """A text without the white space about it, cut to `most` characters; "" if there is none."""
    return storable(values.get(name, "")).strip()[:most].rstrip()


def storable(text: str) -> str:
    """Without NUL and halves of pairs: Postgres takes no text that has one."""
    return text.encode("utf-8", "ignore").decode().replace("\0", "")


def ticked(texts: Iterable[str]) -> list[int]:
    """Ids as the boxes of a list have them, each once; what is none is left out."""
    found = (whole_number(text) for text in texts)
    return list(dict.fromkeys(one for one in found if one is not None))


def stored_domain(text: str) -> str:
    """A domain that people write, or the beginning of its name, as names are stored: international
    ones in A-labels. Of these the beginning is none of the whole name's: it has to be whole."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    try:
        return normalise_domain(folded.rstrip("."))
    except AddressError:
        return folded


def stored_address(text: str) -> str:
    """An address, or the beginning of one, as keys of users are stored."""
    try:
        return Address.parse(text.strip()).key
    except AddressError:
        folded = text.strip().casefold()
        local, domain = take_apart(folded)
        return folded if domain == folded else f"{local}@{stored_domain(domain)}"
