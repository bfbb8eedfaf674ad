"""Reports in plain words: who, why, is it final, what to do next. Pure.

The first paragraph says all that a person needs; what servers said stands below, for who helps.
Another server's words are quoted as such, on one line, and never mixed with ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from apps.delivery.causes import cause_of
from apps.mime.dsn import Action

LISTED = 50  # recipients told of in words; the fields for programs have them all
SUBJECT_MAX = 150
_SUBJECTS = {
    Action.FAILED: "Undeliverable",
    Action.DELAYED: "Delayed",
    Action.DELIVERED: "Delivered",
    Action.RELAYED: "Handed over",
    Action.EXPANDED: "Passed on",
}
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be told of one recipient.

    Args:
        address: as its reader wrote it.
        said: the reply, "" if there was none; `host` said it, "" if the words are our own.
    """

    address: str
    action: Action
    status: str
    said: str
    host: str


@dataclass(frozen=True, slots=True)
class About:
    """The message that a report tells of. `until_us`: how long it will be tried, 0 if unknown."""

    subject: str
    received_at_us: int
    now_us: int
    until_us: int = 0


def subject_of(about: About, told: Sequence[Told]) -> str:
    """Return the subject of the report."""
    shown = about.subject[:SUBJECT_MAX]
    return f"{_SUBJECTS[told[0].action]}: {shown or '(no subject)'}"


def text_of(about: About, told: Sequence[Told], reporter: str, returned: str) -> str:
    """Return the report in words, for `mime.dsn.compose`.

    Args:
        told: of one sort: failed, or delayed, or what went well.
        returned: what comes back with the report, as in "the header of your message"; "" if
            nothing does.
    """
    paragraphs = [_first(about, told), *_each(told)]
    if len(told) > LISTED:
        paragraphs.append(f"And {len(told) - LISTED} more, listed in the second part.")
    came = f"Your message came to us on {_moment(about.received_at_us)}."
    back = f" Attached are the details for mail programs and {returned}." if returned else ""
    paragraphs.append(came + back)
    paragraphs.append(f"This report was made by {reporter}. An answer reaches those who run it.")
    return "\n\n".join(paragraphs)


def _first(about: About, told: Sequence[Told]) -> str:
    message = f'Your message "{about.subject[:SUBJECT_MAX]}"' if about.subject else "Your message"
    kinds = {one.action for one in told}
    if Action.FAILED in kinds:
        return f"{message} could not be delivered to {_whom(told)}.{_failed(about, told)}"
    if Action.DELAYED in kinds:
        return f"{message} has not reached {_whom(told)} yet.{_delayed(about, told)}"
    if len(told) > 1:
        return f"{message} went on to {_whom(told)}, as you asked to be told. See below for each."
    return f"{message} {_went_well(told[0])} You asked to be told; there is nothing to do."


def _whom(told: Sequence[Told]) -> str:
    return told[0].address if len(told) == 1 else f"{len(told)} recipients"


def _failed(about: About, told: Sequence[Told]) -> str:
    given_up = all(one.status.startswith("4") for one in told)
    final = " This is final: it will not be tried again."
    if given_up:
        final = f" It was tried for {_span(about)}. This is final: we have given up."
    if len(told) > 1:
        return f"{final} Below stands for each why, and what you can do."
    cause = cause_of(told[0].status)
    return f" {cause.why}{final} {cause.advice}"


def _delayed(about: About, told: Sequence[Told]) -> str:
    why = f" {cause_of(told[0].status).why}" if len(told) == 1 else ""
    until = f" until {_moment(about.until_us)}" if about.until_us else ""
    return (
        f"{why} This is not final: it is being tried{until}, and there is nothing you need do. If"
        " it cannot be delivered after all, you will be told."
    )


def _went_well(one: Told) -> str:
    if one.action is Action.RELAYED:
        host = one.host or "the recipient's mail server"
        return (
            f"for {one.address} was handed over to {host}, which does not report when it reaches"
            " the mailbox."
        )
    if one.action is Action.EXPANDED:
        return f"was passed on to all who are behind {one.address}."
    return f"was put into the mailbox of {one.address}."


def _each(told: Sequence[Told]) -> list[str]:
    return [_block(one, alone=len(told) == 1) for one in told[:LISTED]]


def _block(one: Told, *, alone: bool) -> str:
    lines = [f"  {one.address}"]
    if one.action in (Action.FAILED, Action.DELAYED):
        if not alone:
            cause = cause_of(one.status)
            advice = f" {cause.advice}" if one.action is Action.FAILED else ""
            lines.append(f"    {cause.why}{advice}")
        if one.said:
            lines.append(f"    {one.host} answered: {one.said}" if one.host else f"    {one.said}")
    elif not alone:
        lines.append(f"    It {_went_well(one)}")
    return "\n".join(lines)


def _moment(at_us: int) -> str:
    at = datetime.fromtimestamp(at_us / 1_000_000, UTC)
    return f"{at.day} {at:%B %Y} at {at:%H:%M} UTC"


def _span(about: About) -> str:
    seconds = max(about.now_us - about.received_at_us, 0) // 1_000_000
    for size, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}" + ("s" if count > 1 else "")
    return "less than a minute"
