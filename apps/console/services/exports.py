"""That a list was taken along is recorded; nothing else is kept of it."""

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import User


def note(*, user: User, what: str) -> None:
    """Record it, before the first row is read."""
    if what == "audit":
        record("audit.export", **subjects.of_user(user, "audit log"))
    else:
        record("directory.export", **subjects.of_user(user, what))
