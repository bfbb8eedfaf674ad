"""Where mail waits to go."""

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.moments import of_us
from apps.api.operations import Gives, Sends, operation
from apps.api.queue.forms import (
    QueueDestinationAct,
    QueueDestinationDone,
    QueueDestinationsShown,
    QueueDestinationsSought,
)
from apps.api.queue.shown import PLACE, TAG, place
from apps.api.queue.views import QueueDoor
from apps.mailqueue import queries
from apps.provisioning.administration import queue


class Places(QueueDoor):
    """Destinations with mail in sight."""

    @operation(
        "queue_destinations_list",
        "List where mail waits to go",
        tag=TAG,
        more="Most of it first. Of other customers' mail nothing is counted.",
        seeks=QueueDestinationsSought,
        gives=Gives(QueueDestinationsShown, {"paused_at": None, "items": [PLACE]}),
    )
    def get(self, request: Request) -> Response:
        self.demand_role()
        limit = self.sought(QueueDestinationsSought)["limit"]
        everywhere = queries.paused_everywhere()
        rows = queue.destinations(self.powers, limit)
        values = {
            "paused_at": of_us(everywhere.paused_at_us) if everywhere else None,
            "items": [place(self.powers, row) for row in rows],
        }
        return self.shown(dict(QueueDestinationsShown(values).data))


class PlaceActs(QueueDoor):
    """What operators do to a destination."""

    @operation(
        "queue_destinations_act",
        "Try again what waits for a destination, pause it or let it go on",
        tag=TAG,
        more="Operators do that. What is being sent at the moment of a pause still arrives.",
        sends=Sends(QueueDestinationAct, {"act": "pause", "destination": "mx/example.net"}),
        gives=Gives(QueueDestinationDone, {"is_news": True, "recipients": 0}),
    )
    def post(self, request: Request) -> Response:
        self.demand_role()
        asked = self.asked(QueueDestinationAct).validated_data
        name, count = asked["destination"], 0
        if asked["act"] == "pause":
            is_news = queue.pause(powers=self.powers, name=name)
        elif asked["act"] == "resume":
            is_news = queue.resume(powers=self.powers, name=name)
        else:
            count = queue.hasten(powers=self.powers, name=name)
            is_news = count > 0
        return Response({"is_news": is_news, "recipients": count})
