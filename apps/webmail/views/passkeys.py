"""Passkeys: doors for static/ui/passkeys.js. What a browser says is hostile until it is checked.

Two doors for all sign-ins: by a passkey alone, as the second step after the password, and to prove
again who one is. Two for a new passkey.
"""

from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse

from apps.accounts import factors as reading
from apps.accounts.services import passkeys
from apps.directory.models import Means, Outcome, User
from apps.directory.services import history
from apps.provisioning import factors
from apps.ui import proving
from apps.ui.clients import browser_words
from apps.webmail import asking, nextpage, signingin
from apps.webmail.asking import Purpose
from apps.webmail.jsondoor import json_door, refusal
from apps.wire.errors import AuthenticationFailed

SIGN_IN = "sign-in"
NEW = "new"


@json_door
def begin(request: HttpRequest, data: dict[str, Any]) -> HttpResponseBase:
    """Ask for a passkey: of who is signed in, of whose password was right, or anybody's."""
    user = _asked_user(request)
    if user is None:
        asking.admit_stranger(signingin.client_address(request))
    question = passkeys.ask_to_sign_in(site=asking.site(request), user=user)
    response = JsonResponse(question.options)
    asking.keep(request, response, Purpose(SIGN_IN, user.pk if user else None), question)
    return response


@json_door
def complete(request: HttpRequest, data: dict[str, Any]) -> HttpResponseBase:
    """Check the passkey, and sign its user in."""
    user = _asked_user(request)
    question = asking.take(request, Purpose(SIGN_IN, user.pk if user else None))
    try:
        shown = passkeys.sign_in(
            site=asking.site(request),
            question=question,
            answer=_object(data, "credential"),
            address=signingin.client_address(request),
            user=user,
        )
    except AuthenticationFailed:
        if user is not None:
            _note_wrong(request, user)
        raise
    if request.user.is_authenticated:
        proving.mark(request)
        return JsonResponse({"next": nextpage.after(nextpage.asked(request))})
    kept = None if signingin.pending(request) else data.get("kept") is True
    there = signingin.complete_sign_in(request, shown, means=Means.PASSKEY, kept=kept)
    return JsonResponse({"next": there})


def _note_wrong(request: HttpRequest, user: User) -> None:
    signingin.count_try(request)
    history.note(
        user_id=user.pk,
        outcome=Outcome.WRONG,
        door=signingin.DOOR,
        means=Means.PASSKEY,
        address=signingin.client_address(request),
        client=signingin.client(request),
    )


@json_door
def begin_new(request: HttpRequest, data: dict[str, Any]) -> HttpResponseBase:
    """Ask the browser of who is signed in to make a passkey."""
    user = request.user
    if not isinstance(user, User):
        return _sign_in_first()
    if not proving.is_recent(request):
        return proving.ask(request)
    question = passkeys.ask_for_new(user=user, site=asking.site(request))
    response = JsonResponse(question.options)
    asking.keep(request, response, Purpose(NEW, user.pk), question)
    return response


@json_door
def complete_new(request: HttpRequest, data: dict[str, Any]) -> HttpResponseBase:
    """Keep the new passkey."""
    user = request.user
    if not isinstance(user, User):
        return _sign_in_first()
    if not proving.is_recent(request):
        return proving.ask(request)
    client = request.headers.get("User-Agent", "")
    factors.add_passkey(
        user=user,
        site=asking.site(request),
        question=asking.take(request, Purpose(NEW, user.pk)),
        answer=_object(data, "credential"),
        name=str(data.get("name") or browser_words(client) or "Passkey")[:200],
        client=client,
    )
    stay_signed_in(request, user)
    # The page of codes makes them by a form, so that nobody's codes are made and never seen.
    if reading.summary(user).codes_made:
        return JsonResponse({"next": reverse("settings-security")})
    return JsonResponse({"codes": reverse("security-codes")})


def stay_signed_in(request: HttpRequest, user: User) -> None:
    """Keep this browser signed in: a change of the factors has signed out all."""
    user.refresh_from_db()
    update_session_auth_hash(request, user)


def _asked_user(request: HttpRequest) -> User | None:
    if isinstance(request.user, User):
        return request.user
    waiting = signingin.pending(request)
    return waiting.user if waiting is not None else None


def _object(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _sign_in_first() -> JsonResponse:
    return refusal("Sign in first", 401, confirm=reverse("login"))
