"""What every change of a user's factors has in common: the order, the user's row, the record.

The user's row is locked first, always, so that two changes at once are one after the other, and
`User.has_factor` says in the same transaction what the tables say.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from apps.accounts import factors
from apps.accounts.models import RecoveryCode, TrustedDevice
from apps.directory.demands import factor_demand
from apps.directory.models import User
from apps.directory.services import users
from apps.wire.errors import AuthenticationFailed, InUse, InvalidName, NotFound

MAX_NAME = 64  # characters


@contextmanager
def changing(user: User) -> Iterator[User]:
    """Change the factors of a living user in one transaction; what follows from it is done at its
    end.

    Raises:
        NotFound: the user is gone.
    """
    with transaction.atomic():
        living = User.objects.living().select_related("domain")
        row = living.select_for_update(of=("self",), no_key=True).filter(pk=user.pk).first()
        if row is None:
            raise NotFound(f"user {user.pk}", text="There is no such user")
        yield row
        _settle(row)


def refuse_if_changed(user: User) -> None:
    """Within the transaction that adds a factor: refuse who was signed out after this request had
    begun. A factor that is added then would outlive the new password that was to keep them out.

    Raises:
        AuthenticationFailed
    """
    rows = User.objects.living().select_for_update(no_key=True)
    same = rows.filter(pk=user.pk, credential_version=user.credential_version)
    if same.values_list("pk").first() is None:
        raise AuthenticationFailed(
            "changed meanwhile", text="Your account has changed: sign in again"
        )


def _settle(user: User) -> None:
    has_factor = factors.has_factor(user.pk)
    if not has_factor:  # what stands in for a factor goes with it
        RecoveryCode.objects.filter(user=user).delete()
        TrustedDevice.objects.filter(user=user).delete()
    if has_factor != user.has_factor:
        users.set_has_factor(user_id=user.pk, value=has_factor)


def refuse_last_while_demanded(user: User) -> None:
    """Within `changing`, after something was removed: refuse it if that was the last factor of
    somebody who has to have one.

    Raises:
        InUse
    """
    if not factors.has_factor(user.pk) and factor_demand(user).is_due:
        raise InUse(
            "demanded",
            text="Your domain asks for a second factor: set up another one before removing this",
        )


def device_name(text: str) -> str:
    """A device's name as it is kept.

    Raises:
        InvalidName
    """
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidName("device", text=f"A name has 1 to {MAX_NAME} printable characters")
    return name
