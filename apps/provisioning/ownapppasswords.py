"""A user's app passwords as the user makes them: the user is told of each."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from apps.directory.models import AppPassword, User
from apps.directory.services import apppasswords
from apps.provisioning.notices import About, tell


def make(
    user: User,
    *,
    name: str,
    protocols: Iterable[str],
    networks: Iterable[str],
    expires_at: datetime | None,
    client: str = "",
) -> tuple[AppPassword, str]:
    """Make one; return it, and the password: the only time it is seen.

    Args:
        client: the User-Agent of the browser.

    Raises:
        InvalidName, LimitReached, NotFound: as `apppasswords.create`.
    """
    with transaction.atomic():
        row, text = apppasswords.create(
            user=user, name=name, protocols=protocols, networks=networks, expires_at=expires_at
        )
        tell(user, About.APP_PASSWORD_ADDED, detail=row.name, client=client)
    return row, text
