"""One-time links: a secret in an address that works once, for a day. Only its SHA-256 is kept.

`setup` makes the first operator. It works only while there is none, whoever holds the link: its
rows are locked, all of them in order, before the question is asked, so of two people who open two
links at once one comes second.
"""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.directory.models import OneTimeLink, Role, RoleGrant
from apps.wire.errors import NotFound

SETUP = "setup"
LIFETIME = timedelta(hours=24)
TOKEN_BYTES = 32
_TOKEN_TEXT = 64  # characters; longer ones are not ours


def make_setup() -> str | None:
    """Return the token of a new setup link, None if there is an operator. Older unused ones end."""
    if operator_exists():
        return None
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction.atomic():
        OneTimeLink.objects.filter(purpose=SETUP, used_at=None).delete()
        OneTimeLink.objects.create(
            purpose=SETUP, digest=_digest(token), expires_at=timezone.now() + LIFETIME
        )
        record("setup.link")
    return token


def setup_works(token: str) -> bool:
    """Whether `take_setup` would take the token now; nothing is used up."""
    return (
        not operator_exists()
        and len(token) <= _TOKEN_TEXT
        and OneTimeLink.objects.filter(
            purpose=SETUP,
            digest=_digest(token),
            used_at=None,
            expires_at__gt=timezone.now(),
        ).exists()
    )


def take_setup(token: str) -> None:
    """Use the link up, within the transaction that makes the operator.

    Raises:
        NotFound: unknown, used or expired, or there is an operator: never told apart.
    """
    gone = NotFound("setup link", text="This link does not work any more")
    if len(token) > _TOKEN_TEXT:
        raise gone
    links = OneTimeLink.objects.filter(purpose=SETUP)
    list(links.select_for_update().order_by("pk").values_list("pk"))
    used = links.filter(digest=_digest(token), used_at=None, expires_at__gt=timezone.now()).update(
        used_at=timezone.now()
    )
    if not used or operator_exists():
        raise gone


def operator_exists() -> bool:
    """Whether anybody runs this installation yet."""
    return RoleGrant.objects.filter(role=Role.OPERATOR).exists()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
