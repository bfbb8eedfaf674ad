"""Trusted devices: browsers that need not show a second factor for 30 days.

The browser holds a random word, we hold its digest. A new password, a change of the factors and a
suspension raise `credential_version`, which ends the trust.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from django.utils import timezone

from apps.accounts.models import TrustedDevice
from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import User

LIFETIME: Final = timedelta(days=30)
MOST: Final = 20  # of one user: the one that was used longest ago makes room
NOTED_EVERY: Final = timedelta(hours=1)
_WORD_BYTES: Final = 32
_WORD_TEXT: Final = 64  # characters; longer ones are not ours


def trust(*, user: User, client: str = "") -> str:
    """Trust a browser that has just shown a second factor.

    Args:
        client: what the browser calls itself.

    Returns:
        What its cookie holds; the only time it is seen.
    """
    word = secrets.token_urlsafe(_WORD_BYTES)
    mine = TrustedDevice.objects.filter(user=user)
    mine.filter(expires_at__lte=timezone.now()).delete()
    kept = list(mine.order_by("-last_used_at", "-pk").values_list("pk", flat=True)[: MOST - 1])
    mine.exclude(pk__in=kept).delete()
    TrustedDevice.objects.create(
        user=user,
        digest=_digest(word),
        credential_version=user.credential_version,
        client=client[:200],
        expires_at=timezone.now() + LIFETIME,
    )
    return word


def is_trusted(user: User, word: str) -> bool:
    """Whether the browser with this cookie is one that the user trusts; notes its use."""
    if not 0 < len(word) <= _WORD_TEXT:
        return False
    now = timezone.now()
    found = TrustedDevice.objects.filter(
        user=user,
        digest=_digest(word),
        credential_version=user.credential_version,
        expires_at__gt=now,
    )
    if not found.exists():
        return False
    found.filter(last_used_at__lt=now - NOTED_EVERY).update(last_used_at=now)
    return True


def forget_all(*, user: User) -> int:
    """Trust no browser any more; return how many there were."""
    gone, _ = TrustedDevice.objects.filter(user=user).delete()
    if gone:
        record("factor.forget", **subjects.of_user(user), detail={"devices": gone})
    return gone


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode("utf-8", "replace")).digest()
