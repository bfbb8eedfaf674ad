"""What is to be done with a message that was judged, and with each copy of it. Pure.

The verdict says what each reader wants; here that becomes one decision for the message, because a
message is refused, held or put off as a whole, and a copy is filed, kept or sent alone.

- It is refused only while its door waits, and only if every reader wants that.
- One that must not pass unjudged is put off as a whole: nothing of it is delivered before.
- Mail that a user of ours sends is held as a whole; nothing of it has left then.
- What is unwanted or dangerous is not sent on to other servers: it would come from us. It is kept.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apps.reception.judging import Refusal
from apps.scan.base import Action, Finding
from apps.scan.deeds import Done
from apps.scan.verdict import Opinion, Verdict
from apps.wire.replies import Reply

SPAM: Final = "spam"
CONTENT: Final = "content"
UNSCANNED: Final = "unscanned"
WHY_TOLD: Final = 300  # characters of the reason that the client is told


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with a message.

    Args:
        refusal: as long as its door waits for the verdict, it is refused so; None: it is not.
        hold: why it is held, in any case; put_off: why it is put off if it is not refused. With
            neither its copies go where `done_with` says.
    """

    refusal: Refusal | None = None
    hold: str = ""
    put_off: str = ""


def decide(verdict: Verdict, *, is_outgoing: bool, reference: str) -> Decision:
    """Decide about a message.

    Args:
        is_outgoing: a user of ours sends it.
        reference: by which its administrator finds what was found out, for the client.
    """
    opinions = list(verdict.opinions.values())
    put_off = next((one for one in opinions if one.action is Action.DEFER), None)
    if put_off is not None:
        return Decision(_come_again(put_off, reference), put_off=put_off.why)
    whole = verdict.opinion(None)
    if is_outgoing and whole.action >= Action.QUARANTINE:
        return Decision(hold=whole.why)
    if opinions and all(one.action is Action.REFUSE for one in opinions):
        return Decision(_refusal(verdict, opinions, reference))
    return Decision()


def done_with(opinion: Opinion, *, is_elsewhere: bool, is_outgoing: bool) -> Done:
    """What is done with one copy of a message that is neither refused, held nor put off.

    Args:
        is_elsewhere: it would go to another server.
    """
    action = opinion.later
    if is_elsewhere:
        # What users send has been weighed as a whole, or it would be held.
        return Done.SENT if is_outgoing or action is Action.NONE else Done.QUARANTINE
    if action >= Action.QUARANTINE:
        return Done.QUARANTINE
    return Done.JUNK if action is Action.JUNK else Done.INBOX


def written(refusal: Refusal) -> str:
    """As the queue keeps it for the door that owes the answer."""
    reply = refusal.reply
    return json.dumps([reply.code, reply.enhanced, reply.text, refusal.why, refusal.cause])


def read(text: str) -> Refusal:
    """The inverse."""
    code, enhanced, words, why, cause = json.loads(text)
    return Refusal(Reply(code, enhanced, words), why, cause)


def _refusal(verdict: Verdict, opinions: Sequence[Opinion], reference: str) -> Refusal:
    opinion = opinions[0]
    cause = CONTENT if opinion.is_harmful else SPAM
    if opinion.is_harmful:
        words = f"This message is not taken because of what it contains: {_short(opinion.why)}"
    elif any(one.blocked for one in verdict.standings.values()):
        # Who is on whose list is nobody else's business.
        words = "The recipient does not want mail from this sender"
    else:
        words = "This message is taken for spam"
        if worst := max(filter(_may_be_told, verdict.findings), key=_points, default=None):
            words += f": {_short(worst.words)}"
    # All its readers find it among what was refused: none is told what another one knows.
    why = opinion.why if len({one.why for one in opinions}) == 1 else words
    return Refusal(Reply(550, "5.7.1", f"{words} (reference {reference})"), why, cause)


def _may_be_told(finding: Finding) -> bool:
    """Whether a stranger may hear of it: not whom a reader knows, or what a reader called spam."""
    return finding.points > 0 and finding.reader is None and finding.rule not in _OURS_TO_KNOW


_OURS_TO_KNOW: Final = frozenset({"FROM_COLLEAGUE"})
"""What is found for all readers and names somebody of theirs."""


def _points(finding: Finding) -> float:
    return finding.points


def _come_again(opinion: Opinion, reference: str) -> Refusal:
    words = f"This message cannot be judged now, try again later (reference {reference})"
    return Refusal(Reply(451, "4.7.1", words), opinion.why, UNSCANNED)


def _short(why: str) -> str:
    """As a reply may say it, which is ASCII: without the signs of our own sentences, and strangers'
    letters escaped."""
    plain = why.translate(_SIGNS).encode("ascii", "backslashreplace").decode()
    return plain if len(plain) <= WHY_TOLD else f"{plain[:WHY_TOLD]}..."


_SIGNS: Final = str.maketrans(
    dict(zip("\u201c\u201d\u201e\u2018\u2019\u2013\u2014\u00a0", '"""\'\'-- ', strict=True))
    | {"\u2026": "..."}
)
