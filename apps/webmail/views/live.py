"""The doors of open pages: the event stream's, and the one for who has to ask now and then."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from apps.webmail.live import state
from apps.webmail.live.door import TICKET, Ticket
from apps.webmail.live.standing import Visit
from apps.webmail.visitor import person


@login_required
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """Let a page in; what it hears comes from `live.door`, which has called us. Where nothing
    stands before Django, 204: a browser does not ask for a stream again then (HTML, section 9.2.2),
    and the page polls."""
    user = person(request)
    ticket = getattr(request, "scope", {}).get(TICKET)
    key = request.session.session_key
    if not isinstance(ticket, Ticket) or key is None:
        return HttpResponse(status=204)
    ticket.visit = Visit(user.pk, key)
    answer = HttpResponse(content_type="text/event-stream")
    answer["X-Accel-Buffering"] = "no"  # nginx hands on each piece as it comes
    return answer


@login_required
@require_safe
def poll(request: HttpRequest) -> JsonResponse:
    """The same for a page that cannot keep a stream: what differs from the state `since`."""
    user = person(request)
    now = state.read(user.pk)
    since = request.GET.get("since", "")
    cursor = now.cursor
    if since == cursor:
        return JsonResponse({"cursor": cursor})
    has_shape = since.partition("-")[0] == now.shape
    told = state.told(now.places, now.total, now.labels)
    return JsonResponse({"cursor": cursor, "folders": bool(since) and not has_shape, **told})
