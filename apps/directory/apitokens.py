"""Which token of the interface for programs a client has: reads, no writes.

A token stands for its user in `/api/`, as far as its scopes go, until it expires or is revoked; in
its places alone if it is bound to some, and from its networks alone if it has any. It opens no
other door. It begins with a word of its own, so that whoever finds one in a log or a repository
knows what it is.
"""

import hashlib
import ipaddress
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from apps.directory.apppasswords import NOTED_EVERY
from apps.directory.models import ApiToken, ApiTokenPlace
from apps.directory.permissions import Place

PREFIX: Final = "mhk_"
LONGEST: Final = 100  # characters of what may be one
HINT: Final = 4  # characters of its end that are kept
_OCTETS: Final = 32

# What a scope may be for, in the order in which people are shown them, and what each lets do.
RESOURCES: Final = {
    "organizations": "organisations and their limits",
    "domains": "domains, their DNS records, keys and settings",
    "users": "users, their quotas, replies and forwards",
    "aliases": "aliases and groups",
    "sharing": "shared mailboxes and delegations",
    "credentials": "app passwords, new passwords, sessions and second factors of users",
    "roles": "roles of administrators",
    "queue": "mail that waits",
    "quarantine": "mail that is held back",
    "traces": "what became of messages",
    "policies": "lists, rules and routes",
    "audit": "the audit log",
    "tokens": "tokens like this one",
    "webhooks": "webhooks and the stream of events",
    "health": "checks and figures of the installation",
    "account": "the own account: replies, forwards, app passwords",
    "mail": "the own mailboxes and messages",
    "send": "sending mail",
}
READ: Final = "read"
WRITE: Final = "write"
SCOPES: Final = tuple(f"{resource}:{way}" for resource in RESOURCES for way in (READ, WRITE))


@dataclass(frozen=True, slots=True)
class KnownApiToken:
    """A token of somebody.

    Args:
        scopes: of `SCOPES`.
        places: None for wherever its user may act; empty for nowhere.
        networks: from which it works; empty for everywhere.
    """

    id: int
    user_id: int
    name: str
    hint: str
    scopes: frozenset[str]
    places: tuple[Place, ...] | None
    networks: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str

    @property
    def shown(self) -> str:
        """Its name and the end of its text: which one it is, when it is gone too."""
        return f"{self.name} (…{self.hint})"

    @property
    def is_noted(self) -> bool:
        """Whether its last use need not be noted again yet."""
        return self.last_used_at is not None and timezone.now() - self.last_used_at < NOTED_EVERY

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def allows(self, resource: str, way: str) -> bool:
        """Whether its scopes let it read or write something; who may write may read."""
        return allows(self.scopes, f"{resource}:{way}")

    def is_from(self, address: str) -> bool:
        """Whether a client at this address may use it."""
        if not self.networks:
            return True
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        ip = getattr(ip, "ipv4_mapped", None) or ip
        return any(ip in ipaddress.ip_network(network) for network in self.networks)


def allows(scopes: Iterable[str], wanted: str) -> bool:
    """Whether scopes contain another: as such, or to write what it reads."""
    resource, _, way = wanted.partition(":")
    return wanted in scopes or (way == READ and f"{resource}:{WRITE}" in scopes)


def generate() -> str:
    """Invent a token of 256 bits, in the alphabet of RFC 6750 section 2.1."""
    return PREFIX + secrets.token_urlsafe(_OCTETS)


def looks_ours(token: str) -> bool:
    """Whether a token may be one of `generate`."""
    return token.startswith(PREFIX) and len(token) <= LONGEST


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def find(token: str) -> KnownApiToken | None:
    """The token that a text is, whoever it belongs to; None if it is none. Two statements for a
    bound one, else one."""
    row = ApiToken.objects.filter(digest=digest(token)).first()
    return None if row is None else known([row])[0]


def of_user(user_id: int) -> list[KnownApiToken]:
    """All tokens of a user, oldest first."""
    return known(ApiToken.objects.filter(user=user_id).order_by("pk"))


def known(rows: Iterable[ApiToken]) -> list[KnownApiToken]:
    """Tokens with their places, in one statement more."""
    rows = list(rows)
    places: dict[int, list[Place]] = {row.pk: [] for row in rows if row.is_bound}
    if places:
        found = ApiTokenPlace.objects.filter(token__in=places).order_by("pk")
        for token_id, *place in found.values_list(
            "token_id", "organization_id", "domain_id", "domain__organization_id"
        ):
            places[token_id].append(Place(*place))
    return [_known(row, places.get(row.pk)) for row in rows]


def _known(row: ApiToken, places: Sequence[Place] | None) -> KnownApiToken:
    return KnownApiToken(
        id=row.pk,
        user_id=row.user_id,
        name=row.name,
        hint=row.hint,
        scopes=frozenset(row.scopes.split()),
        places=None if places is None else tuple(places),
        networks=tuple(json.loads(row.networks)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        last_used_from=row.last_used_from,
    )
