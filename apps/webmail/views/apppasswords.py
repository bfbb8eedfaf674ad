"""Passwords for mail programs and devices: /settings/apps/.

A new one stands in the answer to the form that asked for it, and nowhere else: no redirect, no
session, no message carries it. Each form has a number that counts once, so a page that is loaded
again makes no second one.
"""

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.directory import apppasswords, tokens
from apps.directory.apppasswords import PROTOCOLS, Known
from apps.directory.demands import factor_demand
from apps.directory.models import User
from apps.directory.services import apppasswords as services
from apps.directory.services.credentials import MOST
from apps.provisioning import ownapppasswords
from apps.ui import formnumbers
from apps.ui.proving import recently_proved
from apps.ui.serversettings import servers
from apps.webmail.accountforms import AppPasswordForm
from apps.webmail.visitor import person
from apps.wire.errors import InvalidName, MailError, NotFound

TWICE: Final = (
    "This form was sent before, and its app password is in the list already. It is not shown again:"
    " revoke it if you have not kept it, and make a new one."
)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD"])
def listing(request: HttpRequest) -> HttpResponse:
    """What there is, and what to type into a mail program."""
    user = person(request)
    found = apppasswords.of_user(user.pk)
    context = {
        "apps": [(one, _can_use(one)) for one in reversed(found)],
        "programs": list(reversed(tokens.of_user(user.pk))),
        "most": MOST,
        "is_full": len(found) >= MOST,
        "servers": servers(),
        "demand": factor_demand(user),
    }
    return _page(request, "settings-app-passwords.html", context)


@never_cache
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponseBase:
    """Make one, and show it in the answer."""
    user = person(request)
    initial = {"protocols": [*PROTOCOLS]}
    form = AppPasswordForm(request.POST or None, initial=initial)
    if form.is_valid():
        if formnumbers.is_used(request):
            form.add_error(None, TWICE)
        elif (made := _made(request, form, user)) is not None:
            return made
    context = {"form": form, "number": formnumbers.number(), "protocols": PROTOCOLS}
    return _page(request, "app-password-new.html", context, 422 if form.errors else 200)


def _made(request: HttpRequest, form: AppPasswordForm, user: User) -> HttpResponse | None:
    data = form.cleaned_data
    try:
        row, text = ownapppasswords.make(
            user,
            name=data["name"],
            protocols=data["protocols"],
            networks=data["networks"],
            expires_at=data["expires"],
            client=request.headers.get("User-Agent", ""),
        )
    except MailError as error:
        form.add_error(_field_of(error), f"{error.reply.text}.")
        return None
    formnumbers.use_up(request)
    (known,) = (one for one in apppasswords.of_user(user.pk) if one.id == row.pk)
    context = {
        "text": text,
        "app": known,
        "can_use": _can_use(known),
        "servers": _servers_for(known),
    }
    return _page(request, "app-password-made.html", context)


@never_cache
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, number: int) -> HttpResponseBase:
    """Ask, and revoke one."""
    user = person(request)
    known = next((one for one in apppasswords.of_user(user.pk) if one.id == number), None)
    if known is None:
        raise Http404
    if request.method != "POST":
        return _page(request, "app-password-revoke.html", {"app": known})
    try:
        services.revoke(user=user, name=known.name)
    except NotFound:  # meanwhile, in another window
        raise Http404 from None
    messages.success(request, f"{known.name} is revoked, and signed out.")
    return redirect("settings-apps")


def _can_use(known: Known) -> list[str]:
    return [one.upper() for one in PROTOCOLS if not known.protocols or one in known.protocols]


def _servers_for(known: Known) -> list[Any]:
    wanted = _can_use(known)
    return [one for one in servers() if any(f"({word})" in one.what for word in wanted)]


def _field_of(error: MailError) -> str | None:
    """The field that a refusal of the service is about, None if about the whole."""
    fields = {"networks": "networks", "expiry": "expires", "app password": "name"}
    return fields.get(error.detail) if isinstance(error, InvalidName) else None


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return render(
        request, f"webmail/{template}", {"page": "settings-apps", **context}, status=status
    )
