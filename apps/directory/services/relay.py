"""Relay domains: the only door through which what is known of their other server changes.

A relay domain is one of ours whose mail, as far as no user or alias here takes it, goes on to
another server: by MX (we are then a backup of better preferred hosts), or by a transport.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from django.db import transaction

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Domain, DomainKind, RelayCheck, RelayRecipient
from apps.directory.services.names import lock_domain
from apps.mime.address import Address, AddressError
from apps.wire.errors import InUse, InvalidAddress

_CHUNK: Final = 1_000  # rows of one statement


def set_relay(*, domain: Domain, check: RelayCheck | None) -> None:
    """Make a domain a relay domain, change how its recipients are known, or (None) make it one
    whose mailboxes are all here; the list of recipients is then forgotten.

    Raises:
        NotFound: the domain was removed meanwhile.
        InUse: it is an alias domain, which follows the domain it stands for.
    """
    with transaction.atomic():
        locked = lock_domain(domain.name)
        if locked.alias_of_id is not None:
            raise InUse("alias domain", text=f"{locked.name} is an alias domain")
        if check is None:
            locked.kind = DomainKind.HOSTED
            locked.relay_recipients.all().delete()
            record("relay.off", **subjects.of_domain(locked))
        else:
            locked.kind, locked.relay_check = DomainKind.RELAY, check
            record("relay.set", **subjects.of_domain(locked), detail={"check": check})
        locked.save(update_fields=["kind", "relay_check"])
    domain.kind, domain.relay_check = locked.kind, locked.relay_check


def add(*, domain: Domain, recipients: Iterable[str]) -> int:
    """Note that the other server has these addresses; return how many were new.

    Args:
        recipients: addresses in the domain, or local parts.

    Raises:
        InvalidAddress: one of them; nothing was added.
        NotFound, InUse: the domain is none with a list.
    """
    keys = (_key(domain, text) for text in recipients)
    with transaction.atomic():
        locked = _with_list(domain)
        added = _insert(locked, keys)
        record("relay.add", **subjects.of_domain(locked), detail={"recipients": added})
    return added


def remove(*, domain: Domain, recipients: Iterable[str]) -> int:
    """Note that it does not have these; return how many were known.

    Raises:
        InvalidAddress, NotFound, InUse
    """
    keys = (_key(domain, text) for text in recipients)
    removed = 0
    with transaction.atomic():
        locked = _with_list(domain)
        for chunk in _chunks(keys):
            removed += locked.relay_recipients.filter(key__in=chunk).delete()[0]
        record("relay.remove", **subjects.of_domain(locked), detail={"recipients": removed})
    return removed


def replace(*, domain: Domain, recipients: Iterable[str]) -> tuple[int, int]:
    """Make the list exactly these; return how many came and went.

    Raises:
        InvalidAddress, NotFound, InUse
    """
    wanted = {_key(domain, text) for text in recipients}
    with transaction.atomic():
        locked = _with_list(domain)
        known = set(locked.relay_recipients.values_list("key", flat=True))
        for chunk in _chunks(iter(sorted(known - wanted))):
            locked.relay_recipients.filter(key__in=chunk).delete()
        _insert(locked, iter(sorted(wanted - known)))
        detail = {"added": len(wanted - known), "removed": len(known - wanted)}
        record("relay.replace", **subjects.of_domain(locked), detail=detail)
    return len(wanted - known), len(known - wanted)


def _with_list(domain: Domain) -> Domain:
    locked = lock_domain(domain.name)
    if locked.kind != DomainKind.RELAY or locked.relay_check != RelayCheck.LIST:
        raise InUse(
            f"no list in {locked.name}", text=f"{locked.name} is no relay domain with a list"
        )
    return locked


def _insert(domain: Domain, keys: Iterator[str]) -> int:
    before = domain.relay_recipients.count()
    for chunk in _chunks(keys):
        RelayRecipient.objects.bulk_create(
            [RelayRecipient(domain=domain, key=key) for key in chunk], ignore_conflicts=True
        )
    return domain.relay_recipients.count() - before


def _chunks(keys: Iterator[str]) -> Iterator[Sequence[str]]:
    while chunk := list(islice(keys, _CHUNK)):
        yield chunk


def _key(domain: Domain, text: str) -> str:
    """The key of an address as a list has it; raise InvalidAddress."""
    text = text.strip()
    try:
        address = Address.parse(text)
    except AddressError:
        try:
            address = Address.parse(f"{text}@{domain.name}")
        except AddressError as error:
            raise InvalidAddress(str(error), text=f"Not an address: {text[:80]!r}") from None
    if address.domain != domain.name:
        raise InvalidAddress(
            f"{address} elsewhere", text=f"{address} is not an address in {domain.name}"
        )
    return address.key
