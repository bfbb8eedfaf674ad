"""Message trace: the page of one message."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.console import tracepage
from apps.console.admission import for_administrators
from apps.console.tracepage import clock, day, page_of, ticket
from apps.console.views.pages import show
from apps.delivery.recorder import journey as journeys
from apps.delivery.recorder import looks
from apps.delivery.recorder.steps import Step, after
from apps.directory.permissions import Ability, Powers


@for_administrators
@require_http_methods(["GET", "HEAD"])
def page(request: HttpRequest, powers: Powers, trace_id: UUID) -> HttpResponseBase:
    """What became of a message; `?as=text` for a ticket, `?as=json` for a program."""
    if not powers.may(Ability.TRACE_MAIL):
        raise Http404
    real = journeys.find(trace_id)
    found = journeys.tell(real, journeys.viewer_of(powers))
    if found is None:
        raise Http404
    if real != trace_id:
        return redirect("console-trace-message", real)
    looks.note(found, powers.user_id)
    shown = page_of(found)
    form = request.GET.get("as")
    if form == "text":
        text = "\n".join(ticket(shown)) + "\n"
        answer = HttpResponse(text, content_type="text/plain; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="trace-{shown.id}.txt"'
        return answer
    if form == "json":
        return JsonResponse(tracepage.as_data(shown))
    context = {"one": shown, "steps": [_row(step) for step in shown.steps], "nav": "trace"}
    return show(request, powers, "trace-message.html", context)


def _row(step: Step) -> dict[str, Any]:
    """A step with its time as the page writes it."""
    return {
        "step": step,
        "clock": clock(step.at_us),
        "day": day(step.at_us),
        "after": after(step),
    }
