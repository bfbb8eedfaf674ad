"""Who is at work in the web: whoever is signed in, seen from where the request came."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from apps.audit.acting import Actor, acting

NOBODY = "not signed in"  # who holds a link that was sent to them, for one


class ActorMiddleware:
    """Stands behind the one that knows the user. Asks for nothing before something is recorded."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with acting(lambda: actor_of(request)):
            return self._get_response(request)


def actor_of(request: HttpRequest) -> Actor:
    """Who asks. An administrator who works as somebody else (`request.acting_by`, a user) is the
    one who acts."""
    client = str(request.META.get("REMOTE_ADDR", ""))
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return Actor("user", None, NOBODY, "web", client)
    behind = getattr(request, "acting_by", None)
    if behind is None or behind.pk == user.pk:
        return Actor("user", user.pk, user.address, "web", client)
    return Actor("user", behind.pk, behind.address, "web", client, acting_for=user.address)
