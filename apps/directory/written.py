"""Names and addresses that people write, or the beginnings of them, in the form in which they are
stored: what an index is asked for."""

from apps.mime.address import Address, AddressError, normalise_domain, take_apart


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
