"""Whether the lines of a file could become users."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings

from apps.directory.models import Alias, Domain, Kind, User
from apps.directory.permissions import Powers
from apps.directory.services.domains import checked_quota
from apps.directory.services.names import POSTMASTER
from apps.directory.services.users import display_name, user_address
from apps.directory.strength import check_strength
from apps.mime.address import Address
from apps.provisioning.administration.users import demand_creation
from apps.provisioning.bulk import cells
from apps.provisioning.bulk.homes import Homes
from apps.provisioning.bulk.rooms import Rooms
from apps.provisioning.bulk.sheets import Line
from apps.provisioning.bulk.verdicts import Seen, Verdict, WrongCell, wrong
from apps.wire.errors import MailError

_PERSONS: Final = frozenset({"", "person", "user"})


@dataclass(slots=True)
class _Known:
    """Who has the addresses of some lines already."""

    users: set[str] = field(default_factory=set)
    aliases: set[tuple[int, str]] = field(default_factory=set)


class UserCheck:
    """Looks at lines, as who imports them."""

    def __init__(self, powers: Powers) -> None:
        self._powers = powers
        self._homes, self._rooms, self._seen = Homes(powers), Rooms(powers), Seen()

    def look(self, lines: Sequence[Line]) -> list[Verdict]:
        """Say of each whether it could be added."""
        addresses = [_address(line) for line in lines]
        found = [one for one in addresses if isinstance(one, Address)]
        self._homes.learn(one.domain for one in found)
        self._rooms.learn(self._homes.organization_ids)
        known = _known(found)
        return [
            self._verdict(line, address, known)
            for line, address in zip(lines, addresses, strict=True)
        ]

    def _verdict(self, line: Line, address: Address | WrongCell, known: _Known) -> Verdict:
        try:
            if isinstance(address, WrongCell):
                raise address
            return self._look(line, address, known)
        except WrongCell as error:
            return Verdict("wrong", error.field, error.reason)

    def _look(self, line: Line, address: Address, known: _Known) -> Verdict:
        domain = self._homes.find(address.domain, what="users")
        self._seen.note("address", address.key, line)
        if address.key in known.users:
            return Verdict("there", "address", "This user is there already")
        if line.cells.get("kind", "").casefold() not in _PERSONS:
            raise WrongCell("kind", "Only people come from a file; empty is one")
        _check_address(address, domain, known)
        quota = quota_of(line.cells)
        try:
            demand_creation(self._powers, address, domain, quota)
        except MailError as error:
            raise wrong("" if quota is None else "quota", error) from None
        name = _name(line)
        _check_password(line, User(address=str(address), name=name, domain=domain))
        self._rooms.take_user(domain.organization_id, _given(domain, quota))
        return Verdict()


def quota_of(texts: Mapping[str, str]) -> int | None:
    """Octets of a line's cell; None if it is empty.

    Raises:
        WrongCell
    """
    text = texts.get("quota", "")
    if not text:
        return None
    try:
        return checked_quota(cells.size(text))
    except MailError as error:
        raise wrong("quota", error) from None


def _address(line: Line) -> Address | WrongCell:
    if line.trouble:
        return WrongCell("", line.trouble)
    text = line.cells.get("address", "")
    if not text:
        return WrongCell("address", "It is empty")
    try:
        return user_address(text)
    except MailError as error:
        return wrong("address", error)


def _known(addresses: Sequence[Address]) -> _Known:
    users = User.objects.filter(key__in={one.key for one in addresses})
    locals_ = {_local(one) for one in addresses}
    aliases = Alias.objects.filter(
        local__in=locals_, domain__name__in={one.domain for one in addresses}
    )
    return _Known(
        # The box that a domain has for its postmaster gives way.
        {
            key
            for key, kind in users.values_list("key", "kind")
            if kind != Kind.SHARED or not key.startswith(f"{POSTMASTER}@")
        },
        set(aliases.values_list("domain_id", "local")),
    )


def _check_address(address: Address, domain: Domain, known: _Known) -> None:
    if (domain.pk, _local(address)) in known.aliases:
        raise WrongCell("address", "An alias has this address already")
    separator = domain.detail_separator
    if separator and separator in address.local:
        raise WrongCell("address", f"A user's address here has no {separator} in it")


def _local(address: Address) -> str:
    return address.key.removesuffix(f"@{address.domain}")


def _name(line: Line) -> str:
    try:
        return display_name(line.cells.get("name", ""))
    except MailError as error:
        raise wrong("name", error) from None


def _check_password(line: Line, user: User) -> None:
    if not line.password:
        return
    against = check_strength(line.password, user)
    if against:
        raise WrongCell("password", against[0].removesuffix("."))


def _given(domain: Domain, quota: int | None) -> int:
    for size in (quota, domain.default_quota):
        if size is not None:
            return size
    return int(settings.DEFAULT_QUOTA)
