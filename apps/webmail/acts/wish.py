"""One act on many messages: what is meant, and what became of it.

Everything is checked before anything changes: whether the mailboxes are there, and the rights. Then
it goes mailbox by mailbox and chunk by chunk, each in transactions of its own, so that nobody else
waits for a hundred thousand messages; after a bounded time it stops and says how many are left.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from apps.mailstore import chosen, queries
from apps.mailstore.chosen import Only
from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN
from apps.mailstore.origin import Origin
from apps.mailstore.reach import Place, Reach
from apps.mailstore.services.keywords import mask_of
from apps.webmail import labels
from apps.webmail.acts.doings import Doing
from apps.webmail.acts.steps import Expunged, Marked, Moved, Step
from apps.webmail.acts.verbs import doing
from apps.webmail.refs import Named, write
from apps.webmail.services import labels as labelling
from apps.wire.errors import AlreadyExists, MailError

CHUNK: Final = 2_000
"""Messages of one transaction, at most: some ten milliseconds in which nobody else writes."""
SECONDS: Final = 10.0
"""How long one request works."""
TOLD: Final = 1_000
"""Messages that the answer names, of those that are gone from where they were."""
STARRED: Final = "starred"
LABEL: Final = "label:"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for.

    Args:
        named: the messages, unless `everything` says which place is meant: a mailbox's slug,
            `starred`, or `label:<keyword>`.
        whole: of each message, its conversation within the mailbox.
        target: a mailbox id, for `move`.
        label: a keyword, for `label` and `unlabel`.
        new_label: the name of one that is made first, unless there is one of that name.
        until: Unix seconds, for `snooze`.
    """

    verb: str
    named: Named = field(default_factory=dict)
    everything: str = ""
    only_unread: bool = False
    whole: bool = False
    target: int | None = None
    label: str = ""
    new_label: str = ""
    until: int = 0


@dataclass(slots=True)
class Done:
    """What became of it.

    Args:
        rows: how many the person named, if they named any.
        messages: that changed, or went.
        gone: names of messages that are not where they were; at most `TOLD`.
        left: messages for which there was no time.
        can_undo: whether all of it may be taken back.
        target: where they went, if that is one place.
        reason: why it stopped before the end.
    """

    rows: int = 0
    messages: int = 0
    steps: list[Step] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    left: int = 0
    can_undo: bool = True
    target: Place | None = None
    reason: str = ""

    @property
    def touched(self) -> set[int]:
        """Mailboxes whose counts are others now."""
        return {place for step in self.steps for place in _places(step)}


@dataclass(frozen=True, slots=True)
class _Part:
    """Of a wish what is in one mailbox; `uids` None: all that `only` says."""

    place: Place
    doing: Doing
    only: Only
    uids: Sequence[int] | None


def perform(user_id: int, wish: Wish, origin: Origin) -> Done:
    """Do it.

    Raises:
        NotFound: a mailbox is not within reach, or there is no such verb.
        NotPermitted, InUse: before anything has changed.
        InvalidName, LimitReached: of a label that is to be made.
        QuotaExceeded: the owner of the target has no room for any of it.
    """
    reach = Reach(user_id)
    meant = _meant(reach, wish)
    if wish.new_label:
        for place, _only, _uids in meant:  # nothing is made for an act that is refused
            doing(wish.verb, place, reach, origin, target=None, label="")
    label = _labelled(user_id, wish.new_label) if wish.new_label else wish.label
    ready = partial(
        doing, reach=reach, origin=origin, target=wish.target, label=label, until=wish.until
    )
    parts = [
        _Part(place, do, only, uids)
        for place, only, uids in meant
        if (do := ready(wish.verb, place))
    ]
    done = Done(rows=sum(map(len, wish.named.values())))
    deadline = time.monotonic() + SECONDS
    for part in parts:
        try:
            _do(part, wish, done, deadline)
        except MailError as error:
            if not done.messages:
                raise
            done.reason = error.reply.text
            break
    targets = {part.doing.target for part in parts}
    done.target = targets.pop() if len(targets) == 1 else None
    return done


def _labelled(user_id: int, name: str) -> str:
    """The keyword of the label of this name, which is made if there is none."""
    try:
        return labelling.create(user_id=user_id, name=name).keyword
    except AlreadyExists:
        wanted = labelling.normal(name).casefold()
        found = (one for one in labels.of_user(user_id) if one.name.casefold() == wanted)
        known = next(found, None)
        if known is None:
            raise
        return known.keyword


def places(user_id: int, wish: Wish) -> list[tuple[Place, Sequence[int]]]:
    """The mailboxes that are meant, each with the messages that were named. Raises NotFound."""
    return [(place, uids or ()) for place, _, uids in _meant(Reach(user_id), wish)]


def _meant(reach: Reach, wish: Wish) -> list[tuple[Place, Only, Sequence[int] | None]]:
    if not wish.everything:
        return [(reach.place(key), Only(), uids) for key, uids in wish.named.items()]
    unread = FLAG_SEEN if wish.only_unread else 0
    if wish.everything == STARRED:
        only = Only(unread | FLAG_FLAGGED, FLAG_FLAGGED)
        return [(place, only, None) for place in reach.own]
    if wish.everything.startswith(LABEL):
        word = wish.everything.removeprefix(LABEL)
        masks = ((place, _mask(place, word)) for place in reach.own)
        return [(place, Only(unread, 0, mask), None) for place, mask in masks if mask]
    return [(reach.called(wish.everything), Only(unread), None)]


def _mask(place: Place, word: str) -> int:
    names = queries.keyword_names(place.id)
    return mask_of([word], {name.lower(): 1 << bit for bit, name in enumerate(names) if name})


def _do(part: _Part, wish: Wish, done: Done, deadline: float) -> None:
    done.can_undo = done.can_undo and part.doing.can_undo
    for chunk in _chunks(part):
        if done.messages and time.monotonic() > deadline:
            done.left += _left(part, chunk)
            return
        uids = chosen.conversations(part.place.id, chunk) if wish.whole else chunk
        for step in part.doing.perform(uids):
            _add(done, step)
        if part.doing.leaves and len(done.gone) < TOLD:
            # Those too that somebody else took away before: they are not there, whoever did it.
            done.gone += [write(part.place.id, uid) for uid in uids[: TOLD - len(done.gone)]]


def _chunks(part: _Part) -> Iterator[Sequence[int]]:
    if part.uids is not None:
        yield from (part.uids[at : at + CHUNK] for at in range(0, len(part.uids), CHUNK))
        return
    after, before = 0, part.place.uidnext  # what arrives meanwhile was not meant
    while True:
        uids = chosen.following(part.place.id, part.only, after=after, before=before, limit=CHUNK)
        if not uids:
            return
        yield uids
        after = uids[-1]


def _left(part: _Part, chunk: Sequence[int]) -> int:
    if part.uids is not None:
        return len(part.uids) - part.uids.index(chunk[0])
    return chosen.left(part.place.id, part.only, after=chunk[0] - 1, before=part.place.uidnext)


def _add(done: Done, step: Step) -> None:
    """Keep a step; one that goes on where the last one ended becomes one with it."""
    last = done.steps[-1] if done.steps else None
    if isinstance(step, Moved):
        done.messages += len(step.new)
        if isinstance(last, Moved) and (last.source, last.target) == (step.source, step.target):
            last.old.extend(step.old)
            last.new.extend(step.new)
            return
    else:
        done.messages += len(step.uids)
    if isinstance(step, Expunged) and isinstance(last, Expunged) and last.mailbox == step.mailbox:
        last.uids.extend(step.uids)
    elif isinstance(step, Marked) and isinstance(last, Marked) and last.mailbox == step.mailbox:
        uids = sorted({*last.uids, *step.uids})
        done.steps[-1] = Marked(
            step.mailbox, step.adds, step.flags, step.keywords, uids, step.modseq
        )
    else:
        done.steps.append(step)


def _places(step: Step) -> tuple[int, ...]:
    return (step.source, step.target) if isinstance(step, Moved) else (step.mailbox,)
