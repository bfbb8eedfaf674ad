"""The link that signs the main user in: a signed token, for a day, as often as one likes.

It is signed with the installation's own key and names the user's credential version: a new
password, a suspension or a removal ends it.
"""

from typing import Final

from django.core import signing

from apps.directory.backends import MailhostBackend
from apps.directory.models import User

LIFETIME: Final = 24 * 3600  # seconds
_LONGEST = 300  # characters; longer ones are not ours


class LinkOver(Exception):
    """The link was good once: it is more than a day old."""


def make(user: User) -> str:
    """A token that signs this user in, from now on for a day."""
    return _signer().sign_object({"user": user.pk, "version": user.credential_version})


def user_of(token: str) -> User | None:
    """Whom the token signs in; None for one that is not ours, or not any more.

    Raises:
        LinkOver
    """
    if len(token) > _LONGEST:
        return None
    try:
        told = _signer().unsign_object(token, max_age=LIFETIME)
    except signing.SignatureExpired:
        raise LinkOver from None
    except signing.BadSignature:
        return None
    user = MailhostBackend().get_user(told["user"])
    return user if user is not None and user.credential_version == told["version"] else None


def _signer() -> signing.TimestampSigner:
    # A dot, because terminals end a link at a colon.
    return signing.TimestampSigner(salt="mailhost.demo.link", sep=".")
