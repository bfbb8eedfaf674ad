"""API tokens for one's own account and mail: /settings/tokens/.

A new one stands in the answer to the form that asked for it, and nowhere else: no redirect, no
session, no message carries it. Tokens that administer are made in the console.
"""

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.directory.models import User
from apps.directory.permissions import powers_of
from apps.directory.services import apitokens
from apps.directory.services.credentials import MOST
from apps.provisioning import ownapitokens
from apps.ui import formnumbers
from apps.ui.proving import recently_proved
from apps.webmail.accountforms import OWN_RESOURCES, ApiTokenForm
from apps.webmail.visitor import person
from apps.wire.errors import MailError, NotFound

TWICE: Final = gettext_lazy(
    "This form was sent before, and its token is in the list already. It is not shown again: revoke"
    " it if you have not kept it, and make a new one."
)
_WORDS: Final = {
    "account": gettext_lazy("Your account: vacation reply, forwards, app passwords"),
    "mail": gettext_lazy("Your folders and messages"),
    "send": gettext_lazy("Sending mail, and what became of it"),
    "tokens": gettext_lazy("Tokens like this one"),
}
_FIELDS: Final = {"networks": "networks", "expiry": "expires", "API token": "name"}


@never_cache
@login_required
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest) -> HttpResponse:
    """What there is."""
    user = person(request)
    found = ownapitokens.listed(user, powers_of(user))
    context = {"tokens": found, "most": MOST, "is_full": len(found) >= MOST}
    return _page(request, "settings-tokens.html", context)


@never_cache
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponseBase:
    """Make one, and show it in the answer."""
    user = person(request)
    form = ApiTokenForm(request.POST or None)
    if form.is_valid():
        if formnumbers.is_used(request):
            form.add_error(None, str(TWICE))
        elif (made := _made(request, form, user)) is not None:
            return made
    context = {
        "form": form,
        "number": formnumbers.number(),
        "resources": [(one, _WORDS[one]) for one in OWN_RESOURCES],
        "chosen": form["scopes"].value() or [],
    }
    return _page(request, "token-new.html", context, 422 if form.errors else 200)


def _made(request: HttpRequest, form: ApiTokenForm, user: User) -> HttpResponse | None:
    data = form.cleaned_data
    try:
        row, text = ownapitokens.make(
            user,
            name=data["name"],
            scopes=data["scopes"],
            networks=data["networks"],
            expires_at=data["expires"],
            client=request.headers.get("User-Agent", ""),
        )
    except MailError as error:
        form.add_error(_FIELDS.get(error.detail), f"{error.reply.text}.")
        return None
    formnumbers.use_up(request)
    one, base = _found(user, row.pk), request.build_absolute_uri("/api/v1/")
    return _page(request, "token-made.html", {"text": text, "one": one, "base": base})


@never_cache
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, number: int) -> HttpResponseBase:
    """Ask, and revoke one."""
    user = person(request)
    one = _found(user, number)
    if request.method != "POST":
        return _page(request, "token-revoke.html", {"one": one})
    try:
        apitokens.revoke(user=user, name=one.token.name)
    except NotFound:  # meanwhile, in another window
        raise Http404 from None
    messages.success(request, gettext("%(name)s is revoked.") % {"name": one.token.name})
    return redirect("settings-tokens")


def _found(user: User, number: int) -> ownapitokens.Listed:
    """One of the user's own, or 404."""
    for one in ownapitokens.listed(user, powers_of(user)):
        if one.token.id == number:
            return one
    raise Http404


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return render(
        request, f"webmail/{template}", {"page": "settings-tokens", **context}, status=status
    )
