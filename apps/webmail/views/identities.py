"""Names, addresses and signatures: /settings/identities/. One page: the list, and below it the
form of the one that is edited (`?edit=` its key) or made (`?new=1`)."""

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.directory.dkim import signing_domains
from apps.directory.models import User
from apps.mime.address import take_apart
from apps.webmail import writers
from apps.webmail.services import identities
from apps.webmail.services.identities import Wanted
from apps.webmail.visitor import person
from apps.webmail.writers import Choice
from apps.wire.errors import MailError

LONGEST: Final = 30_000  # characters of a field; more is nobody's signature


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show them, save one, or take what was set of one away (`do=remove`)."""
    user = person(request)
    if request.method != "POST":
        return _page(request, request.GET.get("edit", ""), is_new="new" in request.GET)
    sent = request.POST
    address = sent.get("address", "")[:LONGEST]
    try:
        said = _change(user, address, sent)
    except MailError as error:
        return _page(
            request,
            sent.get("edit", ""),
            is_new="new" in sent,
            error=error.reply.text,
            typed=_wanted(sent),
            address=address,
        )
    messages.success(request, said)
    return redirect("settings-identities")


def _change(user: User, address: str, sent: QueryDict) -> str:
    """What was done, in words. Raises MailError."""
    if sent.get("do") == "remove":
        identities.remove(user=user, key=sent.get("edit", ""))
        return _("Removed.")
    identities.change(user=user, address=address, wanted=_wanted(sent))
    return _("Saved.")


def _wanted(sent: QueryDict) -> Wanted:
    html = sent.get("signature_html")
    return Wanted(
        name=sent.get("name", "")[:LONGEST],
        reply_to=sent.get("reply_to", "")[:LONGEST],
        signature_html=None if html is None else html[:LONGEST],
        signature_text=sent.get("signature_text", "")[:LONGEST],
        is_above_quote="is_above_quote" in sent,
        attaches_card="attaches_card" in sent,
        is_default="is_default" in sent,
    )


def _page(
    request: HttpRequest,
    key: str,
    *,
    is_new: bool = False,
    error: str = "",
    typed: Wanted | None = None,
    address: str = "",
) -> HttpResponse:
    offered = writers.choices(person(request))
    edited = next((one for one in offered if one.key == key), None)
    signing = signing_domains({take_apart(one.key)[1] for one in offered})
    context: dict[str, Any] = {
        "page": "settings-identities",
        "rows": [(one, take_apart(one.key)[1] in signing) for one in offered],
        "edited": edited,
        "is_new": is_new and edited is None,
        "form": typed if typed is not None else _form(edited),
        "address": address,
        "error": error,
    }
    status = 422 if error else 200
    return render(request, "webmail/settings-identities.html", context, status=status)


def _form(edited: Choice | None) -> Wanted:
    if edited is None:
        return Wanted()
    return Wanted(
        name=edited.name,
        reply_to=edited.reply_to,
        signature_html=edited.signature_html,
        signature_text=edited.signature_text,
        is_above_quote=edited.is_above_quote,
        attaches_card=edited.attaches_card,
        is_default=edited.is_default,
    )
