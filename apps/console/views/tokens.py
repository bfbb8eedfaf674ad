"""An administrator's own API tokens.

A new one stands in the answer to the form that asked for it, and nowhere else: no redirect, no
session, no message carries it. What others have stands at each user's devices.
"""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console.admission import for_administrators
from apps.console.tokenforms import TokenForm
from apps.console.views.pages import administrator, show
from apps.directory.apitokens import RESOURCES
from apps.directory.permissions import Powers
from apps.directory.services import apitokens
from apps.directory.services.credentials import MOST
from apps.provisioning import ownapitokens
from apps.ui import formnumbers
from apps.ui.proving import ask, is_recent
from apps.wire.errors import MailError, NotFound

TWICE: Final = (
    "This form was sent before, and its token is in the list already. It is not shown again: revoke"
    " it if you have not kept it, and make a new one."
)
_FIELDS: Final = {
    "networks": "networks",
    "expiry": "expires",
    "API token": "name",
    "places": "places",
    "scopes": "scopes",
}


@for_administrators
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest, powers: Powers) -> HttpResponse:
    """What there is."""
    found = ownapitokens.listed(administrator(request), powers)
    context = {"tokens": found, "most": MOST, "is_full": len(found) >= MOST}
    return _page(request, powers, "tokens.html", context)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, powers: Powers) -> HttpResponseBase:
    """Make one, and show it in the answer."""
    if not is_recent(request):
        return ask(request)
    form = TokenForm(request.POST or None)
    if form.is_valid():
        if formnumbers.is_used(request):
            form.add_error(None, TWICE)
        elif (made := _made(request, powers, form)) is not None:
            return made
    context = {
        "form": form,
        "number": formnumbers.number(),
        "resources": RESOURCES.items(),
        "chosen": form["scopes"].value() or [],
    }
    return _page(request, powers, "token-add.html", context, 422 if form.errors else 200)


def _made(request: HttpRequest, powers: Powers, form: TokenForm) -> HttpResponse | None:
    data = form.cleaned_data
    words = data["places"]
    try:
        row, text = ownapitokens.make(
            administrator(request),
            name=data["name"],
            scopes=data["scopes"],
            places=None if words is None else ownapitokens.places_called(powers, words),
            networks=data["networks"],
            expires_at=data["expires"],
            client=request.headers.get("User-Agent", ""),
        )
    except MailError as error:
        form.add_error(_FIELDS.get(error.detail), f"{error.reply.text}.")
        return None
    formnumbers.use_up(request)
    one, base = _found(request, powers, row.pk), request.build_absolute_uri("/api/v1/")
    return _page(request, powers, "token-made.html", {"text": text, "one": one, "base": base})


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Ask, and revoke one."""
    one = _found(request, powers, number)
    if request.method != "POST":
        return _page(request, powers, "token-revoke.html", {"one": one})
    try:
        apitokens.revoke(user=administrator(request), name=one.token.name)
    except NotFound:  # meanwhile, in another window
        raise Http404 from None
    messages.success(request, f"“{one.token.name}” is revoked.")
    return redirect("console-tokens")


def _found(request: HttpRequest, powers: Powers, number: int) -> ownapitokens.Listed:
    """One of the own ones, or 404."""
    for one in ownapitokens.listed(administrator(request), powers):
        if one.token.id == number:
            return one
    raise Http404


def _page(
    request: HttpRequest, powers: Powers, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return show(request, powers, template, {"nav": "tokens", **context}, status)
