"""Whom a person blocks and whom they always let in: /settings/senders/."""

from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.scan import entries, queries
from apps.scan.models import Verb
from apps.scan.scopes import Scope
from apps.scan.services import lists
from apps.webmail.acts import words
from apps.webmail.views.blocking import not_own
from apps.webmail.visitor import own, person
from apps.wire.errors import MailError, NotFound

SHOWN: Final = 200  # of each list; the field above finds the others
LONGEST: Final = 400  # characters of a field


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show both lists (`q`: those in whose name that stands), put a sender into one of them
    (`do=block` or `allow`), or take one off (`do=remove`)."""
    if request.method != "POST":
        return _page(request)
    typed = request.POST.get("sender", "")[:LONGEST]
    try:
        said = _change(request, request.POST.get("do", ""), typed)
    except MailError as error:
        return _page(request, typed=typed, error=error.reply.text)
    messages.success(request, said)
    return redirect("settings-senders")


def _change(request: HttpRequest, done: str, typed: str) -> str:
    """What was done, in words. Raises MailError."""
    scope = Scope(user_id=person(request).pk)
    if done == "remove":
        return words.of_list(None, lists.remove(typed, scope).value)
    if done not in Verb.values:
        raise NotFound(f"verb {done!r}", text=_("There is no such list"))
    verb, named = Verb(done), entries.read(typed)
    if verb is Verb.BLOCK:
        not_own(own(request), named.value)
    return words.of_list(verb, lists.add(verb, named.value, scope).value)


def _page(request: HttpRequest, *, typed: str = "", error: str = "") -> HttpResponse:
    wanted = request.GET.get("q", "")[:LONGEST].strip()
    found = list(queries.entries(Scope(user_id=person(request).pk)))
    matching = [one for one in found if wanted.casefold() in one.value]
    lists_of = {
        verb: [one for one in matching if one.verb == verb] for verb in (Verb.BLOCK, Verb.ALLOW)
    }
    context = {
        "page": "settings-senders",
        "blocked": lists_of[Verb.BLOCK][:SHOWN],
        "allowed": lists_of[Verb.ALLOW][:SHOWN],
        "is_cut": any(len(one) > SHOWN for one in lists_of.values()),
        "shown": SHOWN,
        "is_long": len(found) > 20,
        "wanted": wanted,
        "typed": typed,
        "error": error,
    }
    status = 422 if error else 200
    return render(request, "webmail/settings-senders.html", context, status=status)
