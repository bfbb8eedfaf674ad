"""Events as a list, and as a stream to who asks for one.

A stream goes on beside Django (`stream.beside`). Where nothing stands beside it, the answer is what
has happened until now, and the client comes again with Last-Event-ID, as the standard has it.
"""

from typing import Any, Final, cast

from django.http import HttpResponse
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.bodies import Json
from apps.api.doors import Door
from apps.api.operations import Lists, operation
from apps.api.pages import page
from apps.api.problems import Fault, Wrong
from apps.api.webhooks import shown
from apps.api.webhooks.forms import EventShown, EventSought
from apps.api.webhooks.stream import MEDIA_TYPE, TICKET, Follower, Ticket
from apps.directory.permissions import Ability
from apps.provisioning.administration.sight import demand
from apps.runtime.keyset import Column, Order
from apps.webhooks import queries
from apps.webhooks.services import interests

TAG: Final = "Events"
ORDER: Final = Order(Column("id"))
LAST: Final = "Last-Event-ID"


class EventStream(BaseRenderer):
    """DRF's name for the media type; the view writes the frames itself."""

    media_type = MEDIA_TYPE
    format = "stream"
    charset = "utf-8"

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        """What is no stream after all: a failure."""
        return Json().render(data)


class Events(Door):
    """What happened, the oldest first."""

    resource = "webhooks"
    renderer_classes = (Json, EventStream)

    @operation(
        "events_list",
        "List what happened, the oldest first, or follow it",
        tag=TAG,
        more="The same events as webhooks are posted, for a week. They are kept from when somebody"
        " first asks for them, or has a webhook; a day after the last question nothing is kept"
        " any more.\n\nWith `Accept: text/event-stream` the answer does not end: each event is"
        " sent as it happens, as `id`, `event` (its type) and `data`. Whoever comes again with"
        " `Last-Event-ID` gets what came since; without it, a stream begins now.",
        seeks=EventSought,
        gives=Lists(EventShown, shown.EVENT),
    )
    def get(self, request: Request) -> Response | HttpResponse:
        demand(self.powers, Ability.RUN_WEBHOOKS)
        sought = self.sought(EventSought)
        interests.note(queries.reach(self.powers))
        if cast("Any", request.accepted_renderer).media_type == MEDIA_TYPE:
            return self._stream(request, sought.get("after"))
        found = queries.events(self.powers)
        if "after" in sought:
            found = found.filter(pk__gt=_place(sought["after"], "?after"))
        return page(request, sought, found, ORDER, lambda rows: map(shown.event, rows))

    def _stream(self, request: Request, after: str | None) -> HttpResponse:
        last = request.headers.get(LAST)
        place = None
        if last is not None:
            place = _place(last, f"{LAST}:")
        elif after is not None:
            place = _place(after, "?after")
        follower = Follower(self.access, place)
        ticket = getattr(request._request, "scope", {}).get(TICKET)
        if isinstance(ticket, Ticket):
            ticket.follower = follower
        # No cache, no buffer of a proxy.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        body = follower.begin()
        return HttpResponse(body, content_type=f"{MEDIA_TYPE}; charset=utf-8", headers=headers)


def _place(name: str, pointer: str) -> int:
    place = queries.place_of(name)
    if place is None:
        words = "There is no such event, or no more: leave this out, and ask for what is kept"
        raise Wrong(Fault(pointer, "invalid", words), status=400)
    return place
