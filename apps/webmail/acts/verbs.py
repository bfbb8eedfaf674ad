"""The verbs: what each does to messages of one mailbox, and which rights it needs there."""

from collections.abc import Sequence
from typing import Final, Literal

from django.utils.translation import gettext as _

from apps.mailstore import queries
from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN, SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.reach import Place, Reach
from apps.mailstore.services import copy, expunge, flags, keywords
from apps.mailstore.services.flags import FlagChange
from apps.webmail.acts import snoozing
from apps.webmail.acts.doings import Doing, moved, require
from apps.webmail.acts.steps import Expunged, Marked, Step
from apps.wire.errors import InUse, LimitReached, NotFound, NotPermitted

_HOMES: Final = {
    "archive": SpecialUse.ARCHIVE,
    "junk": SpecialUse.JUNK,
    "notjunk": SpecialUse.INBOX,
    "inbox": SpecialUse.INBOX,
    "trash": SpecialUse.TRASH,
}
_FLAGS: Final[dict[str, tuple[Literal["add", "remove"], int, str]]] = {
    "star": ("add", FLAG_FLAGGED, "w"),
    "unstar": ("remove", FLAG_FLAGGED, "w"),
    "read": ("add", FLAG_SEEN, "s"),
    "unread": ("remove", FLAG_SEEN, "s"),
}
_LABELS: Final[dict[str, Literal["add", "remove"]]] = {"label": "add", "unlabel": "remove"}
_FOR_GOOD: Final = frozenset({"delete", "empty"})
VERBS: Final = frozenset({*_HOMES, *_FLAGS, *_LABELS, *_FOR_GOOD, "move", "snooze", "wake"})
REMOVED: Final = (SpecialUse.TRASH, SpecialUse.JUNK)
"""Where messages are deleted for good."""


def doing(
    verb: str,
    place: Place,
    reach: Reach,
    origin: Origin,
    *,
    target: int | None,
    label: str,
    until: int = 0,
) -> Doing | None:
    """Make ready what a verb means in a mailbox; None if it means nothing there.

    Args:
        until: Unix seconds, for `snooze`.

    Raises:
        NotFound: no such verb or target.
        NotPermitted: a right is missing, in words.
        InUse: it is for Trash and Junk alone.
    """
    if verb in _FLAGS:
        mode, bits, right = _FLAGS[verb]
        return _marking(place, FlagChange(mode, bits), right, origin)
    if verb in _LABELS:
        return _marking(place, FlagChange(_LABELS[verb], 0, (label,)), "w", origin)
    if verb in _FOR_GOOD:
        return _deleting(place, reach, origin)
    if verb == "move" and target is not None:
        return _moving(place, reach.place(target), origin)
    if verb == "snooze":
        return snoozing.snoozing(place, reach, origin, until)
    if verb == "wake":
        return snoozing.waking(place, reach, origin)
    if verb in _HOMES:
        if verb == "notjunk" and not reach.is_within(place, [SpecialUse.JUNK]):
            return None
        return _moving(place, _home(verb, place, reach), origin)
    raise NotFound(f"verb {verb[:20]!r}")


def _home(verb: str, place: Place, reach: Reach) -> Place:
    """The owner's Archive, Junk or Trash: mail of others is not taken home."""
    found = reach.role(place.owner_id, _HOMES[verb])
    if found is None and place.owner:
        words = _("%(owner)s has not shared the folder with you to which this would go")
        raise NotPermitted(f"{verb} of {place.id}", text=words % {"owner": place.owner})
    if found is None:
        raise NotFound(verb, text=_("There is no folder for this: make one, then try again"))
    return found


def _moving(place: Place, target: Place, origin: Origin) -> Doing | None:
    if target.id == place.id:
        return None
    require(place, "te", _("You may not take messages out of “%(name)s”"))
    require(target, "i", _("You may not put messages into “%(name)s”"))

    def perform(uids: Sequence[int]) -> Sequence[Step]:
        copied = copy.move(
            mailbox_id=place.id, uids=uids, target_id=target.id, origin=origin, kept=target.kept
        )
        return moved(place, target, copied)

    return Doing(perform, True, target.may("te") and place.may("i"), target)


def _marking(place: Place, change: FlagChange, right: str, origin: Origin) -> Doing:
    require(place, right, _("You may not mark messages in “%(name)s”"))

    def perform(uids: Sequence[int]) -> Sequence[Step]:
        result = flags.store(mailbox_id=place.id, uids=uids, change=change, origin=origin)
        mine = frozenset(result.modseqs)
        changed = [row.uid for row in result.rows if row.modseq in mine]
        if not changed:
            _require_kept(place, change)
            return ()
        adds = change.mode == "add"
        return (Marked(place.id, adds, change.flags, change.keywords, changed, max(mine)),)

    return Doing(perform, False)


def _require_kept(place: Place, change: FlagChange) -> None:
    """Raises LimitReached if nothing changed since the mailbox knows too many keywords already."""
    if change.mode != "add" or not change.keywords:
        return
    known = {name.lower() for name in queries.keyword_names(place.id)}
    if not known.issuperset(word.lower() for word in change.keywords):
        words = _("Messages in one folder can have %(count)d different labels, and have them")
        raise LimitReached(f"keywords of {place.id}", text=words % {"count": keywords.BITS})


def _deleting(place: Place, reach: Reach, origin: Origin) -> Doing:
    require(place, "te", _("You may not delete messages in “%(name)s”"))
    # Mail of others whose Trash is out of reach cannot go there first.
    has_trash = reach.role(place.owner_id, SpecialUse.TRASH) is not None
    if has_trash and not reach.is_within(place, REMOVED):
        words = _("Messages are deleted for good from Trash and Junk alone: move them there first")
        raise InUse(f"delete in {place.id}", text=words)

    def perform(uids: Sequence[int]) -> Sequence[Step]:
        gone = expunge.expunge(mailbox_id=place.id, uids=uids, origin=origin, marked=False)
        return (Expunged(place.id, [uid for uid, modseq in gone]),) if gone else ()

    return Doing(perform, True, place.may("rie"))
