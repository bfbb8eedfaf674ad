"""Authenticator apps: set up in two steps, and their codes, each good once.

The secret has to be had back in clear for every check, so it is sealed for its user.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from apps.accounts import onetime
from apps.accounts.models import Authenticator
from apps.accounts.services import recoverycodes
from apps.accounts.services.standing import changing, refuse_last_while_demanded
from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import User
from apps.runtime import clock, sealing
from apps.runtime.sealing import SealBrokenError
from apps.wire.errors import AuthenticationFailed, NotFound

NAME = "Authenticator app"


@dataclass(frozen=True, slots=True)
class SetUp:
    """What an app needs to know; shown while it is set up, never again."""

    secret: bytes = field(repr=False)
    account: str
    issuer: str

    @property
    def address(self) -> str:
        """What the QR code says."""
        return onetime.address_of(self.secret, account=self.account, issuer=self.issuer)

    @property
    def key(self) -> str:
        """The same for people who type it: base32 in groups, whose blanks no app minds."""
        text = onetime.spelled(self.secret)
        return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def context(user_id: int) -> str:
    """The place for which a secret is sealed."""
    return f"totp/{user_id}"


def start(*, user: User, issuer: str) -> SetUp:
    """Make a secret that waits for its first code; one that waited before ends. A working
    authenticator stays in use meanwhile.

    Raises:
        NotFound: the user is gone.
    """
    secret = secrets.token_bytes(onetime.SECRET_BYTES)
    with changing(user):
        Authenticator.objects.update_or_create(
            user=user,
            confirmed=False,
            defaults={
                "name": NAME,
                "secret": sealing.seal(secret, context=context(user.pk)),
                "last_step": -1,
                "drift": 0,
            },
        )
    return SetUp(secret, user.address, issuer)


def waiting(*, user: User, issuer: str) -> SetUp | None:
    """The set-up that waits for its first code, so that a page can be shown again; None if there is
    none, or if its key of ENCRYPTION_KEY is gone: it is begun anew then."""
    row = Authenticator.objects.filter(user=user, confirmed=False).first()
    if row is None:
        return None
    with suppress(SealBrokenError):
        return SetUp(_secret(row), user.address, issuer)
    return None


def confirm(*, user: User, code: str) -> list[str]:
    """Finish the set-up with the first code; the authenticator that was there before ends.

    Returns:
        New recovery codes if there were none, the only time they are seen; else [].

    Raises:
        NotFound: nothing waits, or the user is gone.
        AuthenticationFailed: not the code of now.
        SealBrokenError
    """
    with changing(user) as row:
        new = Authenticator.objects.filter(user=user, confirmed=False).first()
        if new is None:
            raise NotFound("nothing waits", text="Begin the set-up anew")
        found = _match(new, onetime.normal(code))
        if found is None:
            raise AuthenticationFailed(
                "wrong first code",
                text="This is not the code that the app should show now. Is its clock right?",
            )
        old, _ = Authenticator.objects.filter(user=user, confirmed=True).delete()
        Authenticator.objects.filter(pk=new.pk).update(
            confirmed=True, last_step=found.step, drift=found.drift, created_at=_now()
        )
        record(
            "factor.add",
            **subjects.of_user(row),
            detail={"kind": "authenticator", "replaced": bool(old)},
        )
        return recoverycodes.make_if_none(row)


def remove(*, user: User) -> None:
    """Take the authenticator away.

    Raises:
        NotFound: there is none.
        InUse: it is the last factor, and the domain asks for one.
    """
    with changing(user) as row:
        gone = Authenticator.objects.filter(user=user, confirmed=True)
        if not gone.delete()[0]:
            raise NotFound("no authenticator", text="There is no authenticator app")
        refuse_last_while_demanded(row)
        record("factor.remove", **subjects.of_user(row), detail={"kind": "authenticator"})


def take(*, user: User, code: str) -> bool:
    """Use a code up (in the form of `onetime.normal`); whether it was the right one, and new.

    Raises:
        SealBrokenError: the key of ENCRYPTION_KEY is gone.
    """
    row = Authenticator.objects.filter(user=user, confirmed=True).first()
    found = _match(row, code) if row is not None else None
    if row is None or found is None:
        return False
    # Of two who bring the same code at once, the second finds the step taken.
    fresh = Authenticator.objects.filter(pk=row.pk, confirmed=True, last_step__lt=found.step)
    taken: int = fresh.update(last_step=found.step, drift=found.drift, last_used_at=_now())
    return taken == 1


def _match(row: Authenticator, code: str) -> onetime.Match | None:
    if not onetime.looks_like_totp(code):
        return None
    return onetime.match(_secret(row), code, now=clock.now(), drift=row.drift, after=row.last_step)


def _secret(row: Authenticator) -> bytes:
    return sealing.open_sealed(row.secret, context=context(row.user_id))


def _now() -> datetime:
    return datetime.fromtimestamp(clock.now(), UTC)
