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
from typing import Any, Final

from django.utils import timezone

from apps.directory import passwords
from apps.directory.models import AppPassword
from apps.runtime.rows import aware, fetch

PROTOCOLS: Final = ("imap", "pop3", "smtp")
# How exactly the last use is known: a phone that asks every minute writes once an hour.
NOTED_EVERY: Final = timedelta(hours=1)
_OF_DOOR: Final = {"imap": "imap", "pop3": "pop3", "submission": "smtp"}
_COLUMNS: Final = """
SELECT id, user_id, name, protocols, networks, created_at, expires_at, last_used_at, last_used_from,
scram_stored_key, scram_server_key FROM directory_apppassword"""
# A phone asks this each time it opens a connection.
_BY_DIGEST: Final = f"{_COLUMNS} WHERE digest = %s"
_OF_USER: Final = f"{_COLUMNS} WHERE user_id = %s ORDER BY id"


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
    """Return the app password that a text is, whoever it belongs to; None if it is none: at most
    one statement, and none for what cannot be one."""
    text = normal(password)
    if text is None:
        return None
    rows = fetch(_BY_DIGEST, [digest(text)])
    return _known(rows[0]) if rows else None


def of_user(user_id: int) -> list[Known]:
    """All app passwords of a user, oldest first."""
    return [_known(row) for row in fetch(_OF_USER, [user_id])]


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


def _known(row: tuple[Any, ...]) -> Known:
    """A row of `_COLUMNS`."""
    pk, user_id, name, protocols, networks, created, expires, used, used_from, *keys = row
    return Known(
        pk,
        user_id,
        name,
        frozenset(protocols.split()),
        () if networks == "[]" else tuple(json.loads(networks)),
        aware(created),
        None if expires is None else aware(expires),
        None if used is None else aware(used),
        used_from,
        (bytes(keys[0]), bytes(keys[1])),
    )
