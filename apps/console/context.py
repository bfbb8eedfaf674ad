"""What the pages of the webmail may ask of the console."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.directory.models import User
from apps.directory.permissions import powers_of


def administrator(request: HttpRequest) -> dict[str, object]:
    """`is_administrator`: whether the console has something for who asks; one statement, and only
    where a template asks. Not while an administrator looks as somebody else."""
    return {"is_administrator": SimpleLazyObject(lambda: _has_role(request))}


def _has_role(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    if not isinstance(user, User) or hasattr(request, "acting_by"):
        return False
    return bool(powers_of(user))
