"""Links by which people help themselves: the only door through which they are made and used up.

`reset` sets a new password, `invite` a person's first one, `recovery` proves that a recovery
address is read. The token is known to its letter alone. What is kept is a digest that covers the
user's credential version, so that a change of password, a suspension or a new second factor ends
every link that was made before, without anybody having to think of it.

`forgot` is a wish: an address as it was typed, of somebody or of nobody, which the worker looks
into later. So the page that takes it does the same work for both, and cannot tell.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.directory.models import Kind, OneTimeLink, User, UserState
from apps.wire.errors import NotFound, Throttled

RESET: Final = "reset"
INVITE: Final = "invite"
PROOF: Final = "recovery"
FORGOT: Final = "forgot"
LIFETIMES: Final = {
    RESET: timedelta(hours=1),
    INVITE: timedelta(days=7),
    PROOF: timedelta(hours=24),
}
TOKEN_BYTES: Final = 32
_TOKEN_TEXT: Final = 80  # characters; longer ones are not ours
_NUMBER: Final = 18  # digits of a database's integer
_CHUNK: Final = 100


@dataclass(frozen=True, slots=True)
class Link:
    """A link that works. `address`: to be proved, or to which the link went; "" if handed over."""

    id: int
    user: User
    address: str
    expires_at: datetime


def make(*, user: User, purpose: str, address: str = "", most: int = 0) -> str:
    """Return the token of a new link; older ones of this purpose for the same address end.

    Args:
        most: how many may be made within the lifetime of one; 0 is any number.

    Raises:
        NotFound: the user was removed meanwhile.
        Throttled: there were `most` already.
    """
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    now = timezone.now()
    with transaction.atomic():
        owner = _lock(user.pk)
        if owner is None:
            raise NotFound(f"user {user.pk}", text="There is no such user")
        made = OneTimeLink.objects.filter(user=owner, purpose=purpose, expires_at__gt=now)
        if most and made.exclude(address="").count() >= most:
            raise Throttled(f"{purpose} links", text="There were several letters already; wait")
        _end(made if purpose == PROOF else made.filter(address=address))
        OneTimeLink.objects.create(
            purpose=purpose,
            digest=_digest(purpose, owner, secret),
            user=owner,
            address=address,
            expires_at=now + LIFETIMES[purpose],
        )
    return f"{user.pk}.{secret}"


def find(token: str, *purposes: str) -> Link:
    """The link of a token, of one of these purposes; nothing is used up.

    Raises:
        NotFound: unknown, used, expired or ended: never told apart.
    """
    user_id, secret = _parts(token)
    return _found(purposes, User.objects.filter(pk=user_id).first(), secret)


def take(token: str, *purposes: str) -> Link:
    """Use a link up, in the transaction that does what it is for; the user is locked, so of two
    who open it at once one comes second.

    Raises:
        NotFound
    """
    user_id, secret = _parts(token)
    link = _found(purposes, _lock(user_id), secret)
    OneTimeLink.objects.filter(pk=link.id).update(used_at=timezone.now())
    return link


def end(*, user: User, purpose: str) -> None:
    """End all links of a purpose."""
    _end(OneTimeLink.objects.filter(user=user, purpose=purpose))


def waiting(user: User) -> OneTimeLink | None:
    """The recovery address that still has to be proved; None if there is none."""
    rows = OneTimeLink.objects.filter(user=user, purpose=PROOF, used_at=None)
    return rows.filter(expires_at__gt=timezone.now()).order_by("-pk").first()


def wish(key: str) -> None:
    """Note that somebody wants a link for an address, of whomever; again is the same wish."""
    row = OneTimeLink(
        purpose=FORGOT,
        digest=hashlib.sha256(f"{FORGOT}\0{key}".encode("utf-8", "replace")).digest(),
        address=key[:320],
        expires_at=timezone.now() + LIFETIMES[RESET],
    )
    OneTimeLink.objects.bulk_create([row], ignore_conflicts=True)


def wishes() -> list[tuple[int, str]]:
    """Some of the wishes that wait, the oldest first: id and address. Those of an hour ago that
    nobody had time for are left out."""
    rows = OneTimeLink.objects.filter(purpose=FORGOT, expires_at__gt=timezone.now())
    return list(rows.order_by("pk").values_list("pk", "address")[:_CHUNK])


def grant(wish_id: int) -> bool:
    """Take a wish, in the transaction that answers it; False if another worker has."""
    return bool(OneTimeLink.objects.filter(pk=wish_id, purpose=FORGOT).delete()[0])


def forget_old() -> int:
    """Delete what has expired; return how many rows."""
    return OneTimeLink.objects.filter(
        purpose__in=[RESET, INVITE, PROOF, FORGOT], expires_at__lt=timezone.now()
    ).delete()[0]


def _end(links: QuerySet[OneTimeLink]) -> None:
    """They stay until they expire: how many letters went is counted by them."""
    links.filter(used_at=None).update(used_at=timezone.now())


def _lock(user_id: int) -> User | None:
    users = User.objects.living().select_for_update(no_key=True, of=("self",))
    return users.filter(pk=user_id).first()


def _found(purposes: Sequence[str], user: User | None, secret: str) -> Link:
    gone = _gone()
    if user is None or user.state != UserState.ACTIVE or user.kind != Kind.PERSON:
        raise gone
    row = OneTimeLink.objects.filter(
        user=user,
        purpose__in=purposes,
        digest__in=[_digest(purpose, user, secret) for purpose in purposes],
        used_at=None,
        expires_at__gt=timezone.now(),
    ).first()
    if row is None:
        raise gone
    return Link(row.pk, user, row.address, row.expires_at)


def _parts(token: str) -> tuple[int, str]:
    number, dot, secret = token.partition(".")
    if len(token) > _TOKEN_TEXT or not dot or not (number.isascii() and number.isdigit()):
        raise _gone()
    if len(number) > _NUMBER:
        raise _gone()
    return int(number), secret


def _gone() -> NotFound:
    return NotFound("account link", text="This link does not work any more")


def _digest(purpose: str, user: User, secret: str) -> bytes:
    text = f"{purpose}\0{user.pk}\0{user.credential_version}\0{secret}"
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
