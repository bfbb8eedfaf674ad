"""Queue: one message, and what is done to it."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.admission import for_administrators
from apps.console.queue import acts
from apps.console.queue import message as messages
from apps.console.views.pages import show
from apps.console.views.queuelist import REASON_MOST, demand, reason_of, tell
from apps.directory.permissions import Ability, Powers
from apps.mailqueue.models import QueuedMessage
from apps.provisioning.administration import queue as doors
from apps.runtime.ulid import ulid_text
from apps.wire.errors import NotFound


@for_administrators
@require_http_methods(["GET", "HEAD"])
def page(request: HttpRequest, powers: Powers, message_id: UUID) -> HttpResponseBase:
    """The message, as far as it is in sight."""
    found = _in_sight(powers, message_id)
    one = messages.describe(powers, found)
    context = {"one": one, "trace": _trace(powers, one.trace_id), "nav": "queue"}
    return show(request, powers, "queue-message.html", context)


@for_administrators
@require_POST
def act(request: HttpRequest, powers: Powers, message_id: UUID) -> HttpResponseBase:
    """Do one thing to it; returning it asks for the reason first."""
    _in_sight(powers, message_id)
    name = request.POST.get("act", "")
    if name not in acts.NAMES:
        raise Http404
    if name == "bounce" and "sure" not in request.POST:
        context = {
            "count": "1",
            "is_one": True,
            "ids": [],
            "one": ulid_text(message_id),
            "back": reverse("console-queue-message", args=[message_id]),
            "message_id": message_id,
            "most": REASON_MOST,
            "nav": "queue",
        }
        return show(request, powers, "queue-bounce.html", context)
    tell(request, name, acts.do(powers, name, [message_id], reason_of(request)))
    return redirect("console-queue-message", message_id)


def _in_sight(powers: Powers, message_id: UUID) -> QueuedMessage:
    demand(powers)
    try:
        return doors.look(powers, message_id)
    except NotFound:
        raise Http404 from None


def _trace(powers: Powers, trace_id: UUID) -> str:
    """Where its whole story is; "" for who may not read it."""
    if not powers.may(Ability.TRACE_MAIL):
        return ""
    try:
        return reverse("console-trace-message", args=[trace_id])
    except NoReverseMatch:
        return ""
