"""Access tokens of our own: the only door through which they are issued, used and revoked.

The text is shown once and never kept. Revoking one signs out, within half a minute at the most,
whoever is signed in with it.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from apps.directory import tokens
from apps.directory.apppasswords import NOTED_EVERY, PROTOCOLS
from apps.directory.models import AccessToken, Kind, User
from apps.directory.tokens import KnownToken
from apps.events.bus import publish_on_commit
from apps.events.types import UserChanged
from apps.wire.errors import InvalidName, LimitReached, NotFound

MOST = 50  # of one user
MAX_NAME = 100  # characters

_TOUCH = """
UPDATE directory_accesstoken SET last_used_at = %s, last_used_from = %s
WHERE id = %s AND (last_used_at IS NULL OR last_used_at < %s)"""


def issue(
    *, user: User, name: str, scopes: Iterable[str] = (), expires_at: datetime | None = None
) -> tuple[AccessToken, str]:
    """Make a token.

    Args:
        scopes: of imap, pop3 and smtp; none is all three.
        expires_at: from then on it does not work any more.

    Returns:
        The row, and the token: the only time it is seen.

    Raises:
        InvalidName: the name, a scope or the day cannot be, or the user is no person.
        LimitReached: the user has 50.
        NotFound: the user was removed meanwhile.
    """
    if user.kind != Kind.PERSON:
        raise InvalidName("token", text="Only a person has access tokens")
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidName("expiry", text="The last day of a token lies ahead")
    text = tokens.generate()
    row = AccessToken(
        user=user,
        name=_name(name),
        scopes=" ".join(_scopes(scopes)),
        expires_at=expires_at,
        digest=tokens.digest(text),
    )
    with transaction.atomic():
        _insert(row)
    return row, text


def _insert(row: AccessToken) -> None:
    # The lock orders two that are made at once.
    if not User.objects.living().select_for_update(no_key=True).filter(pk=row.user_id).exists():
        raise NotFound(f"user {row.user_id}", text="This user is gone")
    others = AccessToken.objects.filter(user=row.user_id)
    if others.count() >= MOST:
        raise LimitReached("tokens", text=f"A user has up to {MOST} access tokens")
    if others.filter(name=row.name).exists():
        raise InvalidName("token", text=f"There is an access token {row.name} already")
    row.save(force_insert=True)


def revoke(*, user: User, name: str) -> None:
    """Remove one token.

    Raises:
        NotFound: there is none of that name.
    """
    with transaction.atomic():
        removed, _ = AccessToken.objects.filter(user=user, name=name.strip()).delete()
        if not removed:
            raise NotFound("token", text=f"There is no access token {name.strip()}")
        publish_on_commit(UserChanged(user.pk))


def revoke_all(*, user: User) -> int:
    """Remove all tokens of a user; return how many there were."""
    with transaction.atomic():
        removed, _ = AccessToken.objects.filter(user=user).delete()
        if removed:
            publish_on_commit(UserChanged(user.pk))
    return removed


def note_use(known: KnownToken, address: str) -> None:
    """Note that it was used now from an address: once an hour, however many ask at once."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH, [now, address[:45], known.id, now - NOTED_EVERY])


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidName("token", text=f"A token's name has 1 to {MAX_NAME} printable characters")
    return name


def _scopes(words: Iterable[str]) -> list[str]:
    wanted = {word.strip().lower() for word in words} or set(PROTOCOLS)
    if not wanted.issubset(PROTOCOLS):
        raise InvalidName("scopes", text=f"Scopes are {', '.join(PROTOCOLS)}")
    return sorted(wanted)
