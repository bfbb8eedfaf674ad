"""What an administrator may not do who looks as a user: see `apps.provisioning.acting`."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.db import Error
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render

from apps.accounts.sessions import SessionStore
from apps.directory.models import User
from apps.provisioning import acting
from apps.ui.answers import wants_page
from apps.ui.trouble import page_of

# Whatever is not named here is the user's alone: passwords, factors, sessions, the console, and
# every page that will be added.
OPEN: Final = frozenset(
    {
        *("home", "side", "mailbox", "message", "message-one", "body", "body-part", "source"),
        *("part", "act"),
        *("acts", "undo"),  # which record themselves what they change
        *("live", "poll", "why"),
        *("settings-activity", "logout", "acting-stop", "healthz", "readyz", "words"),
    }
)
_MAIL: Final = frozenset(
    {"message", "message-one", "body", "body-part", "source", "part", "act", "why"}
)
WORDS: Final = "While you look as another user, this page is closed."


class ActingMiddleware:
    """Sets `request.acting_by`, the administrator; ends what is not allowed any more."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            _look(request)
        except Error as error:
            page = page_of(error)
            if page is None:
                raise
            return page
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Close what is the user's alone; record which mail is opened or changed, before it is."""
        match = request.resolver_match
        if not hasattr(request, "acting_by"):
            return None
        if match is not None and _is_open(match):
            return _noted(request, match.url_name, kwargs)
        if match is not None and match.url_name == "settings":
            return redirect("settings-activity")
        if not wants_page(request):
            return JsonResponse({"error": WORDS}, status=403)
        return render(request, "webmail/acting_closed.html", {"words": WORDS}, status=403)


def _look(request: HttpRequest) -> None:
    session = request.session
    if not isinstance(session, SessionStore) or session.session_key is None:
        return
    if not acting.is_acting(session) or not isinstance(user := request.user, User):
        return
    administrator = acting.administrator_of(session, user)
    if administrator is None:
        session.flush()
        request.user = AnonymousUser()
    else:
        request.acting_by = administrator  # type: ignore[attr-defined]  # for all doors


def _noted(
    request: HttpRequest, name: str | None, kwargs: dict[str, Any]
) -> HttpResponseBase | None:
    """None, or what to answer where it cannot be recorded: then nothing is shown."""
    if name not in _MAIL or not isinstance(user := request.user, User):
        return None
    try:
        what = kwargs.get("verb") or name
        acting.note_mail(user, what=what, folder=kwargs["slug"], uid=kwargs["uid"])
    except Error as error:
        page = page_of(error)
        if page is None:
            raise
        return page
    return None


def _is_open(match: Any) -> bool:
    return match.url_name in OPEN or (match.url_name is None and match.route == "mail/")
