"""Programs that people may let in: the only door through which they are registered and removed."""

import json
import secrets
from collections.abc import Sequence
from typing import Final

from django.db import transaction

from apps.audit.services import record
from apps.directory import oauth, redirects
from apps.directory.apppasswords import PROTOCOLS
from apps.directory.models import AccessToken, OAuthClient
from apps.events.bus import publish_on_commit
from apps.events.types import UserChanged
from apps.wire.errors import AlreadyExists, InvalidName, LimitReached, NotFound

MOST: Final = 200
MOST_REDIRECTS: Final = 20
MAX_NAME: Final = 80  # characters


def register(
    *, name: str, redirects_to: Sequence[str], scopes: Sequence[str] = (), has_secret: bool = False
) -> tuple[OAuthClient, str]:
    """Register a program.

    Args:
        name: what people are asked about; no other has it.
        redirects_to: addresses to which browsers are sent back.
        scopes: of imap, pop3 and smtp; none is all three.
        has_secret: whether it runs where it can keep one: on a server.

    Returns:
        The row, and its secret, "" if it has none: the only time it is seen.

    Raises:
        InvalidName, LimitReached, AlreadyExists
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidName("name", text=f"A name has 1 to {MAX_NAME} printable characters")
    wanted = oauth.in_order(scopes or PROTOCOLS)
    if not wanted or len(wanted) != len(set(scopes or PROTOCOLS)):
        raise InvalidName("scopes", text=f"Scopes are {', '.join(PROTOCOLS)}")
    secret = oauth.generate() if has_secret else ""
    row = OAuthClient(
        name=name,
        key=secrets.token_urlsafe(18),
        secret=oauth.digest(secret) if has_secret else None,
        redirects=json.dumps(_redirects(redirects_to)),
        scopes=" ".join(wanted),
    )
    with transaction.atomic():
        if OAuthClient.objects.count() >= MOST:
            raise LimitReached("programs", text=f"There are up to {MOST} programs")
        if OAuthClient.objects.filter(name=name).exists():
            raise AlreadyExists("name", text=f"There is a program {name} already")
        row.save(force_insert=True)
        detail = {"redirects": json.loads(row.redirects), "scopes": row.scopes}
        record("oauth.register", subject=name, detail=detail)
    return row, secret


def _redirects(addresses: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(redirects.checked(one) for one in addresses))
    if not found:
        raise InvalidName("redirects", text="A program has at least one address to come back to")
    if len(found) > MOST_REDIRECTS:
        raise LimitReached("redirects", text=f"A program has up to {MOST_REDIRECTS} addresses")
    return found


def remove(*, client_id: int) -> str:
    """Remove a program, and sign out whoever let it in; return its name.

    Raises:
        NotFound
    """
    with transaction.atomic():
        row = OAuthClient.objects.select_for_update().filter(pk=client_id).first()
        if row is None:
            raise NotFound(f"program {client_id}", text="There is no such program any more")
        granted = AccessToken.objects.filter(grant__client=row)
        for user_id in granted.values_list("user_id", flat=True).distinct().order_by("user_id"):
            publish_on_commit(UserChanged(user_id))
        granted.delete()
        row.delete()
        record("oauth.remove", subject=row.name)
    return row.name
