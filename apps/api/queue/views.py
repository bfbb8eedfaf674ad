"""Mail that waits: the list, one message, and what is done to messages."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.doors import Door
from apps.api.moments import us
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.problems import Fault, Wrong
from apps.api.queue.forms import (
    QueueAct,
    QueueDone,
    QueuedShown,
    QueueSought,
    QueueUndo,
    QueueUndone,
    WaitingShown,
)
from apps.api.queue.shown import EXAMPLE, ID, TAG, WHOLE, messages, whole
from apps.directory.permissions import Ability
from apps.mailqueue.services import UNDO_SECONDS, Ending
from apps.provisioning.administration import queue, waiting, waitingmessage
from apps.provisioning.administration.sight import demand
from apps.provisioning.administration.waiting import Asked
from apps.runtime.keyset import Column, Order
from apps.runtime.ulid import parse_ulid, ulid_text

ORDER: Final = Order(Column("pk", UUID))
PORTION: Final = 100  # messages of one transaction
_ENDINGS: Final = {"hold": Ending.HOLD, "delete": Ending.DELETE, "bounce": Ending.BOUNCE}
_DOORS: Final = {"retry": queue.retry, "reroute": queue.reroute, "cancel": queue.cancel}
_HELD: Final = "held by an administrator"
_UNDO: Final = "01KB5SD7W8M2H4N6P8R0T2V4X6"


class QueueDoor(Door):
    """What the doors to mail that waits have in common."""

    resource = "queue"

    def demand_role(self) -> None:
        """Raise NotPermitted for a role that has nothing to do with the queue."""
        demand(self.powers, Ability.RUN_QUEUE)


class Messages(QueueDoor):
    """All of it that is in sight."""

    @operation(
        "queue_list",
        "List mail that waits",
        tag=TAG,
        more="The oldest first: what your users sent, and what comes in for them; operators see"
        " all of it.",
        seeks=QueueSought,
        gives=Lists(WaitingShown, EXAMPLE),
    )
    def get(self, request: Request) -> Response:
        self.demand_role()
        sought = self.sought(QueueSought)
        asked = Asked(
            text=sought.get("text", ""),
            state=sought.get("state", ""),
            destination=sought.get("destination", ""),
            before_us=us(sought["before"]) if "before" in sought else 0,
        )
        found = waiting.chosen(self.powers, asked).defer("judgement", "verdict", "signatures")
        return page(request, sought, found, ORDER, lambda rows: messages(self.powers, rows))


class OneMessage(QueueDoor):
    """One message."""

    @operation(
        "queue_show",
        "Show a message that waits",
        tag=TAG,
        more="With its recipients and attempts, as far as they may be told. Also for an hour after"
        " it has left.",
        gives=Gives(QueuedShown, WHOLE),
    )
    def get(self, request: Request, message_id: UUID) -> Response:
        row = queue.look(self.powers, message_id)
        return self.shown(whole(self.powers, row, waitingmessage.told(self.powers, row)))


class Acts(QueueDoor):
    """What is done to messages."""

    @operation(
        "queue_act",
        "Retry, reroute, cancel, release, hold, delete or return mail that waits",
        tag=TAG,
        more="What is held, deleted or returned can be taken back with what is in `undo`: a hold"
        f" for as long as it lasts, the others for {UNDO_SECONDS} seconds; until then such mail is"
        " only held.",
        sends=Sends(QueueAct, {"act": "retry", "messages": [ID]}),
        gives=Gives(QueueDone, {"done": 1, "passed_over": 0, "undo": []}),
    )
    def post(self, request: Request) -> Response:
        self.demand_role()
        asked = self.asked(QueueAct).validated_data
        ids = _ids(asked["messages"], "/messages")
        name, reason = asked["act"], " ".join(asked["reason"].split())
        done, undo = 0, []
        for some in _portions(ids):
            if name in _ENDINGS:
                words = reason or (_HELD if name == "hold" else "")
                act, found = queue.set_aside(
                    powers=self.powers, ids=some, ending=_ENDINGS[name], reason=words
                )
                done += len(found)
                undo += [ulid_text(act)] if found else []
            elif name == "release":
                done += len(queue.release(powers=self.powers, ids=some))
            else:
                done += _DOORS[name](powers=self.powers, ids=some)
        return Response({"done": done, "passed_over": len(ids) - done, "undo": undo})


class Undo(QueueDoor):
    """Taking back."""

    @operation(
        "queue_undo",
        "Put mail back where it was before it was held, deleted or returned",
        tag=TAG,
        more="As far as it is not too late.",
        sends=Sends(QueueUndo, {"undo": [_UNDO]}),
        gives=Gives(QueueUndone, {"done": 1}),
    )
    def post(self, request: Request) -> Response:
        self.demand_role()
        acts = _ids(self.asked(QueueUndo).validated_data["undo"], "/undo")
        done = sum(queue.take_all_back(powers=self.powers, act=act) for act in acts)
        return Response({"done": done})


def _ids(texts: Sequence[str], pointer: str) -> list[UUID]:
    """What they name, each once; raises Wrong with each that names nothing."""
    found = [parse_ulid(one) for one in texts]
    words = "An id has 26 letters and digits: send it as it was shown"
    wrong = [Fault(f"{pointer}/{at}", "invalid", words) for at, one in enumerate(found) if not one]
    if wrong:
        raise Wrong(*wrong)
    return list(dict.fromkeys(one for one in found if one is not None))


def _portions(ids: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [ids[first : first + PORTION] for first in range(0, len(ids), PORTION)]
