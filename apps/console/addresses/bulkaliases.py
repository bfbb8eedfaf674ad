"""What is done to many aliases at once, and how it is taken back: each by its door."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apps.directory.models import Alias, State
from apps.directory.permissions import Powers
from apps.provisioning.administration import aliases as doors
from apps.provisioning.administration.sight import find_alias
from apps.provisioning.aliaslists import pattern_of
from apps.wire.errors import AlreadyExists, InUse, MailError


@dataclass
class Done:
    """What came of it.

    Args:
        before: how each was that was changed, for `undoing`.
        refused: why the last one that stayed as it was did; "" if none did.
    """

    before: list[dict[str, Any]] = field(default_factory=list)
    refused: str = ""
    left: int = 0

    def refuse(self, error: MailError) -> None:
        """One stayed as it was."""
        self.left += 1
        self.refused = f"{error.reply.text}."


def remove(powers: Powers, ids: Iterable[int]) -> Done:
    """Remove aliases; what was removed meanwhile is passed over."""
    done = Done()
    for alias_id in ids:
        try:
            alias = find_alias(powers, alias_id)
            kept = _kept(alias)
            doors.remove(powers=powers, alias_id=alias_id)
        except MailError as error:
            done.refuse(error)
        else:
            done.before.append(kept)
    return done


def set_state(powers: Powers, ids: Iterable[int], state: State) -> Done:
    """Suspend aliases, or let them work again; those that are so already are passed over."""
    done = Done()
    for alias_id in ids:
        try:
            before = find_alias(powers, alias_id).state
            doors.set_state(powers=powers, alias_id=alias_id, state=state)
        except MailError as error:
            done.refuse(error)
        else:
            if before != state:
                done.before.append({"id": alias_id, "state": before, "is": state.value})
    return done


def undo_remove(powers: Powers, before: Any) -> str:
    """Add them again with the targets that they had."""
    done = Done()
    for kept in before:
        try:
            alias = doors.add(powers=powers, pattern=kept["pattern"], targets=kept["targets"])
            if kept["state"] != State.ACTIVE:
                doors.set_state(powers=powers, alias_id=alias.pk, state=State(kept["state"]))
        except MailError as error:
            done.refuse(error)
        else:
            done.before.append(kept)
    _all_refused(done)
    return said(len(done.before), "is back", "are back") + rest(done)


def undo_state(powers: Powers, before: Any) -> str:
    """Give them the states that they had, where nobody has changed them since."""
    done = Done()
    for kept in before:
        try:
            _demand_same(find_alias(powers, kept["id"]), kept)
            doors.set_state(powers=powers, alias_id=kept["id"], state=State(kept["state"]))
        except MailError as error:
            done.refuse(error)
        else:
            done.before.append(kept)
    _all_refused(done)
    return said(len(done.before), "is as before", "are as before") + rest(done)


def said(count: int, one: str, many: str) -> str:
    """`1 alias is …`, `3 aliases are …`."""
    return f"1 alias {one}." if count == 1 else f"{count} aliases {many}."


def rest(done: Done) -> str:
    """Of those that stayed as they were; "" if none did."""
    return f" {done.left} not: {done.refused}" if done.left else ""


def _all_refused(done: Done) -> None:
    if done.left and not done.before:
        raise AlreadyExists("nothing undone", text=done.refused.removesuffix("."))


def _demand_same(alias: Alias, kept: dict[str, Any]) -> None:
    if alias.state != kept["is"]:
        raise InUse("changed", text="Somebody has changed that since; it stays")


def _kept(alias: Alias) -> dict[str, Any]:
    targets = alias.targets.order_by("pk").values_list("address", flat=True)
    return {"pattern": str(pattern_of(alias)), "targets": list(targets), "state": alias.state}
