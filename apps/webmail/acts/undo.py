"""Takes an act back, by what a token remembers of it: see docs/decisions/0051-undo.md.

The token is signed, so nobody else makes one; it is bound to the person (and to the administrator
who looks as them), and soon over. To use it twice does no harm: a UID is never given again (RFC
3501 section 2.3.1.1), a flag goes back only where nobody has touched it since, and what was brought
back is not brought back again. Rights are asked for again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.core import signing
from django.utils.translation import gettext as _

from apps.mailstore import touched
from apps.mailstore.models import FLAG_SEEN, SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.reach import Place, Reach
from apps.mailstore.services import copy, flags, undelete
from apps.mailstore.services.flags import FlagChange
from apps.scan.scopes import Scope
from apps.scan.services import lists
from apps.scan.services.lists import Added
from apps.webmail.acts.steps import (
    Expunged,
    Listed,
    Marked,
    Moved,
    Remembered,
    Retimed,
    Step,
    pack,
    unpack,
)
from apps.webmail.refs import write
from apps.webmail.services import snooze
from apps.wire.errors import MailError, Refused

MAX_AGE: Final = 600  # seconds
LONGEST: Final = 48 * 1024
"""Characters of a token. UIDs that follow each other cost next to nothing; a hundred thousand of
which every other was unread do not fit, and are honestly not undone."""
TOLD: Final = 1_000
_SALT: Final = "webmail.undo"


@dataclass(slots=True)
class Undone:
    """What became of it.

    Args:
        back: messages that are as they were.
        lost: those that could not be brought back.
        renamed: for messages that are back under another UID, old name to new; at most `TOLD`.
        reason: why some are lost, if that is known.
        said: of which senders something else is said now, and whether it is what was said before.
    """

    back: int = 0
    lost: int = 0
    renamed: dict[str, str] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    reason: str = ""
    said: list[tuple[Added, bool]] = field(default_factory=list)


def token(steps: Sequence[Remembered], *, user_id: int, by: int) -> str | None:
    """What to give back to undo these steps; None if nothing was done, or too much.

    Args:
        by: who acts, the user or an administrator.
    """
    if not steps:
        return None
    made = signing.dumps([user_id, by, pack(steps)], salt=_SALT, compress=True)
    return made if len(made) <= LONGEST else None


def read(text: str, *, user_id: int, by: int) -> list[Remembered]:
    """The steps that a token remembers.

    Raises:
        Refused: it is no token of ours, another's, or too old.
    """
    try:
        if len(text) > LONGEST:
            raise signing.BadSignature
        held: Any = signing.loads(text, salt=_SALT, max_age=MAX_AGE)
    except signing.SignatureExpired:
        raise Refused("old token", text=_("It is too late to undo this")) from None
    except signing.BadSignature:
        raise Refused("bad token", text=_("This cannot be undone")) from None
    whose, actor, packed = held
    if (whose, actor) != (user_id, by):
        raise Refused("token of another", text=_("This cannot be undone"))
    return unpack(packed)


def perform(user_id: int, steps: Sequence[Remembered], origin: Origin) -> Undone:
    """Take the steps back, the last one first. What cannot be brought back is counted."""
    reach = Reach(user_id)
    undone = Undone()
    for step in reversed(steps):
        if isinstance(step, Listed):
            is_back = lists.take_back(step.added, Scope(user_id=user_id))
            undone.said.append((step.added, is_back))
            continue
        size = len(step.new) if isinstance(step, Moved) else len(step.uids)
        try:
            back = _undo(step, reach, origin, undone)
        except MailError as error:
            undone.reason = undone.reason or error.reply.text
            back = 0
        undone.back += back
        undone.lost += size - back
    return undone


def _undo(step: Step, reach: Reach, origin: Origin, undone: Undone) -> int:
    """How many messages are as they were."""
    if isinstance(step, Moved):
        return _move_back(step, reach, origin, undone)
    place = reach.place(step.mailbox)
    undone.touched.add(place.id)
    if isinstance(step, Retimed):
        times = dict(zip(step.uids, step.before, strict=True))
        snooze.retime(user_id=reach.user_id, mailbox_id=place.id, times=times)
        return len(times)
    if isinstance(step, Marked):
        return _mark_back(step, place, origin)
    return _bring_back(step, place, reach.user_id, origin, undone)


def _move_back(step: Moved, reach: Reach, origin: Origin, undone: Undone) -> int:
    there, home = reach.place(step.target), reach.place(step.source)
    if not (there.may("te") and home.may("i")):
        raise Refused(f"no right to move from {there.id} to {home.id}", text=_("Not permitted"))
    moved = copy.move(
        mailbox_id=there.id, uids=step.new, target_id=home.id, origin=origin, kept=home.kept
    )
    undone.touched |= {there.id, home.id}
    before = dict(zip(step.new, step.old, strict=True))
    pairs = [(before[new], again) for new, again in moved.uids]
    if home.special_use == SpecialUse.SNOOZED:
        snooze.follow(mailbox_id=home.id, uids=pairs)
    _rename(undone, home, pairs)
    return len(moved.uids)


def _mark_back(step: Marked, place: Place, origin: Origin) -> int:
    if not place.may("s" if step.flags == FLAG_SEEN else "w"):
        raise Refused(f"no right to mark in {place.id}", text=_("Not permitted"))
    others = touched.since(place.id, step.modseq, flags=step.flags, keywords=step.keywords)
    if others is None:
        return 0
    change = FlagChange("remove" if step.adds else "add", step.flags, step.keywords)
    result = flags.store(
        mailbox_id=place.id,
        uids=[uid for uid in step.uids if uid not in others],
        change=change,
        origin=origin,
        unchanged_since=step.modseq,
    )
    mine = frozenset(result.modseqs)
    return sum(row.modseq in mine for row in result.rows)


def _bring_back(step: Expunged, place: Place, user_id: int, origin: Origin, undone: Undone) -> int:
    restored = undelete.messages(
        mailbox_id=place.id, uids=step.uids, origin=origin, acts_as=user_id
    )
    _rename(undone, place, restored.uids)
    return len(restored.uids)


def _rename(undone: Undone, place: Place, pairs: list[tuple[int, int]]) -> None:
    for old, new in pairs[: TOLD - len(undone.renamed)]:
        undone.renamed[write(place.id, old)] = write(place.id, new)
