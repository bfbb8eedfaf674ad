"""What the pages say of a letter that has not left yet: when it leaves, and what can be done."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from django.utils import timezone

from apps.mailstore.models import SpecialUse
from apps.runtime.clock import now_us
from apps.webmail.folders import Folder
from apps.webmail.models import Draft, DraftState
from apps.webmail.rows import Row, moment
from apps.webmail.writing import later
from apps.webmail.writing.later import Choice

_SECOND_US: Final = 1_000_000
_FORM: Final = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class Leaves:
    """Of one message.

    Args:
        draft_id: None: it lies in Scheduled, and nobody sends it (any more).
        is_scheduled: a time was chosen; else it is held back for a moment, for undo.
        when: in words; `value` as a field of a form has it, `earliest` and `latest` its bounds.
        times: that are offered.
    """

    draft_id: UUID | None = None
    is_scheduled: bool = True
    when: str = ""
    value: str = ""
    earliest: str = ""
    latest: str = ""
    times: tuple[Choice, ...] = ()


def of_message(user_id: int, folder: Folder, uid: int) -> Leaves | None:
    """None for a message that has left, or never was to; one query for those in Scheduled and
    Sent."""
    if folder.owner or folder.special_use not in {SpecialUse.SCHEDULED, SpecialUse.SENT}:
        return None
    found = Draft.objects.filter(
        user_id=user_id, mailbox_id=folder.id, uid=uid, hold_until__gt=now_us()
    )
    draft = found.filter(state__in=[DraftState.SENT, DraftState.SCHEDULED]).first()
    if folder.special_use == SpecialUse.SENT:
        return None if draft is None else Leaves(draft.id, is_scheduled=False)
    if draft is None:
        return Leaves() if not _waits(user_id, folder, uid) else None
    now, at = timezone.localtime(), timezone.localtime(moment(draft.hold_until // _SECOND_US))
    return Leaves(
        draft_id=draft.id,
        when=later.hint(at),
        value=at.strftime(_FORM),
        earliest=later.earliest(now),
        latest=later.latest(now),
        times=tuple(later.choices(now)),
    )


def _waits(user_id: int, folder: Folder, uid: int) -> bool:
    """Whether its time has come, and it is not in Sent yet."""
    return Draft.objects.filter(
        user_id=user_id, mailbox_id=folder.id, uid=uid, state=DraftState.SCHEDULED
    ).exists()


def told(mailbox_id: int, rows: Sequence[Row]) -> list[Row]:
    """Rows of Scheduled, each with when it leaves; one query."""
    known = Draft.objects.filter(
        mailbox_id=mailbox_id, uid__in=[row.uid for row in rows], state=DraftState.SCHEDULED
    )
    times = dict(known.values_list("uid", "hold_until"))
    return [replace(row, later=_words(times.get(row.uid, 0))) for row in rows]


def _words(at_us: int) -> str:
    return later.hint(timezone.localtime(moment(at_us // _SECOND_US))) if at_us else ""
