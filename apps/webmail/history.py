"""What happened to a message of the reader's own, in the reader's words: how it came or went, what
became of each recipient, and what was done with it in the mailbox."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from apps.delivery.recorder import journey as journeys
from apps.delivery.recorder import mailbox
from apps.delivery.recorder.journey import Journey
from apps.delivery.recorder.mailbox import Act, Box, Deed, Life
from apps.delivery.recorder.programs import is_phone
from apps.delivery.recorder.reading import addresses, data_of, text, word
from apps.delivery.recorder.sight import Viewer
from apps.mailstore.models import SpecialUse
from apps.trace import queries as traces
from apps.trace.queries import Recorded
from apps.ui.clients import browser_words
from apps.webmail.folders import called

LINES_MOST: Final = 100
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. `about` says more, "" if there is no more to say."""

    at: datetime
    icon: str
    look: str
    title: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """All of it, by time.

    Args:
        more: how many lines are left out.
        is_known: the way of the message is recorded; else only what was done in the mailbox.
        is_sender: the reader sent it.
    """

    lines: tuple[Line, ...]
    more: int
    is_known: bool
    is_sender: bool


def history(user_id: int, trace_id: UUID) -> History:
    """What may be told to a user of one message."""
    journey = journeys.tell(trace_id, Viewer(user_id=user_id))
    if journey is None or not journey.life.boxes:
        life = mailbox.life(trace_id, [], frozenset({user_id}))
    else:
        life = journey.life
    found = list(_of_acts(life, journey, user_id))
    if journey is not None:
        found += _of_events(journey)
    found.sort(key=lambda one: one.at)
    return History(
        tuple(found[:LINES_MOST]),
        max(0, len(found) - LINES_MOST),
        is_known=journey is not None,
        is_sender=journey is not None and journey.sight.is_sender,
    )


def _at(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC)


def _of_events(journey: Journey) -> Iterator[Line]:
    for one in journey.events:
        data = data_of(one)
        if one.kind.endswith(traces.REFUSED):
            yield _line(one, "ban", "bad", _("A try to hand it in was refused"), _reply(data))
        elif one.kind.endswith(traces.RECEIVED) and "queue_id" in data:
            yield _begun(one, data, is_sender=journey.sight.is_sender)
        elif one.kind in _EVENTS:
            yield _EVENTS[one.kind](one, data, journey)


def _line(one: Recorded, icon: str, look: str, title: str, about: str = "") -> Line:
    return Line(_at(one.at_us), icon, look, title, about)


def _begun(one: Recorded, data: Any, *, is_sender: bool) -> Line:
    if is_sender:
        to = addresses(data.get("to"))
        named = ", ".join(to[:_NAMED])
        if len(to) > _NAMED:
            more = _("%(names)s and %(count)d more")
            named = more % {"names": named, "count": len(to) - _NAMED}
        return _line(one, "send", "info", _("Sent"), _("To {names}").replace("{names}", named))
    way = _("encrypted on the way") if word(data, "tls") else ""
    host = word(data, "helo") or word(data, "address")
    title = _("Received from {server}").replace("{server}", host) if host else _("Received")
    return _line(one, "download", "ok", title, way)


def _reply(data: Any) -> str:
    return word(data, "reply", 400)


def _to(data: Any) -> str:
    return word(data, "to")


def _filed(one: Recorded, data: Any, journey: Journey) -> Line:
    box = journey.life.boxes.get(data.get("mailbox", 0)) if data.get("uid") else None
    if box is None:
        title = _("Delivered to {address}").replace("{address}", _to(data))
        return _line(one, "inbox", "ok", title)
    look = "warn" if box.use == SpecialUse.JUNK else "ok"
    return _line(one, "inbox", look, _("Filed in {folder}").replace("{folder}", _name(box)))


def _handed(one: Recorded, data: Any, journey: Journey) -> Line:
    title = _("Accepted by {server}").replace("{server}", _host(data))
    return _line(one, "circle-check", "ok", title, _to(data))


def _waits(one: Recorded, data: Any, journey: Journey) -> Line:
    title = _("Not taken yet by {server}: it is tried again").replace("{server}", _host(data))
    return _line(one, "clock-alert", "warn", title, _said(data))


def _failed(one: Recorded, data: Any, journey: Journey) -> Line:
    title = _("Not delivered to {address}").replace("{address}", _to(data))
    return _line(one, "circle-x", "bad", title, _reply(data))


def _host(data: Any) -> str:
    return word(data, "host") or _("the other server")


def _said(data: Any) -> str:
    return ": ".join(filter(None, [_to(data), _reply(data)]))


_Say = Callable[[Recorded, Any, Journey], Line]


def _plainly(icon: str, look: str, words: Callable[[], str]) -> _Say:
    def say(one: Recorded, data: Any, journey: Journey) -> Line:
        return _line(one, icon, look, words())

    return say


_EVENTS: Final[dict[str, _Say]] = {
    "local.delivered": _filed,
    "outbound.delivered": _handed,
    "outbound.deferred": _waits,
    "outbound.failed": _failed,
    "quarantine.kept": _plainly("shield-x", "warn", lambda: _("Kept in quarantine")),
    "quarantine.released": _plainly("mail-check", "ok", lambda: _("Released from quarantine")),
    "quarantine.deleted": _plainly("trash-2", "", lambda: _("Deleted from quarantine")),
    "queue.held": _plainly("pause", "warn", lambda: _("Held: an administrator must look at it")),
    "queue.released": _plainly("send", "info", lambda: _("Released by an administrator")),
    "queue.deleted": _plainly("trash-2", "bad", lambda: _("Deleted by an administrator")),
    "queue.cancelled": _plainly("circle-x", "", lambda: _("Cancelled before it was sent")),
    "queue.rescheduled": _plainly("calendar-clock", "", lambda: _("Given another time")),
    "bounce.sent": _plainly("mail-warning", "warn", lambda: _("The sender was told about it")),
    "bounce.received": _plainly("mail-warning", "warn", lambda: _("A report came back")),
    "vacation.sent": _plainly("palmtree", "info", lambda: _("Your absence reply was sent")),
}


def _of_acts(life: Life, journey: Journey | None, user_id: int) -> Iterator[Line]:
    for act in life.acts:
        icon, words = _ACTS[act.deed]
        title = words()
        if act.deed in (Deed.MOVED, Deed.COPIED):
            target = act.target
            title = title.replace("{folder}", _name(target) if target else _("another folder"))
        title = title.replace("{label}", text(act.label, 80))
        about = [_program(act), act.address, _who(act, journey, user_id)]
        look = "bad" if act.deed in (Deed.DELETED, Deed.FOLDER_DELETED) else "info"
        yield Line(_at(act.at_us), icon, look, title, " · ".join(filter(None, about)))


def _who(act: Act, journey: Journey | None, user_id: int) -> str:
    """Who did it, if it was somebody else."""
    if act.actor in (None, user_id):
        return ""
    person = journey.people.get(act.actor) if journey is not None and act.actor else None
    return person.address if person and person.address else _("somebody else")


def _name(box: Box) -> str:
    return text(called(box.name, box.use), 80)


_ACTS: Final[dict[Deed, tuple[str, Callable[[], str]]]] = {
    Deed.READ: ("eye", lambda: _("Marked as read")),
    Deed.UNREAD: ("mail", lambda: _("Marked as unread")),
    Deed.ANSWERED: ("reply", lambda: _("Answered")),
    Deed.FORWARDED: ("forward", lambda: _("Forwarded")),
    Deed.FLAGGED: ("star", lambda: _("Starred")),
    Deed.UNFLAGGED: ("star", lambda: _("Star taken off")),
    Deed.LABELLED: ("tag", lambda: _("Labelled {label}")),
    Deed.UNLABELLED: ("tag", lambda: _("Label {label} taken off")),
    Deed.MARKED_DELETED: ("trash-2", lambda: _("Marked as deleted")),
    Deed.UNMARKED: ("history", lambda: _("No longer marked as deleted")),
    Deed.JUNK: ("ban", lambda: _("Marked as junk")),
    Deed.NOT_JUNK: ("thumbs-up", lambda: _("Marked as no junk")),
    Deed.MOVED: ("folder-input", lambda: _("Moved to {folder}")),
    Deed.COPIED: ("copy", lambda: _("Copied to {folder}")),
    Deed.DELETED: ("trash-2", lambda: _("Deleted for good")),
    Deed.RESTORED: ("history", lambda: _("Brought back")),
    Deed.FOLDER_DELETED: ("trash-2", lambda: _("Deleted with its folder")),
    Deed.FOLDER_RESTORED: ("history", lambda: _("Brought back with its folder")),
}


def _program(act: Act) -> str:
    """By which program, in the reader's language; a program's own name is left as it is."""
    if act.door == "web":
        browser = browser_words(act.client)
        return f"{_('Webmail')} ({browser})" if browser else _("Webmail")
    if act.door in ("imap", "pop3"):
        name = text(act.client, 40)
        sort = _("A phone's mail app") if is_phone(act.client) else _("A mail program")
        return f"{sort} ({name})" if name else sort
    if act.door in ("command", "console"):
        return _("An administrator")
    return _("The link in a letter") if act.door == "link" else _("The mail server")
