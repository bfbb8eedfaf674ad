"""What somebody has to do before anything else: choose another password, add a second factor."""

from collections.abc import Callable
from typing import Any, Final

from django.db import Error
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect

from apps.directory.demands import factor_demand
from apps.directory.models import User
from apps.ui.answers import wants_page
from apps.ui.trouble import page_of

_ALWAYS: Final = frozenset({"login", "login-confirm", "logout", "healthz", "readyz", "words"})
_PASSWORD: Final = "settings-password"  # noqa: S105  (a name)
# Who came in by a password that another has made adds no passkey: that one would outlive it.
_SHOWN: Final = frozenset({_PASSWORD, "passkey-begin", "passkey-complete"})
_FACTOR: Final = "settings-security"
# Pages and doors on which a factor is set up.
_ENROLMENT: Final = ("settings-security", "security-", "passkey-")


class ForcedStepsMiddleware:
    """Leads to the page of the step that is due, and nowhere else; signing out is always possible.

    An administrator who looks as the user has nothing to do with it (`apps.webmail.acting`).
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """The way to the step, or None."""
        name = "" if request.resolver_match is None else request.resolver_match.url_name or ""
        if name in _ALWAYS or hasattr(request, "acting_by"):
            return None
        try:
            return _step(request, name)
        except Error as error:
            page = page_of(error)
            if page is None:
                raise
            return page


def _step(request: HttpRequest, name: str) -> HttpResponseBase | None:
    user = request.user
    if not isinstance(user, User):
        return None
    if user.must_change_password:
        if name in _SHOWN:
            return None
        return _lead(request, _PASSWORD, "Choose another password first")
    return None if user.has_factor else _factor(request, user, name)


def _factor(request: HttpRequest, user: User, name: str) -> HttpResponseBase | None:
    due = factor_demand(user)
    if not due.is_demanded:
        return None
    if not due.is_due:
        request.factor_due_at = due.due_at  # type: ignore[attr-defined]  # templates remind of it
        return None
    if name.startswith(_ENROLMENT):
        return None
    return _lead(request, _FACTOR, "Set up a second step of sign-in first")


def _lead(request: HttpRequest, name: str, words: str) -> HttpResponseBase:
    if wants_page(request):
        return redirect(name)
    return JsonResponse({"error": words}, status=403)
