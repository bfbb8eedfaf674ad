"""A report that mail was not delivered, in words, with the message that it is about.

Anybody can write a report, and it names what it likes. So the card says what the report says; what
is known of a message that was sent is `sent`, which follows the trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext

from apps.delivery.causes import cause_of
from apps.mailstore import conversations
from apps.mailstore.conversations import Head
from apps.mailstore.services import threads
from apps.mime import dsn_reading
from apps.mime.dsn import Action
from apps.mime.dsn_reading import Reading
from apps.mime.headers import scan

LINES_SHOWN: Final = 50
REPORT_MAX: Final = 1 << 20  # bytes of a report looked at
_ORIGINAL_AMONG: Final = 200  # messages of its conversation

_LOOKS: Final = {
    Action.FAILED: ("bad", "circle-alert"),
    Action.DELAYED: ("warn", "clock-alert"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One recipient: `text` in words, `reply` what the other server said."""

    address: str
    text: str
    advice: str
    reply: str
    host: str
    look: str
    icon: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report; `original` is the message that it is about, None if that is not here."""

    title: str
    look: str
    icon: str
    lines: tuple[Line, ...]
    more: int
    message_key: str


def report(raw: bytes) -> Report | None:
    """What a message reports, None if it is no report. Never raises, whatever the bytes."""
    if not may_report(raw):
        return None
    found = dsn_reading.read(raw[:REPORT_MAX])
    if found is None:
        return None
    lines = _lines(found)
    worst = next((line for line in lines if line.look == "bad"), lines[0])
    return Report(
        title=_title(found),
        look=worst.look,
        icon=worst.icon,
        lines=tuple(lines[:LINES_SHOWN]),
        more=max(0, len(lines) - LINES_SHOWN),
        message_key=found.message_id,
    )


def original(owner_id: int, mailbox_ids: Sequence[int], message_key: str) -> Head | None:
    """The message of these mailboxes that has this Message-ID; two queries.

    Args:
        owner_id: whose mailboxes they are.
    """
    if not message_key:
        return None
    thread = threads.known(owner_id, message_key)
    if thread is None:
        return None
    heads = conversations.of_thread(mailbox_ids, thread, _ORIGINAL_AMONG)
    return next((one for one in heads if one.message_key == message_key), None)


def may_report(raw: bytes) -> bool:
    """Whether it is worth reading: a multipart/report (RFC 6522), or mail by the null path."""
    block = scan(raw)
    kind = (block.first(b"content-type") or b"").lower()
    if kind.startswith(b"multipart/report"):
        return b"feedback-report" not in kind and b"disposition-notification" not in kind
    return (block.first(b"return-path") or b"").strip() == b"<>"


def _lines(found: Reading) -> list[Line]:
    if not found.recipients:
        return [line("", found.action, found.status, found.reply, found.reporter)]
    return [
        line(one.original or one.address, one.action, one.status, one.reply, one.host)
        for one in found.recipients
    ]


def line(address: str, action: Action, status: str, reply: str, host: str) -> Line:
    """What a report says of one recipient, in words."""
    look, icon = _LOOKS.get(action, ("ok", "circle-check"))
    cause = cause_of(status) if status and look != "ok" else None
    text = {
        Action.FAILED: gettext("Not delivered."),
        Action.DELAYED: gettext("Not delivered yet, it is tried again."),
        Action.DELIVERED: gettext("It is in the mailbox."),
        Action.RELAYED: gettext("It went on to a server that sends no reports."),
        Action.EXPANDED: gettext("It was sent on to those behind this address."),
    }[action]
    advice = cause.advice if cause and action is Action.FAILED else ""
    return Line(
        address, f"{text} {cause.why if cause else ''}".strip(), advice, reply, host, look, icon
    )


def _title(found: Reading) -> str:
    actions = {one.action for one in found.recipients} or {found.action}
    if Action.FAILED in actions:
        return gettext("Your message was not delivered")
    if Action.DELAYED in actions:
        return gettext("Your message is delayed")
    return gettext("Your message was delivered")
