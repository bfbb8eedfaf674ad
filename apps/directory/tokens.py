"""Which access token of our own a client has: reads, no writes.

A token stands for its user at the doors of mail programs (OAUTHBEARER, XOAUTH2) as far as its
scopes go, until it expires or is revoked. It never opens the web, and no password is checked
against it. It begins with a word of its own, so that whoever finds one in a log or a repository
knows what it is.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.utils import timezone

from apps.directory.apppasswords import NOTED_EVERY, protocol_of
from apps.directory.models import AccessToken

PREFIX: Final = "mht_"
_OCTETS: Final = 32


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token of somebody, whose `key` is that of `User.key`.

    Args:
        refreshed_until: how long a program that was let in may get the next one for it.
    """

    id: int
    user_id: int
    key: str
    name: str
    scopes: frozenset[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str
    refreshed_until: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing comes of it any more."""
        until = self.refreshed_until or self.expires_at
        return until is not None and until <= timezone.now()

    @property
    def is_noted(self) -> bool:
        """Whether its last use need not be noted again yet."""
        return self.last_used_at is not None and timezone.now() - self.last_used_at < NOTED_EVERY

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def is_for(self, door: str) -> bool:
        """Whether its scopes include this door."""
        return protocol_of(door) in self.scopes


def generate() -> str:
    """Invent a token of 256 bits, in the alphabet of RFC 6750 section 2.1."""
    return PREFIX + secrets.token_urlsafe(_OCTETS)


def looks_ours(token: str) -> bool:
    """Whether a token may be one of `generate`."""
    return token.startswith(PREFIX)


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8")).digest()


def find(token: str) -> KnownToken | None:
    """Return the token that a text is, whoever it belongs to; None if it is none."""
    row = AccessToken.objects.select_related("user").filter(digest=digest(token)).first()
    return None if row is None else _known(row)


def of_user(user_id: int) -> list[KnownToken]:
    """All tokens of a user, oldest first."""
    rows = AccessToken.objects.select_related("user", "grant").filter(user=user_id).order_by("pk")
    return [replace(_known(row), refreshed_until=_refreshed_until(row)) for row in rows]


def _refreshed_until(row: AccessToken) -> datetime | None:
    grant = getattr(row, "grant", None)  # the other side of a relation that may not be there
    return None if grant is None else grant.refresh_expires_at


def living(ids: Iterable[int]) -> set[int]:
    """Those of some tokens that still exist and have not expired; one query."""
    rows = AccessToken.objects.filter(pk__in=list(ids)).values_list("pk", "expires_at")
    now = timezone.now()
    return {pk for pk, expires_at in rows if expires_at is None or expires_at > now}


def _known(row: AccessToken) -> KnownToken:
    return KnownToken(
        id=row.pk,
        user_id=row.user_id,
        key=row.user.key,
        name=row.name,
        scopes=frozenset(row.scopes.split()),
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        last_used_from=row.last_used_from,
    )
