"""Where a forgotten password's link goes: the only door through which recovery addresses change."""

from django.utils import timezone

from apps.directory.models import User
from apps.wire.errors import NotFound


def put(*, user: User, address: str) -> None:
    """Set a user's recovery address, which has been proved; raise NotFound if the user is gone."""
    now = timezone.now()
    _update(user, recovery_address=address, recovery_confirmed_at=now)
    user.recovery_address, user.recovery_confirmed_at = address, now


def clear(*, user: User) -> None:
    """Take a user's recovery address away; raise NotFound if the user is gone."""
    _update(user, recovery_address="", recovery_confirmed_at=None)
    user.recovery_address, user.recovery_confirmed_at = "", None


def _update(user: User, **columns: object) -> None:
    if not User.objects.living().filter(pk=user.pk).update(**columns):
        raise NotFound(f"user {user.pk}", text="There is no such user")
