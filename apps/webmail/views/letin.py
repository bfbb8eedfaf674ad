"""The page that asks somebody whether a program may use the mailbox: the authorization endpoint of
RFC 6749, /oauth/authorize.

What is wrong with the program or with where it wants the browser back is told to the person, for
nobody is sent to an address that was not registered; all else is told to the program.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.directory import oauth, redirects, tokens
from apps.directory.oauth import KnownClient, OAuthRefused
from apps.directory.services import tokens as service
from apps.provisioning import programs
from apps.ui.addresses import origin
from apps.ui.proving import recently_proved
from apps.ui.security import APP_POLICY
from apps.webmail.visitor import person
from apps.wire.errors import NotFound

LONGEST_STATE: Final = 1_000  # characters
_NAMES: Final = (
    *("client_id", "redirect_uri", "response_type", "scope", "state"),
    *("code_challenge", "code_challenge_method"),
)
_WORDS: Final = {
    "imap": gettext_lazy("Read, move and delete your mail, and manage your folders (IMAP)"),
    "pop3": gettext_lazy("Fetch and delete your mail (POP3)"),
    "smtp": gettext_lazy("Send mail in your name (SMTP)"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a program asks for. `problem` is for the program, None if it may be asked about."""

    client: KnownClient
    redirect: str
    state: str
    challenge: str = ""
    scopes: tuple[str, ...] = ()
    problem: OAuthRefused | None = None


@never_cache
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def authorize(request: HttpRequest) -> HttpResponseBase:
    """Ask, and send the browser back with the answer."""
    asked = _asked(request)
    if asked is None:
        return render(request, "auth/letin_wrong.html", status=400)
    if asked.problem is not None:
        return _back(asked, error=asked.problem.code, error_description=asked.problem.text)
    if request.method != "POST":
        return _page(request, asked)
    if request.POST.get("answer") != "allow":
        return _back(asked, error=oauth.ACCESS_DENIED)
    code = programs.let_in(
        person(request),
        client=asked.client,
        redirect=asked.redirect,
        challenge=asked.challenge,
        scopes=asked.scopes,
        browser=request.headers.get("User-Agent", ""),
    )
    return _back(asked, code=code)


@require_POST
@login_required
def revoke(request: HttpRequest, number: int) -> HttpResponseBase:
    """Take back what a program was let do, or another access token of one's own."""
    user = person(request)
    for one in tokens.of_user(user.pk):
        if one.id == number:
            with suppress(NotFound):  # meanwhile, in another window
                service.revoke(user=user, name=one.name)
            messages.success(request, gettext("%(name)s is revoked.") % {"name": one.name})
            return redirect("settings-apps")
    raise Http404


def _asked(request: HttpRequest) -> Asked | None:
    """What the address asks for; None if there is nobody to tell about it."""
    given = {name: request.GET.getlist(name) for name in _NAMES}
    values = {name: found[0] if found else "" for name, found in given.items()}
    client = oauth.find(values["client_id"])
    redirect = values["redirect_uri"]
    is_plain = len(given["client_id"]) == len(given["redirect_uri"]) == 1
    if client is None or not is_plain or not client.may_return_to(redirect):
        return None
    state = values["state"][:LONGEST_STATE]
    try:
        if any(len(found) > 1 for found in given.values()) or state != values["state"]:
            raise OAuthRefused(oauth.INVALID_REQUEST, "A parameter came twice, or is too long")
        _demand_code_with_pkce(values)
        scopes = client.scopes_for(values["scope"])
    except OAuthRefused as problem:
        return Asked(client, redirect, state, problem=problem)
    return Asked(client, redirect, state, values["code_challenge"], scopes)


def _demand_code_with_pkce(values: dict[str, str]) -> None:
    if values["response_type"] != "code":
        raise OAuthRefused("unsupported_response_type", "response_type is code")
    if values["code_challenge_method"] != "S256" or not oauth.is_challenge(
        values["code_challenge"]
    ):
        words = "Send a code_challenge, and code_challenge_method=S256 (RFC 7636)"
        raise OAuthRefused(oauth.INVALID_REQUEST, words)


def _page(request: HttpRequest, asked: Asked) -> HttpResponse:
    context: dict[str, Any] = {
        "program": asked.client.name,
        "may": [_WORDS[one] for one in asked.scopes],
        "to": redirects.source(asked.redirect),
        "who": person(request).address,
    }
    response = render(request, "auth/letin.html", context)
    # Browsers hold a form's answer to this too, and it leads to the program.
    there = f"form-action 'self' {redirects.source(asked.redirect)}"
    response["Content-Security-Policy"] = APP_POLICY.replace("form-action 'self'", there)
    return response


def _back(asked: Asked, **answer: str) -> HttpResponse:
    """To the program, which may be on this machine and have a scheme of its own: so not by
    Django's redirect. `iss` as of RFC 9207."""
    values = {**answer, **({"state": asked.state} if asked.state else {}), "iss": origin()}
    mark = "&" if "?" in asked.redirect else "?"
    where = f"{asked.redirect}{mark}{urlencode(values)}"
    return HttpResponse(status=302, headers={"Location": where, "Referrer-Policy": "no-referrer"})
