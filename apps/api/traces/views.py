"""What became of messages."""

from typing import Any, Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.doors import Door
from apps.api.moments import us
from apps.api.operations import Gives, Lists, operation
from apps.api.pages import answer, no_cursor
from apps.api.traces.forms import PassageShown, TraceShown, TracesSought
from apps.api.traces.shown import EXAMPLE, TAG, WHOLE, line, whole
from apps.delivery.recorder import find, journey, looks
from apps.delivery.recorder.find import Place, Question
from apps.directory.permissions import Ability
from apps.provisioning.administration.sight import demand
from apps.runtime.keyset import Column, Order
from apps.wire.errors import NotFound

# As a cursor: the last message of a page; where a search has ended for now, the moment.
ORDER: Final = Order(Column("at_us", falls=True), Column("trace_id", UUID, falls=True))


class Traces(Door):
    """All messages that are in sight."""

    resource = "traces"

    @operation(
        "traces_list",
        "List what became of messages",
        tag=TAG,
        more="The newest first. What only some may see is judged by what you may see of it. A"
        " search looks through so much at a time: a page may have few messages, or none, and a"
        " `next` all the same, which goes on further back.",
        seeks=TracesSought,
        gives=Lists(PassageShown, EXAMPLE),
    )
    def get(self, request: Request) -> Response:
        demand(self.powers, Ability.TRACE_MAIL)
        sought = self.sought(TracesSought)
        after = _place(sought.get("cursor", ""))
        find.catch_up()
        viewer = journey.viewer_of(self.powers)
        found = find.find(_question(sought), viewer, after=after, most=sought["limit"])
        further = found.following or found.looked_to
        following = ORDER.cursor(further) if further else ""
        return answer(request, [line(row) for row in found.rows], following)


def _place(cursor: str) -> Place | None:
    if not cursor:
        return None
    values = ORDER.values(cursor)
    if values is None:
        raise no_cursor()
    at_us, trace_id = values["at_us"], values["trace_id"]
    assert isinstance(at_us, int)
    assert isinstance(trace_id, UUID)
    return Place(at_us, trace_id)


def _question(sought: dict[str, Any]) -> Question:
    return Question(
        text=sought.get("text", ""),
        since_us=us(sought["since"]) if "since" in sought else None,
        until_us=us(sought["until"]) - 1 if "until" in sought else None,
        direction=sought.get("direction", ""),
        outcome=sought.get("outcome", "").replace("_", " "),
        role=sought.get("role", ""),
        peer=sought.get("server", ""),
        least=sought.get("min_points"),
        most=sought.get("max_points"),
    )


class OneTrace(Door):
    """One message."""

    resource = "traces"

    @operation(
        "traces_show",
        "Show what became of a message",
        tag=TAG,
        more="By the id of its trace, or the one that it had in the queue. That you looked is"
        " recorded in the audit log.",
        gives=Gives(TraceShown, WHOLE),
    )
    def get(self, request: Request, trace_id: UUID) -> Response:
        found = None
        if self.powers.may(Ability.TRACE_MAIL):
            found = journey.tell(journey.find(trace_id), journey.viewer_of(self.powers))
        if found is None:
            raise NotFound(f"trace {trace_id}", text="Nothing is known of such a message")
        looks.note(found, self.powers.user_id)
        return self.shown(whole(found))
