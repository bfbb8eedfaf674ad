"""Lists of addresses as people write them, and written again. Pure."""

import re
from typing import Final, NamedTuple

from apps.mime import charset
from apps.mime.address import Address, AddressError
from apps.mime.addresslist import HeaderMailbox, parse_address_list
from apps.mime.headers import clean

_BETWEEN: Final = re.compile(r"[\r\n]+")


class People(NamedTuple):
    """The addresses in a list, each with the name before it, and the words that are none."""

    found: tuple[tuple[str, Address], ...]
    odd: tuple[str, ...]


def people(text: str) -> People:
    """Read a list of addresses as people type and paste them: commas, semicolons or lines between,
    with names or without (RFC 5322 section 3.4, groups too). An address twice is there once."""
    found: dict[str, tuple[str, Address]] = {}
    odd: list[str] = []
    octets = _BETWEEN.sub(",", text).encode("utf-8", "replace")
    for one in parse_address_list(octets):
        if one.is_marker:
            continue
        try:
            address = Address.build(_decoded(one.local), _decoded(one.host))
        except AddressError:
            odd.append(_as_typed(one))
        else:
            name = clean(_decoded(one.name))
            found.setdefault(address.key, ("" if name == str(address) else name, address))
    return People(tuple(found.values()), tuple(odd))


def listed(found: tuple[tuple[str, Address], ...]) -> str:
    """A list of addresses as one would type it; `people` reads the same from it."""
    return ", ".join(_spelled(name, str(address)) for name, address in found)


def spelled(name: str, address: str) -> str:
    """One of a list, of an address that may be none: it is for the person to see."""
    return _spelled(clean(name), clean(address))


def _spelled(name: str, address: str) -> str:
    if not name:
        return address
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>' if re.search(r"[^\w .-]", name) else f"{name} <{address}>"


def _decoded(octets: bytes | None) -> str:
    return charset.decode(octets) if octets else ""


def _as_typed(one: HeaderMailbox) -> str:
    local, host, name = _decoded(one.local), _decoded(one.host), _decoded(one.name)
    spelled_out = f"{local}@{host}" if host else local
    return clean(f"{name} <{spelled_out}>" if name and spelled_out else name or spelled_out)[:200]
