"""What came of tries, made durable: queue rows, trace and reports in one transaction.

`settle` is the batch function of a group commit: what a hundred connections have finished in the
same few milliseconds costs one commit. A connection waits for it before it sends the next message,
so a worker that is killed leaves at most one message for each connection of which the other side
knows and we do not.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from apps.delivery import bounce, tidings
from apps.delivery.bounce import Fate, Report
from apps.delivery.outbound.retry import Decision
from apps.delivery.outbound.transactions import Work
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import OutgoingRecipient, RecipientsLostError, Settled
from apps.mime.dsn import Action
from apps.remote.types import Outcome, Result
from apps.trace import services as trace
from apps.wire.errors import MailError, Temporary

logger = logging.getLogger(__name__)

_LONGEST_REPLY: Final = 500
_LONGEST_TRANSCRIPT: Final = 4_000  # characters that the trace keeps


class LostError(MailError):
    """Another worker had these recipients by the time their outcome was known."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of one transaction.

    Args:
        decisions: one for each recipient of `work`, in their order.
        at_us: Unix microseconds of the try.
        opens: the destination is well (again), and the queue is to know it.
        is_try: false for mail that nobody tried to send: its time was over.
    """

    work: Work
    decisions: tuple[Decision, ...]
    at_us: int
    transcript: str = ""
    opens: bool = False
    is_try: bool = True


def settle(batch: Sequence[Settlement]) -> list["MailError | None"]:
    """Settle a batch; raises whatever made it impossible, and then nothing of it was kept."""
    reports = [report for one in batch for report in reports_of(one)]
    try:
        with transaction.atomic():
            mailqueue.settle_outgoing([row for one in batch for row in _rows(one)])
            opened = {one.work.message.destination for one in batch if one.opens}
            if opened:
                mailqueue.open_destinations(sorted(opened))
            trace.record([event for one in batch for event in _events(one)])
            bounce.send(reports)
            tidings.tell(one.work.message.user_id for one in batch)
    except RecipientsLostError as error:
        bounce.discard(reports)
        # In a batch each is tried again alone, so that this concerns nobody else.
        raise LostError(f"recipients {error.ids}") from None
    except BaseException:
        bounce.discard(reports)
        raise
    return [None] * len(batch)


def _rows(one: Settlement) -> list[Settled]:
    work = one.work
    return [
        Settled(
            token=work.token,
            message_id=work.message.id,
            recipient_id=recipient.id,
            outcome=decision.result.outcome.value,
            reply=said(decision),
            wait_seconds=max(0.0, (decision.next_at_us - one.at_us) / 1_000_000),
            delay_told=decision.tells_delay,
            remote=_remote(decision.result),
            tls=decision.result.tls,
            transcript="" if decision.result.outcome is Outcome.DELIVERED else one.transcript,
            at_us=one.at_us,
            was_tried=one.is_try,
        )
        for recipient, decision in zip(work.recipients, one.decisions, strict=True)
    ]


def said(decision: Decision) -> str:
    """A result in one line: what the server said, or what happened in our words."""
    result = decision.result
    heard = f"{result.code} {result.reply}" if result.code else result.reply
    if decision.given_up:
        return f"given up after {decision.given_up}: {heard}".rstrip(": ")[:_LONGEST_REPLY]
    return heard


def _remote(result: Result) -> str:
    return f"{result.host} [{result.address}]" if result.address else result.host


def _events(one: Settlement) -> list[trace.Event]:
    transcript = _transcript(one)
    return [
        trace.Event(
            one.work.message.trace_id,
            f"outbound.{decision.result.outcome.value}",
            _told(recipient, decision) | (transcript if number == 0 else {}),
            one.at_us,
        )
        for number, (recipient, decision) in enumerate(
            zip(one.work.recipients, one.decisions, strict=True)
        )
    ]


def _transcript(one: Settlement) -> dict[str, Any]:
    """What was said, for the first event of a try: those of its other recipients have the same
    time. The queue forgets it with its row, the trace does not."""
    if not one.transcript:
        return {}
    text = one.transcript
    if len(text) > _LONGEST_TRANSCRIPT:
        half = _LONGEST_TRANSCRIPT // 2
        begun, ended = text[:half].rpartition("\n")[0], text[-half:].partition("\n")[2]
        text = "\n".join((begun, "* …", ended))
    return {"transcript": text}


def _told(recipient: OutgoingRecipient, decision: Decision) -> dict[str, Any]:
    result = decision.result
    data: dict[str, Any] = {
        "to": recipient.address,
        "reply": said(decision),
        "status": result.status,
    }
    if recipient.original != recipient.address:
        data["original"] = recipient.original
    if result.host:
        data["host"] = result.host
    if result.address:
        data["address"] = result.address
    if result.tls:
        data["tls"] = result.tls
    if decision.next_at_us:
        data["next_at"] = decision.next_at_us
    return data


def reports_of(one: Settlement) -> list[Report]:
    """What the sender is to be told. A report that cannot be made must not keep the outcome from
    being known, or the mail would be sent again."""
    fates = [
        fate
        for recipient, decision in zip(one.work.recipients, one.decisions, strict=True)
        if (fate := _fate(recipient, decision, one.at_us)) is not None
    ]
    if not fates:
        return []
    try:
        return bounce.prepare(one.work.message, fates)
    except Temporary:
        raise
    except Exception:
        logger.exception(
            "a report to a sender could not be made",
            extra={"trace_id": str(one.work.message.trace_id)},
        )
        return []


def _fate(recipient: OutgoingRecipient, decision: Decision, at_us: int) -> Fate | None:
    action = _action(decision)
    if action is None:
        return None
    # A failure that nobody wants to hear of is told to the trace.
    if action is not Action.FAILED and not bounce.is_wanted(recipient.notify, action):
        return None
    result = decision.result
    return Fate(
        recipient_id=recipient.id,
        address=recipient.address,
        original=recipient.original,
        orcpt=recipient.orcpt,
        notify=recipient.notify,
        action=action,
        status=result.status,
        reply=result.reply,
        is_remote=result.is_remote,
        code=result.code,
        host=result.host,
        at_us=at_us,
        until_us=decision.until_us,
    )


def _action(decision: Decision) -> Action | None:
    result = decision.result
    if result.outcome is Outcome.FAILED:
        return Action.FAILED
    if result.outcome is Outcome.DELIVERED:
        return None if result.kept_dsn else Action.RELAYED
    return Action.DELAYED if decision.tells_delay else None
