"""What every page of the webmail may name: `side`, what stands beside the list."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.directory.models import User
from apps.webmail.folders import Side
from apps.webmail.folders import side as side_of


def side(request: HttpRequest) -> dict[str, object]:
    """Read when a page shows it, and not by pages that do not, or that give their own."""
    user = getattr(request, "user", None)

    def read() -> Side | None:
        return side_of(user) if isinstance(user, User) else None

    return {"side": SimpleLazyObject(read)}
