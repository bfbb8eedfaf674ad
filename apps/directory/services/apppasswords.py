"""App passwords: the only door through which they are made, used up and removed.

The text is shown once and never kept. Removing one signs out, within half a minute at the most,
whoever is signed in with it.
"""

import json
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.directory import apppasswords, passwords, subjects
from apps.directory.apppasswords import Known
from apps.directory.models import AppPassword, Kind, User
from apps.directory.passwords import ScramBasis
from apps.directory.services import credentials, users
from apps.directory.services.credentials import APP_PASSWORD
from apps.wire.errors import InvalidName, NotFound
from apps.wire.scram import scram_keys


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
        name=credentials.name_of(APP_PASSWORD, name),
        protocols=" ".join(credentials.protocols_of(protocols, "protocols")),
        networks=json.dumps(credentials.networks_of(APP_PASSWORD, networks)),
        expires_at=expires_at,
    )
    text = passwords.generate()
    row.digest = apppasswords.digest(text.replace("-", ""))
    basis = users.scram_basis(user.pk)
    row.scram_stored_key, row.scram_server_key = scram_keys(text, basis.salt, basis.iterations)
    with transaction.atomic():
        _insert(row, basis)
        detail = {
            "name": row.name,
            "protocols": row.protocols or "all",
            "networks": json.loads(row.networks),
            "expires_at": expires_at,
        }
        record("apppassword.add", **subjects.of_user(user), detail=detail)
    return row, text


def _insert(row: AppPassword, basis: ScramBasis) -> None:
    # The lock orders two that are made at once, and a change of what their keys are made with.
    user = User.objects.living().select_for_update(no_key=True).filter(pk=row.user_id).first()
    if user is None or bytes(user.scram_salt) != basis.salt:
        raise NotFound(f"user {row.user_id}", text="This user has changed meanwhile, try again")
    credentials.insert(APP_PASSWORD, row)


def revoke(*, user: User, name: str) -> None:
    """Remove one app password.

    Raises:
        NotFound: there is none of that name.
    """
    with transaction.atomic():
        credentials.revoke(APP_PASSWORD, user, name)
        record("apppassword.remove", **subjects.of_user(user), detail={"name": name.strip()})


def revoke_all(*, user: User) -> int:
    """Remove all app passwords of a user; return how many there were."""
    with transaction.atomic():
        if gone := credentials.revoke_all(APP_PASSWORD, user):
            record("apppassword.remove", **subjects.of_user(user), detail={"all": gone})
    return gone


def note_use(known: Known, address: str) -> None:
    """Note that it was used now from an address: once an hour, however many ask at once."""
    credentials.note_use(APP_PASSWORD, known.id, address)
