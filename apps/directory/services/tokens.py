"""Access tokens of our own: the only door through which they are issued, used and revoked.

The text is shown once and never kept. Revoking one signs out, within half a minute at the most,
whoever is signed in with it.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.directory import subjects, tokens
from apps.directory.apppasswords import PROTOCOLS
from apps.directory.models import AccessToken, Kind, User
from apps.directory.services import credentials
from apps.directory.services.credentials import ACCESS_TOKEN
from apps.directory.tokens import KnownToken
from apps.wire.errors import InvalidName, NotFound


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
        name=credentials.name_of(ACCESS_TOKEN, name),
        scopes=" ".join(credentials.protocols_of(scopes, "scopes") or PROTOCOLS),
        expires_at=expires_at,
        digest=tokens.digest(text),
    )
    with transaction.atomic():
        if not User.objects.living().select_for_update(no_key=True).filter(pk=user.pk).exists():
            raise NotFound(f"user {user.pk}", text="This user is gone")
        credentials.insert(ACCESS_TOKEN, row)
        detail = {"name": row.name, "scopes": row.scopes, "expires_at": expires_at}
        record("token.issue", **subjects.of_user(user), detail=detail)
    return row, text


def revoke(*, user: User, name: str) -> None:
    """Remove one token.

    Raises:
        NotFound: there is none of that name.
    """
    with transaction.atomic():
        credentials.revoke(ACCESS_TOKEN, user, name)
        record("token.revoke", **subjects.of_user(user), detail={"name": name.strip()})


def revoke_all(*, user: User) -> int:
    """Remove all tokens of a user; return how many there were."""
    with transaction.atomic():
        if gone := credentials.revoke_all(ACCESS_TOKEN, user):
            record("token.revoke", **subjects.of_user(user), detail={"all": gone})
    return gone


def note_use(known: KnownToken, address: str) -> None:
    """Note that it was used now from an address: once an hour, however many ask at once."""
    credentials.note_use(ACCESS_TOKEN, known.id, address)
