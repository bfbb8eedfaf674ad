"""One sentence: what became of a message and why, for people who look at a list. Pure.

It begins with the outcome and names who said what: the mailbox, the other server, the domain whose
wish it was, the rule. Strangers chose many of its words: it has no line ends, nothing that drives a
terminal or turns a line round, and never more than `MOST` characters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from apps.delivery.causes import cause_of
from apps.delivery.recorder.fates import Fate, is_full, status_of
from apps.delivery.recorder.reading import (
    MOMENT_MOST,
    Data,
    address,
    part,
    points,
    text,
    whole,
    word,
)
from apps.mime.dsn import shown_address
from apps.trace.models import Outcome

MOST: Final = 300
_WHOM_MOST: Final = 90  # characters of them for what is said of the other recipients
_SAID_MOST: Final = 160  # of what another server said

# From what needs most looking at to what needs none: of several recipients the first is told.
URGENCY: Final = {
    outcome: place
    for place, outcome in enumerate(
        (
            Outcome.HELD,
            Outcome.BOUNCED,
            Outcome.DEFERRED,
            Outcome.QUARANTINED,
            Outcome.REFUSED,
            Outcome.PUT_OFF,
            Outcome.WAITING,
            Outcome.JUNK,
            Outcome.DELETED,
            Outcome.CANCELLED,
            Outcome.DELIVERED,
        )
    )
}


@dataclass(frozen=True, slots=True)
class Ground:
    """What was found out about the message as a whole.

    Args:
        door: by which it came.
        client: the address that brought it.
        judgement: of its sender, as `reception.judged` tells it.
        verdict: of the filter, as `scan.judged` does.
    """

    door: str = ""
    client: str = ""
    judgement: Data = field(default_factory=dict)
    verdict: Data = field(default_factory=dict)


def worst_of(fates: Sequence[Fate]) -> Fate | None:
    """The recipient who needs most looking at, the first of several; None if there is none."""
    return min(fates, key=lambda one: URGENCY[one.outcome], default=None)


def one_line(fates: Sequence[Fate], ground: Ground) -> str:
    """What became of a message and why."""
    worst = worst_of(fates)
    if worst is None:
        return "It names no recipient"
    told = sentence(worst, ground)
    whom = _whom(worst, fates) if len(fates) > 1 else ""
    return text(f"{_short(told, MOST - len(whom))}{whom}", MOST)


def sentence(fate: Fate, ground: Ground) -> str:
    """The same of one recipient."""
    return _SENTENCES[fate.outcome](fate, ground)


def _whom(worst: Fate, fates: Sequence[Fate]) -> str:
    """Of whom the sentence speaks, and what of the others."""
    alike = sum(1 for one in fates if one.outcome is worst.outcome)
    if alike == len(fates):
        return f" ({alike} recipients)"
    who = _short(shown_address(worst.written or worst.address), 40)
    more = f" and {alike - 1} more" if alike > 1 else ""
    have = sum(1 for one in fates if one.outcome in _HAVE_IT)
    return f" (for {who}{more}; delivered to {have} of {len(fates)})"[:_WHOM_MOST]


_HAVE_IT: Final = frozenset((Outcome.DELIVERED, Outcome.JUNK))


# what the door or the filter did not take


def _refused(fate: Fate, ground: Ground) -> str:
    return f"Refused: {_why_refused(fate.data, ground)}"


def _put_off(fate: Fate, ground: Ground) -> str:
    if fate.kind == "mx.withdrawn":
        return f"Put off: {_why(fate.data, 'its client went away before the answer')}"
    if fate.kind == "submission.limited":
        return f"Put off: {_limit(fate.data)}"
    why = _why_refused(fate.data, ground)
    is_ours = word(fate.data, "cause", 20) in _OURS or status_of(fate.data) in _OUR_STATUSES
    return f"Refused for now: {why}" if is_ours else f"Put off: {why}"


def _limit(data: Data) -> str:
    """`You may send 50 messages per hour; …` is said to the sender; here others read it."""
    words = word(data, "why") or _answer(data)
    account = shown_address(address(data.get("account")) or address(data.get("from")))
    if words[:4].casefold() == "you ":
        words = f"{account or 'its sender'} {words[4:]}"
    return f"a sending limit is reached: {words}" if words else "a sending limit is reached"


# Trouble of this server, which is no decision about the message.
_OURS: Final = frozenset({"storage", "space", "busy"})
_OUR_STATUSES: Final = frozenset({"4.3.0", "4.3.1", "4.3.2"})


def _why_refused(data: Data, ground: Ground) -> str:
    cause = word(data, "cause", 20)
    if is_full(data):
        return "mailbox full"
    if cause in _CAUSES:
        return _CAUSES[cause](data, ground)
    if (status := status_of(data)) in _STATUSES:
        return _STATUSES[status]
    known = _lower(cause_of(status).why) if status else ""
    return word(data, "why") or _answer(data) or known or "no reason is known"


def _dmarc(data: Data, ground: Ground) -> str:
    """Who asks for it. Where SPF shows why, that is what its sender has to mend."""
    found = part(ground.judgement.get("authentication"))
    spf, dmarc = part(found.get("spf")), part(found.get("dmarc"))
    author = word(dmarc, "author", 255)
    owner = word(dmarc, "domain", 255) or author
    if not owner:
        return word(data, "why") or "nobody stands behind it (DMARC)"
    domain = word(spf, "domain", 255)
    if word(spf, "result", 12) == "fail" and domain and _is_of(domain, owner):
        return (
            f"SPF: {domain} does not let {ground.client or 'its client'} send, and {owner} asks to"
            " refuse such mail"
        )
    return f"{owner} asks to reject what fails DMARC"


def _is_of(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")


def _greylisted(data: Data, ground: Ground) -> str:
    return f"greylisted, {_lower(_why(data, 'its server has to come again'))}"


def _loop(data: Data, ground: Ground) -> str:
    if word(data, "stage", 10) == "rcpt":
        return "loop: its address leads round in a circle"
    return f"loop: {_lower(_why(data, 'it went in circles'))}"


def _rights(data: Data, ground: Ground) -> str:
    account = shown_address(address(data.get("account"))) or "its account"
    sender = shown_address(address(data.get("from"))) or "its sender"
    return f"{account} may not send as {sender}"


_Say = Callable[[Data, Ground], str]


def _plainly(words: str) -> _Say:
    return lambda data, ground: words


_CAUSES: Final[dict[str, _Say]] = {
    "busy": _plainly("the server was too busy"),
    "dmarc": _dmarc,
    "greylist": _greylisted,
    "limit": lambda data, ground: _limit(data),
    "loop": _loop,
    "newline": _plainly("its lines end in a way that serves to smuggle mail"),
    "nul": _plainly("it has NUL characters, which no mail may have"),
    "pretends": lambda data, ground: f"it pretended to be us: {_why(data, 'by its name')}",
    "recipients": _plainly("it has too many recipients"),
    "relay": _plainly("the recipient is not ours, and nobody had signed in"),
    "rights": _rights,
    "signin": _plainly("nobody had signed in"),
    "size": _plainly("it is too big"),
    "space": _plainly("the disk was full"),
    "spam": lambda data, ground: f"taken for spam: {_why(data, 'no reason is known')}",
    "storage": _plainly("the database was away"),
    "suspended": _plainly("the mailbox is suspended"),
    "tls": _plainly("it came without TLS"),
    "unknown": _plainly("there is no such user"),
}
_STATUSES: Final = {
    "4.3.0": "the database was away",
    "4.3.1": "the disk was full",
    "4.3.2": "the server was too busy",
    "5.1.1": "there is no such user",
    "4.2.2": "mailbox full",
    "5.2.2": "mailbox full",
    "5.4.6": "loop: it went in circles",
    "5.3.4": "it is too big",
}


# what was taken, and is here


def _delivered(fate: Fate, ground: Ground) -> str:
    if fate.is_away:
        way = word(fate.data, "tls", 40)
        over = f" over {way.partition(' ')[0]}" if way else ", without TLS"
        return f"Delivered: {_host(fate.data)} accepted it{'' if _is_report(fate) else over}"
    return f"{_released(fate, 'delivered to Inbox') or 'Delivered to Inbox'}"


def _is_report(fate: Fate) -> bool:
    return fate.kind == "bounce.received"


def _junk(fate: Fate, ground: Ground) -> str:
    return _released(fate, "in Junk") or f"In Junk: {_why_junk(fate.data, ground)}"


def _why_junk(data: Data, ground: Ground) -> str:
    """A list, the door, or points: `by` says what decided."""
    why, by = word(data, "junk"), word(data, "by", 20)
    if by in _DECIDED and why:
        return why
    forged = _forged(ground)
    if by == "door" or (forged and "neither SPF nor DKIM" in why):
        return forged or why
    found = points(data.get("points"))
    found = points(ground.verdict.get("points")) if found is None else found
    most = why.split("; ", 1)[0]
    if found is None or not most:
        return forged or why or "it looks like spam"
    return f"{found:g} points, most for: {most}"


_DECIDED: Final = frozenset({"list", "rule"})


def _forged(ground: Ground) -> str:
    """That the door found nobody behind the author's name; "" if it did not."""
    dmarc = part(part(ground.judgement.get("authentication")).get("dmarc"))
    if word(dmarc, "disposition", 12) not in ("quarantine", "reject"):
        return ""
    author = word(dmarc, "author", 255)
    return f"sender forged: nothing proves that it is from {author or 'its author'}"


def _quarantined(fate: Fate, ground: Ground) -> str:
    if fate.kind == "quarantine.restored":
        return f"In quarantine: put back by {_who(word(fate.data, 'by', 100))}"
    why = word(fate.data, "why") or "no reason is known"
    label = "virus " if word(fate.data, "reason", 20) == "virus" and "virus" not in why else ""
    return f"In quarantine: {label}{why}"


def _released(fate: Fate, then: str) -> str:
    """What came after its release; "" if it was not kept."""
    return f"Released from quarantine by {_who(fate.released)}, {then}" if fate.released else ""


def _who(by: str) -> str:
    return shown_address(_WHO.get(by, by)) or "somebody"


def _hand(data: Data) -> str:
    """Who had a hand in it, "" if it was the service itself."""
    by = shown_address(word(data, "by", 100))
    return "" if by == _SERVICE else by


_SERVICE: Final = "mailhost"  # as `apps.audit.acting` names it
_WHO: Final = {
    "command": "an administrator",
    "console": "an administrator",
    "link": "the link in a digest",
}


def _deleted(fate: Fate, ground: Ground) -> str:
    if fate.kind == "quarantine.expired":
        days = whole(fate.data.get("days"))
        return f"Deleted from quarantine: it was there for {days} days"
    if fate.kind == "quarantine.deleted":
        return f"Deleted from quarantine by {_who(word(fate.data, 'by', 100))}"
    return f"Deleted from the queue by {_hand(fate.data) or 'an administrator'}"


def _cancelled(fate: Fate, ground: Ground) -> str:
    if "administrator" not in word(fate.data, "why"):
        return "Cancelled by its sender"
    return f"Cancelled by {_hand(fate.data) or 'an administrator'}"


# what is under way, or came back


def _held(fate: Fate, ground: Ground) -> str:
    by = f" by {_hand(fate.data)}" if _hand(fate.data) else ""
    return f"Held{by}: {_why(fate.data, 'an administrator has to look')}"


def _waiting(fate: Fate, ground: Ground) -> str:
    until = _time(fate, "until")
    if fate.released and not until:
        return _released(fate, "on its way")
    if until:
        return f"Waits: to be sent {until}"
    if fate.kind == "queue.waiting":
        return f"Waits: {_why(fate.data, 'to be sent')}"
    return (
        "Waits: to be processed" if fate.kind.endswith(".received") else "Waits: to be tried again"
    )


def _deferred(fate: Fate, ground: Ground) -> str:
    if fate.kind == "queue.put_off":
        return f"Waits: it cannot be judged now, {_why(fate.data, 'and is tried again')}"
    again = _time(fate, "next_at")
    then = f"; next try {again}" if again else ""
    if status_of(fate.data) in _UNSAFE:
        return f"Not sent yet: {_unsafe(fate.data)}{then}"
    return f"Waits: {_said(fate.data)}{then}"


def _bounced(fate: Fate, ground: Ground) -> str:
    if _is_report(fate):
        return f"Bounced: a report came back, {_said(fate.data)}"
    if by := _hand(fate.data):
        return f"Bounced by {by}: {_said(fate.data)}"
    if status_of(fate.data) in _UNSAFE:
        return f"Not sent: {_unsafe(fate.data)}"
    return f"Bounced: {_said(fate.data)}"


# No way was safe enough: RFC 8461, RFC 7672, RFC 8689.
_UNSAFE: Final = frozenset(
    {"4.7.4", "5.7.4", "4.7.5", "5.7.5", "4.7.10", "5.7.10", "4.7.30", "5.7.30"}
)


def _unsafe(data: Data) -> str:
    to = f" to {_host(data)}" if word(data, "host", 255) else ""
    heard = _answer(data)
    if to and heard.startswith(f"{_host(data)} "):
        heard = f"it {heard.removeprefix(_host(data)).lstrip()}"
    return f"no safe TLS{to}" + (f": {_short(heard, _SAID_MOST)}" if heard else "")


def _said(data: Data) -> str:
    """What was answered, and where; our own words stand alone."""
    heard = _short(_answer(data), _SAID_MOST)
    if not word(data, "host", 255):
        return _lower(heard) or _lower(cause_of(status_of(data)).why)
    return f"{_host(data)} said {heard}" if heard else f"{_host(data)} gave no reason"


def _host(data: Data) -> str:
    return word(data, "host", 80) or "another server"


def _answer(data: Data) -> str:
    return word(data, "reply").rstrip(".")


def _why(data: Data, otherwise: str) -> str:
    return word(data, "why").rstrip(".") or otherwise


def _time(fate: Fate, key: str) -> str:
    """A moment of an event; with its date if that is another day. "" if it names none."""
    at_us = whole(fate.data.get(key), MOMENT_MOST)
    if not at_us:
        return ""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    is_today = at_us // _DAY_US == fate.at_us // _DAY_US
    return f"{at:%H:%M} UTC" if is_today else f"{at:%Y-%m-%d %H:%M} UTC"


_DAY_US: Final = 86_400 * 1_000_000


def _lower(words: str) -> str:
    """A sentence inside of another one. Names and abbreviations keep their letters."""
    is_word = len(words) > 1 and words[1].islower()
    return (words[:1].lower() + words[1:] if is_word else words).rstrip(".")


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"


_SENTENCES: Final[dict[Outcome, Callable[[Fate, Ground], str]]] = {
    Outcome.WAITING: _waiting,
    Outcome.DEFERRED: _deferred,
    Outcome.HELD: _held,
    Outcome.QUARANTINED: _quarantined,
    Outcome.DELIVERED: _delivered,
    Outcome.JUNK: _junk,
    Outcome.PUT_OFF: _put_off,
    Outcome.REFUSED: _refused,
    Outcome.BOUNCED: _bounced,
    Outcome.CANCELLED: _cancelled,
    Outcome.DELETED: _deleted,
}
