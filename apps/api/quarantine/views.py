"""Mail that is kept from its readers."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.doors import Door
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.problems import code_of
from apps.api.quarantine.forms import (
    KeptActForm,
    KeptActShown,
    KeptLookShown,
    KeptShown,
    KeptWholeShown,
    QuarantineSought,
)
from apps.api.quarantine.shown import EXAMPLE, LOOK, TAG, WHOLE, line, look, whole
from apps.directory.permissions import Ability
from apps.provisioning.administration import keptmail, keptmessage, quarantine
from apps.provisioning.administration.keptmail import Asked
from apps.provisioning.administration.sight import demand
from apps.runtime.keyset import Column, Order
from apps.scan.models import Reason
from apps.wire.errors import MailError, NotFound

ORDER: Final = Order(Column("pk", falls=True))
_UNTOLD: Final = "There is nothing to tell its reader today that was not told"


class Kept(Door):
    """All of it that is in sight."""

    resource = "quarantine"

    @operation(
        "quarantine_list",
        "List mail in quarantine",
        tag=TAG,
        more="The newest first; what is kept, or by `state` what became of it.",
        seeks=QuarantineSought,
        gives=Lists(KeptShown, EXAMPLE),
    )
    def get(self, request: Request) -> Response:
        demand(self.powers, Ability.RUN_QUARANTINE)
        sought = self.sought(QuarantineSought)
        found = keptmail.chosen(self.powers, _asked(sought)).defer("prefix", "cuts")
        return page(request, sought, found, ORDER, lambda rows: [line(row) for row in rows])


def _asked(sought: dict[str, Any]) -> Asked:
    since, until = sought.get("since"), sought.get("until")
    return Asked(
        text=sought.get("text", ""),
        state=sought["state"],
        reasons=(Reason(sought["reason"]),) if "reason" in sought else (),
        domain=sought.get("domain", ""),
        rule=sought.get("rule", ""),
        least=sought.get("min_points"),
        below=sought.get("max_points"),
        is_wanted=sought["is_wanted"],
        since=None if since is None else int(since.timestamp()),
        until=None if until is None else int(until.timestamp()),
    )


class OneKept(Door):
    """One copy."""

    resource = "quarantine"

    @operation(
        "quarantine_show",
        "Show a message in quarantine",
        tag=TAG,
        more="Why it is there, and what speaks for it; not what it says.",
        gives=Gives(KeptWholeShown, WHOLE),
    )
    def get(self, request: Request, number: int) -> Response:
        return self.shown(whole(keptmessage.told(self.powers, number)))


class Look(Door):
    """What stands in it."""

    resource = "quarantine"
    is_idempotent = True  # its octets may lie in a store elsewhere

    @operation(
        "quarantine_look",
        "Look into a message in quarantine",
        tag=TAG,
        more="It is shown as text. That you looked is recorded in the audit log; so it takes the"
        " scope to write.",
        gives=Gives(KeptLookShown, LOOK),
    )
    def post(self, request: Request, number: int) -> Response:
        row = quarantine.look(powers=self.powers, number=number)
        return Response(look(keptmessage.looked_into(row)))


class Acts(Door):
    """What is done to kept mail."""

    resource = "quarantine"

    @operation(
        "quarantine_act",
        "Release, delete, restore or block mail in quarantine, or send its reader the digest",
        tag=TAG,
        more="Each message is a matter of its own: one that cannot be says why, and stays. What"
        " can do harm is not released here: that takes the password, on its page in the console.",
        sends=Sends(KeptActForm, {"act": "release", "messages": [41], "teaches": False}),
        gives=Gives(
            KeptActShown,
            {
                "done": 1,
                "items": [{"id": 41, "is_done": True, "code": "", "detail": "", "blocked": ""}],
            },
        ),
    )
    def post(self, request: Request) -> Response:
        demand(self.powers, Ability.RUN_QUARANTINE)
        asked = self.asked(KeptActForm).validated_data
        items = [self._one(number, asked) for number in dict.fromkeys(asked["messages"])]
        done = sum(one["is_done"] for one in items)
        return Response(dict(KeptActShown({"done": done, "items": items}).data))

    def _one(self, number: int, asked: dict[str, Any]) -> dict[str, Any]:
        told = {"id": number, "is_done": True, "code": "", "detail": "", "blocked": ""}
        try:
            blocked = self._do(number, asked["act"], teaches=asked["teaches"])
        except MailError as error:
            words = {"code": code_of(error), "detail": error.reply.text}
            return {**told, **words, "is_done": False}
        return {**told, "blocked": blocked}

    def _do(self, number: int, act: str, *, teaches: bool) -> str:
        """Do it to one; the sender that was blocked by it."""
        if act == "release":
            quarantine.release(powers=self.powers, number=number, teaches=teaches)
        elif act == "delete":
            quarantine.delete(powers=self.powers, number=number)
        elif act == "restore":
            quarantine.restore(powers=self.powers, number=number)
        elif act == "block":
            return quarantine.block(powers=self.powers, number=number).added.value
        elif not quarantine.tell(powers=self.powers, number=number):
            raise NotFound("nothing to tell", text=_UNTOLD)
        return ""
