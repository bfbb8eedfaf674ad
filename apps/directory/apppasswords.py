"""Which password for a program or device a client has: reads, no writes.

An app password is as long as random ones need to be, so its SHA-256 finds it, and no argon2 hash is
paid. It may be bound to protocols, to networks, and to a last day; it never opens the web, where
passwords are changed. Hyphens, blanks and capitals are ignored, because people type it.
"""

import hashlib
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from apps.directory import passwords
from apps.directory.models import AppPassword

PROTOCOLS: Final = ("imap", "pop3", "smtp")
# How exactly the last use is known: a phone that asks every minute writes once an hour.
NOTED_EVERY: Final = timedelta(hours=1)
_OF_DOOR: Final = {"imap": "imap", "pop3": "pop3", "submission": "smtp"}


@dataclass(frozen=True, slots=True)
class Known:
    """An app password of somebody."""

    id: int
    user_id: int
    name: str
    protocols: frozenset[str]  # empty: all
    networks: tuple[str, ...]  # empty: from everywhere
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str
    scram_keys: tuple[bytes, bytes]

    @property
    def has_expired(self) -> bool:
        """Whether its last day is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_noted(self) -> bool:
        """Whether its last use need not be noted again yet."""
        return self.last_used_at is not None and timezone.now() - self.last_used_at < NOTED_EVERY

    def refusal(self, door: str, address: str) -> str:
        """Why it does not open this door to this client, for the log; "" if it does."""
        protocol = protocol_of(door)
        if not protocol or (self.protocols and protocol not in self.protocols):
            return f"the app password {self.name!r} is not for {protocol or door}"
        if self.has_expired:
            return f"the app password {self.name!r} has expired"
        if self.networks and not _is_within(address, self.networks):
            return f"the app password {self.name!r} is not for clients in this network"
        return ""


def protocol_of(door: str) -> str:
    """Which of `PROTOCOLS` a door speaks, "" if none: the web."""
    return _OF_DOOR.get(door, "")


def find(password: str) -> Known | None:
    """Return the app password that a text is, whoever it belongs to; None if it is none."""
    text = normal(password)
    if text is None:
        return None
    row = AppPassword.objects.filter(digest=digest(text)).first()
    return None if row is None else _known(row)


def of_user(user_id: int) -> list[Known]:
    """All app passwords of a user, oldest first."""
    return [_known(row) for row in AppPassword.objects.filter(user=user_id).order_by("pk")]


def living(ids: Iterable[int]) -> set[int]:
    """Those of some app passwords that still exist and have not expired; one query."""
    rows = AppPassword.objects.filter(pk__in=list(ids)).values_list("pk", "expires_at")
    now = timezone.now()
    return {pk for pk, expires_at in rows if expires_at is None or expires_at > now}


def normal(password: str) -> str | None:
    """Return the one form of an app password as somebody typed it; None if it cannot be one."""
    text = password[:100].replace("-", "").replace(" ", "").lower()
    return text if passwords.looks_invented(text) else None


def digest(text: str) -> bytes:
    """What is kept of an app password in its normal form."""
    return hashlib.sha256(text.encode("ascii")).digest()


def _is_within(address: str, networks: Iterable[str]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return any((mapped or ip) in ipaddress.ip_network(network) for network in networks)


def _known(row: AppPassword) -> Known:
    return Known(
        id=row.pk,
        user_id=row.user_id,
        name=row.name,
        protocols=frozenset(row.protocols.split()),
        networks=tuple(json.loads(row.networks)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        last_used_from=row.last_used_from,
        scram_keys=(bytes(row.scram_stored_key), bytes(row.scram_server_key)),
    )
