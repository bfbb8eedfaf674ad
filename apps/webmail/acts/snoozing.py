"""The verbs `snooze` and `wake`: mail goes out of sight until a time, or comes back before it."""

from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext as _

from apps.mailstore.models import SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.reach import Place, Reach
from apps.mailstore.services import copy
from apps.runtime.clock import now
from apps.webmail.acts.doings import Doing, moved
from apps.webmail.acts.steps import Retimed, Step
from apps.webmail.services import snooze
from apps.wire.errors import InUse, NotFound, NotPermitted, Refused

DAYS_MOST: Final = 3_660
_NEVER: Final = (SpecialUse.DRAFTS, SpecialUse.SCHEDULED, SpecialUse.JUNK, SpecialUse.TRASH)


def snoozing(place: Place, reach: Reach, origin: Origin, until: int) -> Doing:
    """Out of sight until then, or, in Snoozed itself, until another time.

    Args:
        until: Unix seconds.

    Raises:
        Refused: it is over, or too far off.
        NotPermitted: the mailbox is somebody else's.
        InUse: what lies there does not come back.
        LimitReached: the person has too many mailboxes for one more.
    """
    _require_time(until)
    if place.owner:
        words = _("Only messages in folders of your own can be snoozed")
        raise NotPermitted(f"snooze in {place.id}", text=words)
    if reach.is_within(place, _NEVER):
        words = _("Messages in “%(name)s” cannot be snoozed")
        raise InUse(f"snooze in {place.id}", text=words % {"name": place.title})
    if place.special_use == SpecialUse.SNOOZED:
        return Doing(lambda uids: _retime(place, reach, uids, until), False, target=place)
    target = _target(reach)

    def perform(uids: Sequence[int]) -> Sequence[Step]:
        copied = snooze.snooze(
            user_id=reach.user_id,
            mailbox_id=place.id,
            uids=uids,
            target_id=target.id,
            until=until,
            origin=origin,
        )
        return moved(place, target, copied)

    return Doing(perform, True, True, target)


def waking(place: Place, reach: Reach, origin: Origin) -> Doing | None:
    """Back to where they came from, as they are; None where nothing is snoozed. Their rows stay, so
    that to undo this has their times."""
    if place.owner or place.special_use != SpecialUse.SNOOZED:
        return None
    inbox = reach.role(reach.user_id, SpecialUse.INBOX)
    if inbox is None:
        raise NotFound(f"inbox of {reach.user_id}")

    def perform(uids: Sequence[int]) -> Sequence[Step]:
        homes = snooze.homes(mailbox_id=place.id, uids=uids)
        groups: dict[int, list[int]] = {}
        for uid in uids:
            groups.setdefault(homes.get(uid, inbox.id), []).append(uid)
        steps: list[Step] = []
        for home, some in groups.items():
            target = reach.place(home)
            copied = copy.move(
                mailbox_id=place.id, uids=some, target_id=home, origin=origin, kept=target.kept
            )
            steps += moved(place, target, copied)
        return steps

    return Doing(perform, True)


def _require_time(until: int) -> None:
    at = now()
    if not until:
        raise Refused("no time", text=_("Choose a time first"))
    if until <= at:
        raise Refused("past", text=_("This time is over: choose one that is to come"))
    if until > at + DAYS_MOST * 86_400:
        raise Refused("far", text=_("That is too far off: choose a time within ten years"))


def _target(reach: Reach) -> Place:
    made = snooze.place(user_id=reach.user_id)
    try:
        return reach.place(made)
    except NotFound:  # just made
        return Reach(reach.user_id).place(made)


def _retime(place: Place, reach: Reach, uids: Sequence[int], until: int) -> Sequence[Step]:
    before = snooze.retime(
        user_id=reach.user_id, mailbox_id=place.id, times=dict.fromkeys(uids, until)
    )
    return (Retimed(place.id, list(before), list(before.values())),) if before else ()
