"""Where a person has their mail sent on to: /settings/forwarding/. The target is asked first.

Who has a browser that somebody left open must not read along for ever after: the password is asked
for again, as where the recovery address is set."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.provisioning import forwarding
from apps.ui.proving import recently_proved
from apps.webmail.visitor import person
from apps.wire.errors import InvalidAddress, MailError

LONGEST: Final = 400  # characters of an address that are looked at


@never_cache
@recently_proved
@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponseBase:
    """Show them; ask a target, end a forward, or say whether a copy stays (`do`)."""
    if request.method != "POST":
        return _page(request)
    target = request.POST.get("address", "")[:LONGEST].strip()
    try:
        said = _change(request, request.POST.get("do", ""), target)
    except MailError as error:
        return _page(request, typed=target, error=error.reply.text)
    messages.success(request, said)
    return redirect("settings-forwarding")


def _change(request: HttpRequest, done: str, target: str) -> str:
    """What was done, in words. Raises MailError."""
    mine, keeps_copy = person(request).address, "keeps_copy" in request.POST
    if done == "remove":
        forwarding.remove(mine, target)
        return _("Nothing more is sent on to %(address)s.") % {"address": target}
    if done == "copy":
        forwarding.keep_copies(mine, keeps_copy=keeps_copy)
        return _("Saved.")
    if not target:
        raise InvalidAddress("none", text=_("Say to which address mail is to be sent on"))
    forwarding.ask(mine, target, keeps_copy=keeps_copy)
    return _("A letter went to %(address)s. Mail is sent on once its link was opened.") % {
        "address": target
    }


def _page(request: HttpRequest, *, typed: str = "", error: str = "") -> HttpResponse:
    found = forwarding.of_user(person(request).address)
    working = [one for one in found if one.confirmed_at is not None]
    context = {
        "page": "settings-forwarding",
        "forwards": found,
        "works": bool(working),
        "keeps_copy": not found or any(one.keeps_copy for one in working or found),
        "typed": typed,
        "error": error,
    }
    status = 422 if error else 200
    return render(request, "webmail/settings-forwarding.html", context, status=status)
