"""Which second factors a user has: reads for pages and commands, no secrets."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from apps.accounts.models import Authenticator, Passkey, RecoveryCode, TrustedDevice
from apps.directory.models import User

FEW: Final = 3  # recovery codes: from then on their owner is reminded to make new ones


@dataclass(frozen=True, slots=True)
class Factor:
    """An authenticator or a passkey, as lists show it."""

    id: int
    kind: str  # authenticator, passkey
    name: str
    created_at: datetime | None
    last_used_at: datetime | None
    is_portable: bool = False  # a passkey on a key that is carried about (USB, NFC)


@dataclass(frozen=True, slots=True)
class Factors:
    """All that stands beside a user's password."""

    authenticator: Factor | None
    passkeys: tuple[Factor, ...]
    codes_left: int
    codes_made: int  # 0: there are none
    trusted: int  # browsers that are not asked

    @property
    def is_any(self) -> bool:
        """Whether a second factor is on. Recovery codes alone are none."""
        return self.authenticator is not None or bool(self.passkeys)

    @property
    def is_short_of_codes(self) -> bool:
        """Whether the next lost telephone may be one too many."""
        return self.is_any and self.codes_left <= FEW


def has_factor(user_id: int) -> bool:
    """Whether a confirmed authenticator or a passkey exists: what `User.has_factor` repeats."""
    return bool(
        Authenticator.objects.filter(user=user_id, confirmed=True).exists()
        or Passkey.objects.filter(user=user_id).exists()
    )


def summary(user: User) -> Factors:
    """A user's factors, in four statements."""
    used = list(RecoveryCode.objects.filter(user=user).values_list("used_at", flat=True))
    authenticator = Authenticator.objects.filter(user=user, confirmed=True).first()
    return Factors(
        authenticator=_authenticator(authenticator) if authenticator is not None else None,
        passkeys=tuple(passkeys_of(user)),
        codes_left=used.count(None),
        codes_made=len(used),
        trusted=TrustedDevice.objects.filter(
            user=user,
            credential_version=user.credential_version,
            expires_at__gt=timezone.now(),
        ).count(),
    )


def all_of(user: User) -> list[Factor]:
    """Authenticator and passkeys of a user, the oldest passkey first."""
    found = summary(user)
    return [*([found.authenticator] if found.authenticator else []), *found.passkeys]


def passkeys_of(user: User) -> list[Factor]:
    """Passkeys of a user, the oldest first."""
    return [_passkey(row) for row in Passkey.objects.filter(user=user).order_by("pk")]


def passkey_of(user: User, passkey_id: int) -> Factor | None:
    """One passkey of a user; None if there is none, or it is another's."""
    row = Passkey.objects.filter(user=user, pk=passkey_id).first()
    return _passkey(row) if row is not None else None


def _authenticator(row: Authenticator) -> Factor:
    return Factor(row.pk, "authenticator", row.name, row.created_at, row.last_used_at)


def _passkey(row: Passkey) -> Factor:
    is_portable = bool({"usb", "nfc"} & set(row.transports))
    return Factor(row.pk, "passkey", row.name, row.created_at, row.last_used_at, is_portable)
