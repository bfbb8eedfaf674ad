"""What a domain's SPF record says of mail from this host: judged by what it does, not by how it is
written (RFC 7208). The record and the MX hosts are those that the domain's own servers gave just
now; whatever else the record leads to is looked up as every receiver does."""

from typing import Any

from apps.mailauth import spf
from apps.mailauth.types import Client, Spf
from apps.resolver.base import Answer, IPAddress, MxRecord, NoDataError, Resolver, TlsaData
from apps.resolver.live import live_resolver


class FreshResolver:
    """A `Resolver` that knows the domain's TXT and MX records already."""

    def __init__(
        self, behind: Resolver, domain: str, *, records: tuple[str, ...], hosts: tuple[str, ...]
    ) -> None:
        self._behind = behind
        self._domain = domain
        self._texts = tuple(record.encode("ascii", "replace") for record in records)
        self._hosts = tuple(filter(None, map(_exchanger, hosts)))

    async def txt(self, name: str) -> Answer[bytes]:
        if name == self._domain:
            return _answer(name, self._texts)
        return await self._behind.txt(name)

    async def mx(self, name: str) -> Answer[MxRecord]:
        if name == self._domain:
            return _answer(name, self._hosts)
        return await self._behind.mx(name)

    async def addresses(
        self, name: str, *, ipv4: bool = True, ipv6: bool = True
    ) -> Answer[IPAddress]:
        return await self._behind.addresses(name, ipv4=ipv4, ipv6=ipv6)

    async def tlsa(self, name: str) -> Answer[TlsaData]:
        return await self._behind.tlsa(name)

    async def cname(self, name: str) -> Answer[str]:
        return await self._behind.cname(name)

    async def ptr(self, address: IPAddress) -> Answer[str]:
        return await self._behind.ptr(address)


async def prove(
    address: str, domain: str, host: str, *, records: tuple[str, ...], hosts: tuple[str, ...]
) -> Spf:
    """The result for mail of the domain that comes from one of our addresses."""
    resolver = FreshResolver(live_resolver(), domain, records=records, hosts=hosts)
    client = Client(address=address, helo=host, sender=f"postmaster@{domain}", hostname=host)
    return await spf.check_sender(client, resolver)


def _answer(name: str, records: tuple[Any, ...]) -> Answer[Any]:
    if not records:
        raise NoDataError(name, "no such record")
    return Answer(records, name)


def _exchanger(record: str) -> MxRecord | None:
    preference, _, host = record.partition(" ")
    return MxRecord(int(preference), host.rstrip(".")) if preference.isdigit() else None
