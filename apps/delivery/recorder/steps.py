"""A journey in steps for people who run mail: what happened, when, in which words, with what can be
unfolded. Pure; every text is one clean line, and a fold has clean lines."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from apps.delivery import story
from apps.delivery.recorder import acts
from apps.delivery.recorder.journey import Journey
from apps.delivery.recorder.mailbox import LEAVING, Act, Deed
from apps.delivery.recorder.reading import addresses, data_of, part, text, whole, word
from apps.trace import queries as traces
from apps.trace.queries import Recorded
from apps.wire.spoken import LINES_MOST, lines_of

STEPS_MOST: Final = 300
NAMED: Final = 3  # recipients that a sentence names
LISTED: Final = 100  # that a fold lists
_LINE_MOST: Final = 400  # characters
_TOGETHER_US: Final = 5_000_000  # what happens within is one step


@dataclass(frozen=True, slots=True)
class Fold:
    """What can be unfolded below a step."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened.

    Args:
        at_us: Unix microseconds; `after_us` since the message's beginning.
        look: ok, warn, bad, info, or "".
        badges: looks with words.
    """

    at_us: int
    after_us: int
    icon: str
    look: str
    title: str
    text: str = ""
    badges: tuple[tuple[str, str], ...] = ()
    folds: tuple[Fold, ...] = ()


def steps(journey: Journey) -> tuple[list[Step], int]:
    """The steps by time, and how many more there are than are told."""
    began = journey.folded.at_us
    found = [*_of_events(journey), *(_of_act(one, journey) for one in journey.life.acts)]
    found = sorted(found, key=lambda one: one.at_us)
    more = max(0, len(found) - STEPS_MOST)
    return [replace(one, after_us=max(0, one.at_us - began)) for one in found[:STEPS_MOST]], more


def after(step: Step) -> str:
    """How long after the beginning, in words."""
    return span(step.after_us)


def span(us: int) -> str:
    """A length of time in words: "1.9 s", "4 min", "3 h", "12 days"."""
    seconds = us / 1_000_000
    if seconds < 60:
        return f"{seconds:.1f} s" if us >= 100_000 else f"{us // 1_000} ms"
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or unit == "min":
            return f"{seconds / size:.0f} {unit}"
    return ""


def _of_events(journey: Journey) -> Iterator[Step]:
    group: list[Recorded] = []
    for one in journey.events:
        if group and not _is_alike(group, one):
            yield _step(group, journey)
            group = []
        group.append(one)
    if group:
        yield _step(group, journey)


def _is_alike(group: Sequence[Recorded], one: Recorded) -> bool:
    """Whether several recipients had the same thing happen to them at once."""
    return (
        one.kind == group[0].kind
        and one.kind in _TOGETHER
        and one.at_us - group[0].at_us <= _TOGETHER_US
        and word(data_of(one), "host") == word(data_of(group[0]), "host")
    )


def _step(group: Sequence[Recorded], journey: Journey) -> Step:
    one = group[0]
    if _begins(one):
        sort = _refused if one.kind.endswith(traces.REFUSED) else _received
        return sort(one, data_of(one))
    if one.kind in _TOGETHER:
        return _TOGETHER[one.kind](group, journey)
    return _plain(one)


def _begins(one: Recorded) -> bool:
    data = data_of(one)
    return one.kind.endswith(traces.REFUSED) or (
        one.kind.endswith(traces.RECEIVED) and "queue_id" in data
    )


def _made(one: Recorded, icon: str, look: str, title: str, said: str = "", **more: Any) -> Step:
    return Step(one.at_us, 0, icon, look, text(title), text(said), **more)


_DOORS: Final = {
    "mx": "by SMTP",
    "submission": "from a mail program",
    "lmtp": "by LMTP",
    "webmail": "from the webmail",
    "api": "by the API",
}


def _received(one: Recorded, data: Any) -> Step:
    door = one.kind.partition(".")[0]
    way = _DOORS.get(door, "by mailhost itself")
    origin = word(data, "helo") or word(data, "address")
    parts = [
        " ".join(filter(None, [f"From {origin}" if origin else "", _bracket(data)])),
        f"{whole(data.get('size')):,} bytes" if whole(data.get("size")) else "",
        f"signed in as {word(data, 'account')}" if word(data, "account") else "",
        f"queue id {word(data, 'queue_id')}",
    ]
    badges = [("info", _tls(data))] if word(data, "tls") else []
    to = addresses(data.get("to"))
    folds = [*_dialogue(data)]
    if len(to) > NAMED:
        folds.append(_listed(f"All {len(to)} recipients", to))
    return _made(
        one,
        "download",
        "ok",
        f"Received {way}",
        "; ".join(filter(None, parts)) + ".",
        badges=tuple(badges),
        folds=tuple(folds),
    )


def _bracket(data: Any) -> str:
    address = word(data, "address", 60)
    return f"[{address}]" if address and word(data, "helo") else ""


def _tls(data: Any) -> str:
    return word(data, "tls").partition(" ")[0].replace("TLSv", "TLS ")


_STAGES: Final = {"mail": "at MAIL", "rcpt": "at RCPT", "data": "at the end of its text"}


def _refused(one: Recorded, data: Any) -> Step:
    to = addresses(data.get("to"))
    reply = word(data, "reply", _LINE_MOST)
    is_put_off = reply.startswith("4")
    about = f" for {_named(to)}" if to else ""
    title = f"{'Put off' if is_put_off else 'Refused'} {_STAGES.get(word(data, 'stage'), '')}"
    why = word(data, "why") or "no reason is known"
    said = f"{why[:1].upper()}{why[1:]}{about}. The answer was: {reply or 'nothing'}"
    return _made(
        one,
        "clock-alert" if is_put_off else "ban",
        "warn" if is_put_off else "bad",
        title.strip(),
        said,
        badges=((("neutral", text(reply, 9).strip()),) if reply else ()),
        folds=tuple(_dialogue(data)),
    )


def _dialogue(data: Any) -> Iterator[Fold]:
    shown = [
        f"{line.at_ms:>6} ms {line.kind} {text(line.words, _LINE_MOST)}"
        for line in lines_of(data.get("dialogue"))
    ]
    if not shown:
        return
    left_out = whole(data.get("left_out"))
    if left_out:
        shown.append(f"({left_out} lines left out)")
    yield Fold("SMTP transcript", tuple(shown))


def _transcript(data: Any) -> Iterator[Fold]:
    found = data.get("transcript")
    if not isinstance(found, str) or not found:
        return
    lines = [text(line, _LINE_MOST) for line in found[:20_000].split("\n")[:LINES_MOST]]
    yield Fold("Transcript", tuple(lines))


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {more} more" if more > 0 else shown


def _listed(title: str, lines: Sequence[str]) -> Fold:
    more = len(lines) - LISTED
    return Fold(
        title,
        (*(text(one) for one in lines[:LISTED]), *((f"and {more} more",) if more > 0 else ())),
    )


def _tos(group: Sequence[Recorded]) -> list[str]:
    return [word(data_of(one), "to") or "?" for one in group]


def _delivered(group: Sequence[Recorded], journey: Journey) -> Step:
    one, data = group[0], data_of(group[0])
    lines = [_place(one, journey) for one in group]
    junk = word(data, "junk")
    if len(group) == 1:
        title = f"Filed for {word(data, 'to') or '?'}"
        said = f"{_where(data, journey)} {f'Into Junk: {junk}.' if junk else ''}"
        return _made(one, "inbox", "warn" if junk else "ok", title, said)
    title = f"Delivered to {len(group)} mailboxes"
    folds = (_listed("Where each copy went", lines),) if len(lines) > NAMED else ()
    return _made(one, "inbox", "ok", title, "; ".join(lines[:NAMED]) + ".", folds=folds)


def _where(data: Any, journey: Journey) -> str:
    uid = whole(data.get("uid"))
    if not uid:
        return "In the mailbox."
    box = journey.life.boxes.get(whole(data.get("mailbox")))
    return f"{acts.folder(box) if box else 'Mailbox'}, UID {uid}."


def _place(one: Recorded, journey: Journey) -> str:
    data = data_of(one)
    return f"{word(data, 'to') or '?'}: {_where(data, journey).rstrip('.')}"


def _handed(group: Sequence[Recorded], journey: Journey) -> Step:
    data = data_of(group[0])
    tls = _tls(data)
    host = word(data, "host") or "another server"
    badge = (("ok", tls),) if tls else (("warn", "not encrypted"),)
    reply = word(data, "reply", _LINE_MOST)
    said = f"For {_named(_tos(group))}. The answer: {reply or 'nothing'}"
    return _made(
        *(group[0], "send", "ok", f"Accepted by {host}", said),
        badges=badge,
        folds=(*_transcript(data), *_all(group)),
    )


def _waits(group: Sequence[Recorded], journey: Journey) -> Step:
    data = data_of(group[0])
    again = whole(data.get("next_at"))
    host = word(data, "host")
    said = f"For {_named(_tos(group))}. {word(data, 'reply', _LINE_MOST) or 'Nothing was said'}"
    next_try = f" To be tried again at {story.moment(again)[:16]} UTC." if again else ""
    title = f"Not taken yet by {host}" if host else "Not delivered yet"
    return _made(
        *(group[0], "clock-alert", "warn", title, f"{said}.{next_try}"),
        badges=_code(data),
        folds=(*_transcript(data), *_all(group)),
    )


def _failed(group: Sequence[Recorded], journey: Journey) -> Step:
    data = data_of(group[0])
    host = word(data, "host")
    title = f"Refused by {host}" if host else "Failed for good"
    said = f"For {_named(_tos(group))}. {word(data, 'reply', _LINE_MOST) or 'Nothing was said'}"
    return _made(
        *(group[0], "circle-x", "bad", title, said),
        badges=_code(data),
        folds=(*_transcript(data), *_all(group)),
    )


def _code(data: Any) -> tuple[tuple[str, str], ...]:
    status = word(data, "status", 12)
    return (("neutral", status),) if status else ()


def _all(group: Sequence[Recorded]) -> Iterator[Fold]:
    if len(group) > NAMED:
        yield _listed(f"All {len(group)} recipients", _tos(group))


def _held_back(group: Sequence[Recorded], journey: Journey) -> Step:
    data = data_of(group[0])
    why = word(data, "why") or "no reason is known"
    rule = f" ({word(data, 'rule')})" if word(data, "rule") else ""
    said = f"For {_named(_tos(group))}{rule}: {why}."
    return _made(group[0], "shield-x", "warn", "Kept in quarantine", said, folds=tuple(_all(group)))


_Together = Callable[[Sequence[Recorded], Journey], Step]
_TOGETHER: Final[dict[str, _Together]] = {
    "local.delivered": _delivered,
    "outbound.delivered": _handed,
    "outbound.deferred": _waits,
    "outbound.failed": _failed,
    "quarantine.kept": _held_back,
}

_LOOKS: Final = {
    "reception.judged": ("shield-check", "info", "Sender checked"),
    "scan.judged": ("gauge", "info", "Filtered for spam"),
    "quarantine.released": ("mail-check", "ok", "Released from quarantine"),
    "quarantine.deleted": ("trash-2", "bad", "Deleted from quarantine"),
    "quarantine.restored": ("history", "warn", "Put back into quarantine"),
    "quarantine.expired": ("trash-2", "bad", "Gone from quarantine"),
    "queue.waiting": ("clock", "info", "Waits to leave"),
    "queue.held": ("pause", "warn", "Held"),
    "queue.put_off": ("clock-alert", "warn", "Cannot be judged now"),
    "queue.hastened": ("refresh-cw", "info", "Tried again now"),
    "queue.retried": ("refresh-cw", "info", "Put back to work"),
    "queue.released": ("send", "info", "Released"),
    "queue.rescheduled": ("calendar-clock", "info", "Given another time"),
    "queue.deleted": ("trash-2", "bad", "Deleted by an administrator"),
    "queue.cancelled": ("circle-x", "", "Cancelled before it was sent"),
    "submission.limited": ("gauge", "bad", "Over a limit"),
    "mx.withdrawn": ("log-out", "", "Given back to its client"),
    "bounce.sent": ("mail-warning", "warn", "Its sender was told"),
    "bounce.dropped": ("bell-off", "", "Nobody is told"),
    "bounce.received": ("mail-warning", "warn", "A report came back"),
    "vacation.sent": ("palmtree", "info", "Answered: away"),
    "vacation.silent": ("bell-off", "", "Away, and silent"),
    "bounce.read": ("file-text", "info", "Read as a report on a message"),
    "report.read": ("file-text", "info", "Read as a report"),
    "report.unread": ("file-text", "", "Not kept as a report"),
}


def _plain(one: Recorded) -> Step:
    """An event that is told in the story's own sentences."""
    icon, look, title = _LOOKS.get(one.kind, ("info", "", one.kind))
    lines = [text(line) for line in story.sentences(one)]
    said = lines[0] if lines else ""
    folds = (Fold("All that was found", tuple(lines)),) if len(lines) > 1 else ()
    return _made(one, icon, look, title, said, badges=tuple(_checked(one)), folds=folds)


_RESULTS: Final = {"pass": "ok", "fail": "bad", "softfail": "warn"}


def _checked(one: Recorded) -> Iterator[tuple[str, str]]:
    """How SPF, DKIM and DMARC came out, for a beginning."""
    if one.kind != "reception.judged":
        return
    found = part(data_of(one).get("authentication"))
    signatures = found.get("dkim")
    signed = [part(some) for some in signatures] if isinstance(signatures, list) else []
    results = {
        "SPF": word(part(found.get("spf")), "result", 20),
        "DKIM": min((word(some, "result", 20) for some in signed), key=_by_worth, default=""),
        "DMARC": word(part(found.get("dmarc")), "result", 20),
    }
    for name, result in results.items():
        if result and result != "none":
            yield _RESULTS.get(result, "neutral"), f"{name} {result}"


def _by_worth(result: str) -> bool:
    """One signature that holds is enough."""
    return result != "pass"


_ACTS: Final = {
    Deed.READ: "eye",
    Deed.UNREAD: "mail",
    Deed.ANSWERED: "reply",
    Deed.FORWARDED: "forward",
    Deed.FLAGGED: "star",
    Deed.UNFLAGGED: "star",
    Deed.LABELLED: "tag",
    Deed.UNLABELLED: "tag",
    Deed.MOVED: "folder-input",
    Deed.COPIED: "copy",
    Deed.DELETED: "trash-2",
    Deed.FOLDER_DELETED: "trash-2",
    Deed.MARKED_DELETED: "trash-2",
    Deed.RESTORED: "history",
    Deed.FOLDER_RESTORED: "history",
    Deed.JUNK: "ban",
    Deed.NOT_JUNK: "thumbs-up",
}


def _of_act(act: Act, journey: Journey) -> Step:
    owner = journey.people.get(act.box.user_id)
    actor = journey.people.get(act.actor) if act.actor is not None else None
    if act.actor is None:
        who = ""
    elif act.actor == act.box.user_id:
        who = owner.address if owner else ""
    else:
        who = actor.address if actor and actor.address else "somebody else"
    origin = f" from {text(act.address, 45)}" if act.address else ""
    is_own = act.actor is None or act.actor == act.box.user_id
    whose = f" of {owner.address}" if owner and owner.address and not is_own else ""
    said = (
        f"By {f'{who}, with ' if who else ''}{acts.by(act)}{origin}."
        f" {acts.folder(act.box)}{whose}, UID {act.uid}."
    )
    look = "bad" if act.deed in LEAVING and act.deed is not Deed.MOVED else "info"
    return Step(act.at_us, 0, _ACTS.get(act.deed, "info"), look, text(acts.deed(act)), text(said))
