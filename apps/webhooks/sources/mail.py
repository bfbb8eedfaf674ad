"""Mail on its way, read off the flight recorder behind its index: what is indexed already has no
gaps, and who took part in it is known.

Each domain is told what its administrators may see in the trace, and in its words: the same event
may be of several domains, and none learns from it of the recipients of another.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from apps.delivery.recorder.reading import addresses, data_of, text, word
from apps.delivery.recorder.sight import Sight, Viewer, key_of, seen, sight_of
from apps.delivery.states import EVENTS_MAX
from apps.runtime.rows import fetch
from apps.runtime.ulid import ulid_text
from apps.trace import passages
from apps.trace import queries as traces
from apps.trace.passages import Took
from apps.trace.queries import Recorded
from apps.webhooks import kinds
from apps.webhooks.happened import Happened, Read
from apps.webhooks.sources.homes import Home, homes

NAME: Final = "mail"
_FEW: Final = 1_000  # events of a message, but for the few that have more
_NEXT: Final = """
SELECT id, trace_id, at, kind, data FROM trace_traceevent
WHERE id > %s AND id <= %s ORDER BY id LIMIT %s"""
_KINDS: Final = {
    "local.delivered": kinds.DELIVERED,
    "outbound.delivered": kinds.DELIVERED,
    "outbound.deferred": kinds.DEFERRED,
    "queue.put_off": kinds.DEFERRED,
    "outbound.failed": kinds.BOUNCED,
    "quarantine.kept": kinds.QUARANTINED,
}
_TOLD: Final = ("mailbox", "host", "status", "reply", "why", "reason")
_TEXT: Final = 500  # characters of a text


def end() -> int:
    """Where whoever begins now begins."""
    return passages.cursor()


def after(place: int, most: int) -> Read:
    """What is indexed and was not read yet; a fixed number of statements."""
    rows = fetch(_NEXT, [place, passages.cursor(), most])
    if not rows:
        return Read([], place, is_all=True)
    new: dict[UUID, list[Recorded]] = {}
    for _, trace, at_us, kind, data in rows:
        for one in _interesting(at_us, kind, data):
            new.setdefault(_uuid(trace), []).append(one)
    found = list(_found(new))
    return Read(sorted(found, key=lambda one: one.at_us), rows[-1][0], len(rows) < most)


def _interesting(at_us: int, kind: str, data: str) -> Iterator[Recorded]:
    """The events of a row that are told."""
    if not (kind.endswith(traces.RECEIVED) or kind in _KINDS or f'"{traces.ALSO}"' in data):
        return
    for one in traces.recorded(at_us, kind, data):
        if one.kind in _KINDS or _begins(one):
            yield one


def _begins(one: Recorded) -> bool:
    return one.kind.endswith(traces.RECEIVED) and "queue_id" in data_of(one)


def _found(new: Mapping[UUID, Sequence[Recorded]]) -> Iterator[Happened]:
    ids = list(new)
    parties = passages.parties_of(ids)
    known = {one.domain_id for some in parties.values() for one in some}
    where = homes({one for one in known if one is not None})
    stories = traces.stories(ids, few=_FEW, most=EVENTS_MAX)
    for trace_id, events in new.items():
        taking = parties.get(trace_id, [])
        for home, own in _by_home(taking, where).items():
            sight = sight_of(Viewer(domains=own), taking, stories.get(trace_id, []))
            if sight is not None:
                letter = _Letter(trace_id, home, sight, stories[trace_id])
                for one in events:
                    yield from letter.told(one)


def _by_home(taking: Sequence[Took], where: Mapping[int, Home]) -> dict[Home, frozenset[int]]:
    """The domains that took part, each with its alias domains among them."""
    found: dict[Home, frozenset[int]] = {}
    for one in taking:
        home = where.get(one.domain_id) if one.domain_id is not None else None
        if home is not None and one.domain_id is not None:
            found[home] = found.get(home, frozenset()) | {one.domain_id, home.domain_id}
    return found


class _Letter:
    """A message as one domain sees it."""

    def __init__(self, trace_id: UUID, home: Home, sight: Sight, story: Sequence[Recorded]) -> None:
        self._home = home
        self._sight = sight
        begun = next((data_of(one) for one in seen(story, sight) if _begins(one)), {})
        self._head = {
            "trace": ulid_text(trace_id),
            "domain": home.name,
            "from": word(begun, "from"),
            # Whoever has the message has this too, though it looks like an address.
            "message_id": next(
                (word(data_of(one), "message_id") for one in story if _begins(one)), ""
            ),
            "subject": word(begun, "subject"),
            "size": begun.get("size", 0),
        }

    def told(self, event: Recorded) -> Iterator[Happened]:
        """What this domain is told of an event."""
        for one in seen([event], self._sight):
            if _begins(one):
                yield from self._begun(one)
            elif one.kind == event.kind:  # what is kept from its reader is "held" to the sender
                yield self._of(_KINDS[one.kind], one, self._one(data_of(one)))

    def _begun(self, one: Recorded) -> Iterator[Happened]:
        named = addresses(data_of(one).get("to"))
        mine = [to for to in named if key_of(to) in self._sight.mine]
        if mine:
            yield self._of(kinds.RECEIVED, one, {"to": mine})
        if self._sight.is_sender:
            yield self._of(kinds.SENT, one, {"to": named})

    def _one(self, data: Mapping[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {"to": addresses(data.get("to"))}
        told |= {name: text(data[name], _TEXT) for name in _TOLD if isinstance(data.get(name), str)}
        if "junk" in data:
            told["junk"] = True
        return told

    def _of(self, kind: str, one: Recorded, more: Mapping[str, Any]) -> Happened:
        home = self._home
        data = {**self._head, **more}
        return Happened(kind, one.at_us, home.organization_id, home.domain_id, data)


def _uuid(value: Any) -> UUID:
    """SQLite gives their hexadecimal digits."""
    return value if isinstance(value, UUID) else UUID(value)
