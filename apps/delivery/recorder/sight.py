"""What a viewer may see of what is recorded of a message. Pure.

A trace tells of everybody who had to do with a message: of recipients who must not know of each
other (Bcc), of other tenants, of what people do in their mailboxes. So what is shown is allowed
field by field, for each kind of event; what is not named here is shown to operators alone.

- An operator sees everything.
- The sender, and who administers the sender's domain, see every recipient as the sender wrote it,
  and what became of it; nothing of what happens in the mailboxes of others, and no member of
  somebody else's group.
- A recipient, and who administers the recipient's domain, see their own recipients alone, and
  nothing of the connection by which a user of ours handed the message in.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from apps.delivery.recorder.doors import OF_USERS
from apps.delivery.recorder.reading import addresses, data_of, pairs, word
from apps.mime.address import Address, AddressError, take_apart
from apps.trace import queries as traces
from apps.trace.models import Role
from apps.trace.queries import Recorded
from apps.wire.spoken import lines_of, text_of

HIDDEN: Final = "\u2026"

_CLIENT: Final = (
    *("address", "helo", "connection", "connected_at", "tls", "sni", "early_talker", "left_out"),
)
_MESSAGE: Final = ("size", "subject", "message_id", "queue_id")
_REFUSAL: Final = ("stage", "cause", "why", "reply")
_TRY: Final = ("host", "address", "reply", "status", "tls", "next_at")
# No word with an at sign is longer: what is, is cut before. A local part may be in quotes, and a
# domain in brackets (RFC 5321 section 4.1.2).
_ADDRESS: Final = re.compile(
    r"(?:\"(?:[^\"\\]|\\.){1,320}\"|[^\s<>()\[\],;:\"@]{1,320})"
    r"@(?:\[[^\]\s]{1,100}\]|[^\s<>()\[\],;:\"'@]{1,320})"
)
_TEXT_MOST: Final = 20_000
_DEPTH: Final = 6


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks.

    Args:
        sees_all: an operator.
        domains: ids of the domains in which an administrator may look.
        user_id: a user who looks at their own mail.
    """

    sees_all: bool = False
    domains: frozenset[int] = frozenset()
    user_id: int | None = None

    def has(self, user_id: int | None, domain_id: int | None) -> bool:
        """Whether somebody is theirs."""
        if self.sees_all:
            return True
        if self.user_id is not None:
            return user_id == self.user_id
        return domain_id is not None and domain_id in self.domains


class Taking(Protocol):
    """An address that took part, as the index keeps it (`trace.models.Party`)."""

    @property
    def role(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def user_id(self) -> int | None: ...
    @property
    def domain_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Sight:
    """What of one message somebody may see. Addresses are keys (`key_of`).

    Args:
        mine: recipients whose mail it is.
        named: addresses that may be shown: of the sender, of `mine`, and as they were written.
        written: final recipient -> the address that stood for it, for those that are not as the
            sender wrote them.
        others: final recipient -> what it is called where it may not be named.
    """

    is_whole: bool
    is_sender: bool = False
    is_from_us: bool = False
    mine: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    written: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    is_alone: bool = False

    def may_name(self, address: str) -> bool:
        """Whether an address may be shown."""
        return self.is_whole or key_of(address) in self.named

    def masked(self, text: str, *, hide: str = "") -> str:
        """A text without the addresses that may not be named.

        Args:
            hide: an address of which not even the local part may stand in it.
        """
        if self.is_whole:
            return text
        text = text[:_TEXT_MOST]
        local = take_apart(hide)[0]
        if len(local) > 1 and not self.may_name(hide):
            text = re.sub(re.escape(local), HIDDEN, text, flags=re.IGNORECASE)
        return _ADDRESS.sub(self._one, text)

    def _one(self, found: re.Match[str]) -> str:
        bare = found[0].strip(".")
        may = self.may_name(bare) or self.may_name(bare.strip("'"))
        return found[0] if may else HIDDEN


def key_of(address: str) -> str:
    """As addresses are compared; what is none, in small letters."""
    try:
        return Address.parse(address).key
    except AddressError:
        return address.casefold()


def sight_of(viewer: Viewer, parties: Sequence[Taking], events: Sequence[Recorded]) -> Sight | None:
    """What somebody may see of a message; None: for them it does not exist.

    Args:
        parties: the sender's owner is who had signed in, whatever name was written.
    """
    if viewer.sees_all:
        return Sight(is_whole=True, is_sender=True)
    mine = frozenset(one.address for one in parties if _is_recipient(one) and _is_of(viewer, one))
    is_sender = _is_sender(viewer, parties, events)
    if not mine and not is_sender:
        return None
    finals = _finals(events)
    ways = {key_of(final): key_of(written) for final, written in finals.items()}
    begun = [data_of(one) for one in events if _begins(one)]
    by_hand = {key_of(one) for data in begun for one in addresses(data.get("to"))}
    senders = {key_of(word(data, "from")) for data in begun} - {""}
    accounts = {key_of(word(data, "account")) for data in begun} - {""}
    theirs = by_hand | accounts if is_sender else set()
    named = {*mine, *senders, *_own_ways(mine, ways, parties), *theirs}
    seen_as = frozenset(mine | (by_hand if is_sender else set()))
    return Sight(
        is_whole=False,
        is_sender=is_sender,
        is_from_us=any(_door(one) in OF_USERS for one in events),
        mine=mine,
        named=frozenset(named),
        written=ways,
        others=_others(finals, mine, seen_as),
        is_alone=all(one.address in named for one in parties if _is_recipient(one)),
    )


def seen(events: Iterable[Recorded], sight: Sight) -> list[Recorded]:
    """What of these events may be seen, in their order, with what of each may be."""
    if sight.is_whole:
        return list(events)
    found = []
    for one in events:
        # A report of ours begins a story of its own by the word that tells of one that came back.
        show = _begin if _begins(one) else _SHOWN.get(one.kind)
        told = show(one, sight) if show is not None else None
        if told is not None:
            found.append(told)
    return found


def _is_of(viewer: Viewer, one: Taking) -> bool:
    return viewer.has(one.user_id, one.domain_id)


def _is_recipient(one: Taking) -> bool:
    return one.role in (Role.WRITTEN, Role.FINAL)


def _is_sender(viewer: Viewer, parties: Sequence[Taking], events: Sequence[Recorded]) -> bool:
    """Whether it was sent by somebody of theirs. At other doors than those for our own users a
    sender's name is what a stranger writes, whoever bears it."""
    return any(_door(one) in OF_USERS for one in events) and any(
        one.role == Role.SENDER and _is_of(viewer, one) for one in parties
    )


def _begins(one: Recorded) -> bool:
    """Whether it tells how a message came, or that it was not taken."""
    if one.kind.endswith(traces.RECEIVED):
        return "queue_id" in data_of(one)
    return one.kind.endswith(traces.REFUSED) or one.kind == "submission.limited"


def _door(one: Recorded) -> str:
    return one.kind.partition(".")[0] if _begins(one) else ""


def _finals(events: Iterable[Recorded]) -> dict[str, str]:
    """Final recipient -> the address that stood for it, as both are spelt."""
    found: dict[str, str] = {}
    for one in events:
        data = data_of(one)
        if _begins(one):
            found |= pairs(data.get("members"))
        elif (to := word(data, "to")) and (original := word(data, "original")):
            found.setdefault(to, original)
    return found


def _own_ways(
    mine: Collection[str], ways: Mapping[str, str], parties: Sequence[Taking]
) -> set[str]:
    """Addresses that led to `mine`, of the domain in which it led there: those of others, who have
    their mail sent on to somebody here, are theirs to know."""
    homes = {one.address: one.domain_id for one in parties}
    return {
        way
        for final, way in ways.items()
        if final in mine and homes.get(way) is not None and homes.get(way) == homes.get(final)
    }


def _others(
    finals: Mapping[str, str], mine: Collection[str], seen_as: Collection[str]
) -> dict[str, str]:
    """What final recipients are called that may not be named, but whose written address may."""
    groups: dict[str, list[str]] = {}
    for final, written in finals.items():
        if key_of(final) not in mine and key_of(written) in seen_as:
            groups.setdefault(written, []).append(key_of(final))
    return {
        final: written if len(group) == 1 else f"{written} ({place} of {len(group)})"
        for written, group in groups.items()
        for place, final in enumerate(group, 1)
    }


@dataclass(frozen=True, slots=True)
class _Whom:
    """The recipient that an event tells of. `is_inner`: it is the viewer's."""

    shown: str
    final: str
    original: str
    is_inner: bool


def _whom(data: Mapping[str, Any], sight: Sight) -> _Whom | None:
    to, original = word(data, "to"), word(data, "original")
    key = key_of(to)
    if key in sight.mine:
        return _Whom(to, to, original if sight.may_name(original) else "", is_inner=True)
    if key in sight.others:
        return _Whom(sight.others[key], to, "", is_inner=False)
    # Nothing stood for it: it is as the sender wrote it.
    if to and sight.is_sender and key not in sight.written and sight.may_name(to):
        return _Whom(to, to, "", is_inner=False)
    return None


_Show = Callable[[Recorded, Sight], Recorded | None]


def _made(one: Recorded, data: Mapping[str, Any]) -> Recorded:
    return Recorded(one.at_us, one.kind, dict(data))


def _some(
    data: Mapping[str, Any], names: Iterable[str], sight: Sight, hide: str = ""
) -> dict[str, Any]:
    """The named fields, without addresses that may not be."""
    return {name: _deep(data[name], sight, hide) for name in names if name in data}


def _deep(value: Any, sight: Sight, hide: str, depth: int = 0) -> Any:
    if isinstance(value, str):
        return sight.masked(value, hide=hide)
    if isinstance(value, list) and depth < _DEPTH:
        return [_deep(one, sight, hide, depth + 1) for one in value]
    if isinstance(value, dict) and depth < _DEPTH:
        return {
            sight.masked(str(key), hide=hide): _deep(one, sight, hide, depth + 1)
            for key, one in value.items()
        }
    return value if isinstance(value, int | float | None) else None


def _begin(one: Recorded, sight: Sight) -> Recorded | None:
    """What came in, or was refused: with the recipients in sight, and the client's side for whom
    it is not somebody's home."""
    data = data_of(one)
    to = [address for address in addresses(data.get("to")) if sight.may_name(address)]
    members = {}
    for final, written in pairs(data.get("members")).items():
        key = key_of(final)
        if key in sight.mine:
            if sight.may_name(written):
                members[final] = written
            else:
                to.append(final)
        elif sight.others.get(key, written) != written:
            members[sight.others[key]] = written
    if addresses(data.get("to")) and not to:
        return None
    told: dict[str, Any] = {"from": word(data, "from"), "to": list(dict.fromkeys(to))}
    told |= _some(data, (*_MESSAGE, *_REFUSAL), sight)
    if members:
        told["members"] = members
    if sight.is_sender:
        told |= _some(data, ("account", "agent", "until", "hold_until", "away"), sight)
    if sight.is_sender or not sight.is_from_us:
        told |= _some(data, _CLIENT, sight)
        told |= _dialogue(data, sight)
    if one.kind.partition(".")[0] not in OF_USERS and "trace" in data:
        told |= _some(data, ("trace",), sight)
    return _made(one, told)


def _dialogue(data: Mapping[str, Any], sight: Sight) -> dict[str, Any]:
    """The lines, but for those that are about somebody out of sight."""
    lines = lines_of(data.get("dialogue"))
    shown = [line for line in lines if line.about is None or sight.may_name(line.about)]
    masked = (line._replace(words=sight.masked(line.words)) for line in shown)
    return {"dialogue": text_of(masked)} if lines else {}


def _judged(one: Recorded, sight: Sight) -> Recorded | None:
    """What was found out about the sender; what follows from it, for the own domains."""
    if not sight.mine:
        return None
    data = data_of(one)
    told = _some(
        data,
        ("authentication", "doubts", "listed", "allowed", "trusted", "patience", "names"),
        sight,
    )
    domains = {take_apart(address)[1] for address in sight.mine}
    junk = data.get("junk")
    if isinstance(junk, dict):
        told["junk"] = {
            str(name): sight.masked(str(why)) for name, why in junk.items() if name in domains
        }
    return _made(one, told)


def _scanned(one: Recorded, sight: Sight) -> Recorded | None:
    """What the strictest reader wants is for those who know all readers."""
    if not sight.mine or not sight.is_alone:
        return None
    return _made(one, _some(data_of(one), ("points", "action", "why", "harmful"), sight))


def _delivered(one: Recorded, sight: Sight) -> Recorded | None:
    return _of_recipient(one, sight, inner=("mailbox", "uid", "junk"))


def _kept(one: Recorded, sight: Sight) -> Recorded | None:
    """To the sender it is held; by which rule, and what its reader does with it, is not told."""
    data = data_of(one)
    whom = _whom(data, sight)
    if whom is None or whom.is_inner:
        return _of_recipient(one, sight, inner=("reason", "rule", "why"))
    return Recorded(one.at_us, "queue.held", {"to": whom.shown})


def _inner_only(*names: str) -> _Show:
    """What its reader, or an administrator of the reader, did with it."""

    def show(one: Recorded, sight: Sight) -> Recorded | None:
        whom = _whom(data_of(one), sight)
        return _of_recipient(one, sight, inner=names) if whom and whom.is_inner else None

    return show


def _of_recipient(
    one: Recorded, sight: Sight, *, inner: Sequence[str] = (), both: Sequence[str] = ()
) -> Recorded | None:
    data = data_of(one)
    whom = _whom(data, sight)
    if whom is None:
        return None
    told = {"to": whom.shown, **({"original": whom.original} if whom.original else {})}
    hide = "" if whom.is_inner or whom.final == whom.shown else whom.final
    names = (*both, *inner) if whom.is_inner else both
    return _made(one, {**_some(data, names, sight, hide), **told})


def _tried(one: Recorded, sight: Sight) -> Recorded | None:
    transcript = ("transcript",) if sight.is_sender else ()
    return _of_recipient(one, sight, both=(*_TRY, *transcript))


def _of_queue(one: Recorded, sight: Sight) -> Recorded | None:
    """Of all recipients, or of one if it names it; why, only who has a hand in it."""
    data = data_of(one)
    names = ("why", "until") if sight.is_sender or not sight.is_from_us else ()
    if "to" in data:
        return _of_recipient(one, sight, both=names)
    return _made(one, _some(data, names, sight))


def _report(*names: str) -> _Show:
    """What the sender is told of, or is not."""

    def show(one: Recorded, sight: Sight) -> Recorded | None:
        data = data_of(one)
        about = [name for name in addresses(data.get("about")) if sight.may_name(name)]
        if not about:
            return None
        mine = names if sight.is_sender else ("action", "why")
        return _made(one, {**_some(data, mine, sight), "about": about})

    return show


def _returned(one: Recorded, sight: Sight) -> Recorded | None:
    """A report that came back to the sender."""
    if not sight.is_sender:
        return None
    return _of_recipient(one, sight, both=("action", "status", "host", "reply", "trace"))


def _away(*names: str) -> _Show:
    """An absence reply, of the recipient named in `for`."""

    def show(one: Recorded, sight: Sight) -> Recorded | None:
        data = data_of(one)
        if key_of(word(data, "for")) not in sight.mine:
            return None
        return _made(one, _some(data, ("for", *names), sight))

    return show


_SHOWN: Final[Mapping[str, _Show]] = {
    "reception.judged": _judged,
    "scan.judged": _scanned,
    "mx.withdrawn": lambda one, sight: _made(one, _some(data_of(one), ("why",), sight)),
    "local.delivered": _delivered,
    "quarantine.kept": _kept,
    "quarantine.released": _inner_only("by"),
    "quarantine.deleted": _inner_only("by"),
    "quarantine.restored": _inner_only("by"),
    "quarantine.expired": _inner_only("days"),
    "outbound.delivered": _tried,
    "outbound.deferred": _tried,
    "outbound.failed": _tried,
    "queue.waiting": _of_queue,
    "queue.held": _of_queue,
    "queue.put_off": _of_queue,
    "queue.hastened": _of_queue,
    "queue.retried": _of_queue,
    "queue.released": _of_queue,
    "queue.rescheduled": _of_queue,
    "queue.deleted": _of_queue,
    "queue.cancelled": _of_queue,
    "bounce.sent": _report("to", "action", "trace"),
    "bounce.dropped": _report("why"),
    "bounce.received": _returned,
    "vacation.sent": _away("to", "trace"),
    "vacation.silent": _away("why"),
}
