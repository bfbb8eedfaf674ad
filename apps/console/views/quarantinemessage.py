"""Quarantine: one message.

Its page tells what the list tells, and why it is kept. What the message itself says is looked into
by a button, which is an act of its own and recorded: a page that is merely visited, reloaded, or
fetched ahead by a browser must not say of somebody that they read another's mail.
"""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.quarantine import message as kept
from apps.console.quarantine.message import KeptMessage
from apps.console.views.pages import show
from apps.console.views.quarantinelist import do
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration import keptmessage
from apps.provisioning.administration import quarantine as doors
from apps.scan.preview import Preview
from apps.ui.proving import ask, is_recent
from apps.wire.errors import MailError, NotFound

DIGEST_SENT = "The digest is on its way."
NOTHING_TO_TELL = "There is nothing to tell today that was not told."


@for_administrators
@require_http_methods(["GET", "HEAD"])
def message(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """What it is, and why it is kept."""
    return _page(request, powers, _told(powers, number))


@for_administrators
@require_POST
def look(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """The same with its text and header. Recorded before anything is read."""
    found = _told(powers, number)
    try:
        row = doors.look(powers=powers, number=number)
        return _page(request, powers, found, keptmessage.looked_into(row))
    except MailError as error:
        return _page(request, powers, found, refusal=error.reply.text)


@for_administrators
@require_POST
def act(request: HttpRequest, powers: Powers, number: int) -> HttpResponseBase:
    """Release, train, delete or block it, or send its reader the digest."""
    found, name = _told(powers, number), request.POST.get("do", "")
    try:
        if name in ("release", "train"):
            return _release(request, powers, found, teaches=name == "train")
        if name == "digest":
            is_sent = doors.tell(powers=powers, number=number)
            messages.info(request, DIGEST_SENT if is_sent else NOTHING_TO_TELL)
            return redirect("console-quarantine-message", number)
    except MailError as error:
        return _page(request, powers, found, refusal=error.reply.text)
    do(request, powers, name, [number])
    return redirect("console-quarantine")


def _release(
    request: HttpRequest, powers: Powers, found: KeptMessage, *, teaches: bool
) -> HttpResponseBase:
    """What can do harm goes only if who asks shows password or passkey again, and says so twice."""
    is_harmful = found.line.is_dangerous
    if is_harmful and found.is_kept:
        if not is_recent(request):
            return ask(request)
        if not request.POST.get("harmful"):
            context = {"one": found, "nav": "quarantine", "asked": "sure" in request.POST}
            status = 422 if "sure" in request.POST else 200
            return show(request, powers, "quarantine-harmful.html", context, status)
    doors.release(powers=powers, number=found.row.pk, teaches=teaches, even_harmful=is_harmful)
    messages.success(request, "It is released, and arrives in a moment.")
    return redirect("console-quarantine")


def _told(powers: Powers, number: int) -> KeptMessage:
    if not powers.may(Ability.RUN_QUARANTINE):
        raise Http404
    try:
        return kept.told(powers, number)
    except NotFound:
        raise Http404 from None


def _page(
    request: HttpRequest,
    powers: Powers,
    found: KeptMessage,
    seen: Preview | None = None,
    refusal: str = "",
) -> HttpResponseBase:
    context = {
        "one": found,
        "line": found.line,
        "seen": seen,
        "refusal": refusal,
        "trace": found.row.trace_id,
        "days": settings.QUARANTINE_DAYS,
        "traces": powers.may(Ability.TRACE_MAIL),
        "nav": "quarantine",
    }
    return show(request, powers, "quarantine-message.html", context, 409 if refusal else 200)
