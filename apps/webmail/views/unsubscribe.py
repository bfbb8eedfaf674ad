"""Leave the list that a message came by."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.mailstore import queries
from apps.ui.answers import wants_page
from apps.webmail import leaving
from apps.webmail.visitor import find_entry, find_folder, person
from apps.webmail.why.unsubscribing import Kind, Offer, offer
from apps.wire.errors import MailError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, slug: str, uid: int) -> HttpResponse:
    """The page that asks, with the address; a POST does it. What is done is read from the message
    again: nobody can have this host ask another one by a form."""
    folder = find_folder(request, slug)
    entry = find_entry(folder, uid)
    shown = queries.shown(entry.message_id, entry.head_id)
    found = offer(shown.trace, shown.header()) if not folder.owner else None
    if found is None:
        raise Http404
    if request.method != "POST":
        context = {"folder": folder, "uid": uid, "offer": found, "head": entry}
        return render(request, "webmail/unsubscribe.html", context)
    user = person(request)
    try:
        leaving.admit(user.pk)
        said = _leave(request, found)
    except MailError as error:
        return _answer(request, slug, uid, error.reply.text, status=error.http_status)
    return _answer(request, slug, uid, said)


def _leave(request: HttpRequest, found: Offer) -> str:
    if found.kind is Kind.ONE_CLICK:
        if not connection.in_atomic_block:
            connection.close()  # a slow stranger must not hold one
        return leaving.ask(found)
    if found.kind is Kind.MAIL and request.POST.get("confirmed") == "1":
        return leaving.write(person(request), found)
    raise Http404


def _answer(
    request: HttpRequest, slug: str, uid: int, text: str, *, status: int = 200
) -> HttpResponse:
    if not wants_page(request):
        return JsonResponse({"text" if status < 400 else "error": text}, status=status)
    (messages.success if status < 400 else messages.error)(request, text)
    return redirect("message", slug, uid)
