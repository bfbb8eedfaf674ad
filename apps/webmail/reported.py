"""What other servers report of a sent message that our trace does not know: it went out through
another server, or a mail program put it here.

Anybody can write a report, and who got the message knows its Message-ID. So a report is shown as
what somebody says, and only where all of this holds: it lies in the sender's own inbox, came after
the message, names the very message, and speaks of somebody the message was written to.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from django.utils.translation import gettext as _

from apps.mailstore import postmen, queries
from apps.mailstore.conversations import Head
from apps.mailstore.models import SpecialUse
from apps.mime import dsn_reading
from apps.mime.dsn import Action
from apps.mime.dsn_reading import ReportedRecipient
from apps.mime.reading import Reading
from apps.webmail import bounces
from apps.webmail.folders import Folder
from apps.webmail.senders import key_of
from apps.webmail.sent import SHOWN, Line, Sent
from apps.wire.errors import MailError

_WITHIN: Final = 10 * 86_400  # seconds; servers try for five days at most as a rule
_READ: Final = 5  # reports whose bytes are read
_SERIOUS: Final = (Action.FAILED, Action.DELAYED)


def reported(boxes: Sequence[Folder], head: Head, reading: Reading) -> Sent | None:
    """What the reports in the owner's inbox say of this message; one query, and a few reads if
    there are any.

    Args:
        boxes: of the owner of the message, Junk not among them.
    """
    inbox = next((one for one in boxes if one.special_use == SpecialUse.INBOX), None)
    if inbox is None or not head.message_key:
        return None
    people = [*reading.to, *reading.cc, *reading.bcc]
    written = {key: one.address for one in people if (key := key_of(one.address))}
    found: dict[str, Line] = {}
    at = head.internaldate
    for one in postmen.since(inbox.id, at, at + _WITHIN, _READ):
        for address, said in _told(one, head.message_key, written.values()):
            key = key_of(address)
            if key in written and said.action in _SERIOUS and len(found) < SHOWN:
                found.setdefault(key, _line(written[key], said, one))  # the newest counts
    return _summed(list(found.values())) if found else None


def _told(
    report: Head, message_key: str, written: Iterable[str]
) -> Iterable[tuple[str, ReportedRecipient]]:
    """Of whom a message reports what, if it is a report on that message: each name that it has for
    them."""
    try:
        raw = queries.shown(report.message_id, report.head_id).whole()
    except MailError:
        return
    if not bounces.may_report(raw):
        return
    said = dsn_reading.read(raw[: bounces.REPORT_MAX])
    if said is None or said.message_id != message_key:
        return
    for one in said.recipients:
        yield one.original, one
        yield one.address, one
    if not said.is_standard:
        for address in said.names(written):
            yield (
                address,
                ReportedRecipient(address, "", said.action, said.status, said.reply, said.reporter),
            )


def _line(address: str, said: ReportedRecipient, report: Head) -> Line:
    told = bounces.line(address, said.action, said.status, said.reply, said.host)
    word = _("Returned") if said.action is Action.FAILED else _("Delayed")
    text = f"{told.text} {told.advice}".strip()
    at = datetime.fromtimestamp(report.internaldate, UTC)
    return Line(address, word, told.look, told.icon, text, told.reply, at)


def _summed(lines: list[Line]) -> Sent:
    worst = next((one for one in lines if one.look == "bad"), lines[0])
    summary = _("A report came back on {address}.").replace("{address}", worst.address)
    if len(lines) > 1:
        summary = _("Reports came back on {count} recipients.").replace("{count}", str(len(lines)))
    return Sent(worst.word, worst.look, worst.icon, summary, tuple(lines), 0)
