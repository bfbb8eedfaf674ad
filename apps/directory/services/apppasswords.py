"""App passwords: the only door through which they are made, used up and removed.

The text is shown once and never kept. Removing one signs out, within half a minute at the most,
whoever is signed in with it.
"""

import ipaddress
import json
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from apps.directory import apppasswords, passwords
from apps.directory.apppasswords import NOTED_EVERY, PROTOCOLS, Known
from apps.directory.models import AppPassword, Kind, User
from apps.directory.passwords import ScramBasis
from apps.directory.services import users
from apps.events.bus import publish_on_commit
from apps.events.types import UserChanged
from apps.wire.errors import InvalidName, LimitReached, NotFound
from apps.wire.scram import scram_keys

MOST = 50  # of one user; each costs a sign-in by SCRAM two microseconds
MAX_NAME = 100  # characters
MAX_NETWORKS = 50

_TOUCH = """
UPDATE directory_apppassword SET last_used_at = %s, last_used_from = %s
WHERE id = %s AND (last_used_at IS NULL OR last_used_at < %s)"""


def create(
    *,
    user: User,
    name: str,
    protocols: Iterable[str] = (),
    networks: Iterable[str] = (),
    expires_at: datetime | None = None,
) -> tuple[AppPassword, str]:
    """Make an app password.

    Args:
        protocols: of imap, pop3 and smtp; none is all three.
        networks: addresses or networks from which it works; none is everywhere.
        expires_at: from then on it does not work any more.

    Returns:
        The row, and the password: the only time it is seen.

    Raises:
        InvalidName: the name, a protocol, a network or the day cannot be, or the user is no person.
        LimitReached: the user has 50.
        NotFound: the user was removed meanwhile.
    """
    if user.kind != Kind.PERSON:
        raise InvalidName("app password", text="Only a person has app passwords")
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidName("expiry", text="The last day of an app password lies ahead")
    row = AppPassword(
        user=user,
        name=_name(name),
        protocols=" ".join(_protocols(protocols)),
        networks=json.dumps(_networks(networks)),
        expires_at=expires_at,
    )
    text = passwords.generate()
    row.digest = apppasswords.digest(text.replace("-", ""))
    basis = users.scram_basis(user.pk)
    row.scram_stored_key, row.scram_server_key = scram_keys(text, basis.salt, basis.iterations)
    with transaction.atomic():
        _insert(row, basis)
    return row, text


def _insert(row: AppPassword, basis: ScramBasis) -> None:
    # The lock orders two that are made at once, and a change of what their keys are made with.
    user = User.objects.living().select_for_update(no_key=True).filter(pk=row.user_id).first()
    if user is None or bytes(user.scram_salt) != basis.salt:
        raise NotFound(f"user {row.user_id}", text="This user has changed meanwhile, try again")
    others = AppPassword.objects.filter(user=row.user_id)
    if others.count() >= MOST:
        raise LimitReached("app passwords", text=f"A user has up to {MOST} app passwords")
    if others.filter(name=row.name).exists():
        raise InvalidName("app password", text=f"There is an app password {row.name} already")
    row.save(force_insert=True)


def revoke(*, user: User, name: str) -> None:
    """Remove one app password.

    Raises:
        NotFound: there is none of that name.
    """
    with transaction.atomic():
        removed, _ = AppPassword.objects.filter(user=user, name=name.strip()).delete()
        if not removed:
            raise NotFound("app password", text=f"There is no app password {name.strip()}")
        publish_on_commit(UserChanged(user.pk))


def revoke_all(*, user: User) -> int:
    """Remove all app passwords of a user; return how many there were."""
    with transaction.atomic():
        removed, _ = AppPassword.objects.filter(user=user).delete()
        if removed:
            publish_on_commit(UserChanged(user.pk))
    return removed


def note_use(known: Known, address: str) -> None:
    """Note that it was used now from an address: once an hour, however many ask at once."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH, [now, address[:45], known.id, now - NOTED_EVERY])


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidName(
            "app password", text=f"An app password's name has 1 to {MAX_NAME} printable characters"
        )
    return name


def _protocols(words: Iterable[str]) -> list[str]:
    wanted = {word.strip().lower() for word in words}
    if not wanted.issubset(PROTOCOLS):
        raise InvalidName("protocols", text=f"Protocols are {', '.join(PROTOCOLS)}")
    return sorted(wanted)


def _networks(words: Iterable[str]) -> list[str]:
    try:
        found = [str(ipaddress.ip_network(word.strip())) for word in words]
    except ValueError as error:
        raise InvalidName("networks", text=f"Not a network: {error}") from None
    if len(found) > MAX_NETWORKS:
        raise LimitReached("networks", text=f"An app password has up to {MAX_NETWORKS} networks")
    return found
