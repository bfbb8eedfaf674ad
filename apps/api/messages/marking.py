"""How messages are marked by what was sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from apps.api.mailboxes.doors import require
from apps.api.messages.forms import FLAGS
from apps.api.problems import Fault, Wrong
from apps.mailstore.models import FLAG_DELETED, FLAG_SEEN
from apps.mailstore.origin import Origin
from apps.mailstore.queries import keyword_names
from apps.mailstore.reach import Place
from apps.mailstore.services import flags, keywords
from apps.mailstore.services.flags import FlagChange, StoreResult


def bits(asked: Mapping[str, Any], *, value: bool = True) -> int:
    """The flags that are to be so."""
    return sum(bit for name, bit in FLAGS.items() if asked.get(name) is value)


def mark(
    place: Place, uids: Sequence[int], asked: Mapping[str, Any], origin: Origin
) -> StoreResult:
    """Mark messages of a mailbox, all at once; those that are not there are passed over.

    Args:
        asked: of a `MarkForm`.

    Raises:
        NotPermitted: a right is missing.
        Wrong: the mailbox knows too many keywords already.
    """
    added, removed = bits(asked), bits(asked, value=False)
    words = tuple(asked.get("add_keywords", ()))
    unwanted = tuple(asked.get("remove_keywords", ()))
    require(place, _rights(added | removed, has_words=bool(words or unwanted)))
    with transaction.atomic():
        if removed or unwanted:
            _store(place, uids, FlagChange("remove", removed, unwanted), origin)
        result = _store(place, uids, FlagChange("add", added, words), origin)
        if words:
            _demand_kept(place, words)
    return result


def _store(place: Place, uids: Sequence[int], change: FlagChange, origin: Origin) -> StoreResult:
    return flags.store(mailbox_id=place.id, uids=uids, change=change, origin=origin)


def _rights(changed: int, *, has_words: bool) -> str:
    """RFC 4314 section 4."""
    others = changed & ~(FLAG_SEEN | FLAG_DELETED)
    found = "s" if changed & FLAG_SEEN else ""
    found += "w" if others or has_words else ""
    return found + ("t" if changed & FLAG_DELETED else "")


def _demand_kept(place: Place, words: Sequence[str]) -> None:
    known = {name.lower() for name in keyword_names(place.id)}
    if not known.issuperset(word.lower() for word in words):
        text = f"Messages of one mailbox can have {keywords.BITS} keywords, and have them"
        raise Wrong(Fault("/add_keywords", "limit_reached", text))
