"""What a verb is made ready as, before anything changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apps.mailstore.reach import Place
from apps.mailstore.services.copy import Copied
from apps.webmail.acts.steps import Moved, Step
from apps.wire.errors import NotPermitted

Perform = Callable[[Sequence[int]], Sequence[Step]]


@dataclass(frozen=True, slots=True)
class Doing:
    """What is to be done in one mailbox.

    Args:
        leaves: whether messages are gone from there afterwards.
        can_undo: whether the person may take it back.
        target: where they go.
    """

    perform: Perform
    leaves: bool
    can_undo: bool = True
    target: Place | None = None


def moved(place: Place, target: Place, copied: Copied) -> Sequence[Step]:
    """The step that a move was, or none where nothing was there to be moved."""
    if not copied.uids:
        return ()
    old, new = map(list, zip(*copied.uids, strict=True))
    return (Moved(place.id, target.id, old, new),)


def require(place: Place, rights: str, words: str) -> None:
    """Raises NotPermitted with these words (`%(name)s` is the mailbox)."""
    if not place.may(rights):
        raise NotPermitted(f"{rights} in mailbox {place.id}", text=words % {"name": place.title})
