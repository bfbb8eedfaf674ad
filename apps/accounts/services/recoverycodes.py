"""Recovery codes: made ten at a time, shown once, each good once."""

from django.utils import timezone

from apps.accounts import onetime
from apps.accounts.models import RecoveryCode
from apps.accounts.services.standing import changing
from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import User
from apps.wire.errors import NotFound


def make(*, user: User) -> list[str]:
    """Make new codes; the old ones end.

    Returns:
        The codes, the only time they are seen.

    Raises:
        NotFound: the user has no second factor that they could stand in for, or is gone.
    """
    with changing(user) as row:
        if not row.has_factor:
            raise NotFound("no factor", text="Set up a second factor first")
        return renew(row)


def renew(user: User) -> list[str]:
    """The same, within the transaction of `changing`."""
    codes = [onetime.recovery_code() for _ in range(onetime.CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=onetime.digest(code)) for code in codes
    )
    record("factor.codes", **subjects.of_user(user), detail={"made": len(codes)})
    return codes


def make_if_none(user: User) -> list[str]:
    """Within `changing`: codes for who has none left, [] for others."""
    if RecoveryCode.objects.filter(user=user, used_at=None).exists():
        return []
    return renew(user)


def take(*, user: User, code: str) -> bool:
    """Use a code up; whether it was one that is still good. Of two who bring it at once, one wins:
    the database counts."""
    good = RecoveryCode.objects.filter(user=user, digest=onetime.digest(code), used_at=None)
    return good.update(used_at=timezone.now()) == 1
