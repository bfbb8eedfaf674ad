"""How somebody wants the webmail to look: read once for a request, in one statement."""

import logging
from typing import Final

from django.db import DatabaseError
from django.http import HttpRequest

from apps.directory.models import User
from apps.webmail.models import Preferences

log = logging.getLogger(__name__)

_KEPT: Final = "_preferences"


def of(user_id: int) -> Preferences:
    """A person's row, or one with the defaults that stands nowhere."""
    found = Preferences.objects.filter(user_id=user_id).first()
    return Preferences(user_id=user_id) if found is None else found


def asked(request: HttpRequest) -> Preferences:
    """Those of who asks; the defaults for who is not signed in, and where the database is away:
    the page that says so is still to look like one of ours."""
    kept = getattr(request, _KEPT, None)
    if isinstance(kept, Preferences):
        return kept
    try:
        user = getattr(request, "user", None)
        found = of(user.pk) if isinstance(user, User) else Preferences()
    except DatabaseError:
        log.warning("preferences could not be read")
        found = Preferences()
    setattr(request, _KEPT, found)
    return found


def forget(request: HttpRequest) -> None:
    """They have changed: the page that is being made shows the new ones."""
    if hasattr(request, _KEPT):
        delattr(request, _KEPT)
