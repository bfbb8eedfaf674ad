"""Secrets of authenticator apps under the first ENCRYPTION_KEY, as `directory.services.sealed`."""

from apps.accounts.models import Authenticator
from apps.accounts.services.authenticators import context
from apps.directory.services.sealed import Resealed, seal_anew


def reseal() -> Resealed:
    """Seal what is not under the first key."""
    broken: list[str] = []
    rows = Authenticator.objects.all()
    changed = seal_anew(rows, lambda row: context(row.user_id), broken)
    return Resealed(changed, tuple(broken))
