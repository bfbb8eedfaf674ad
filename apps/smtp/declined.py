"""What was refused in one transaction, and why: gathered while it goes on, and recorded once when
it ends, however many recipients it was about."""

from dataclasses import dataclass, field
from typing import Any, Final

from apps.reception.judging import Refusal
from apps.runtime.clock import now_us
from apps.smtp.hooks import BROKEN
from apps.wire import errors
from apps.wire.errors import MailError
from apps.wire.replies import Reply

KINDS_MOST: Final = 8
"""Different answers that are kept of one transaction."""
NAMED_MOST: Final = 50
"""Recipients that are named with each."""

MAIL: Final = "mail"
RCPT: Final = "rcpt"
DATA: Final = "data"

POLICY: Final = "policy"  # the cause of what has no word of its own
_CAUSES: Final[dict[type[MailError], str]] = {
    errors.StorageUnavailable: "storage",
    errors.StorageFull: "space",
    errors.Overloaded: "busy",
    errors.QuotaExceeded: "full",
    errors.SendLimitReached: "limit",
    errors.TooManyRecipients: "limit",
    errors.InvalidAddress: "address",
    errors.UnknownRecipient: "unknown",
    errors.RelayDenied: "relay",
    errors.SenderNotAllowed: "rights",
    errors.MessageTooLarge: "size",
    errors.LoopDetected: "loop",
    errors.AccountSuspended: "suspended",
}


@dataclass(slots=True)
class Declined:
    """One answer, and the recipients that it was about.

    Args:
        stage: "mail", "rcpt" or "data".
        cause: a short stable word.
        why: in words.
        at_us: of the first, Unix microseconds.
        more: recipients beyond those that are named.
    """

    stage: str
    cause: str
    why: str
    reply: Reply
    at_us: int
    recipients: list[str] = field(default_factory=list)
    more: int = 0

    def about(self, recipients: list[str]) -> None:
        """It was the answer about these as well."""
        room = max(0, NAMED_MOST - len(self.recipients))
        self.recipients += recipients[:room]
        self.more += max(0, len(recipients) - room)

    def told(self) -> dict[str, Any]:
        """As events keep it."""
        reply = self.reply
        told: dict[str, Any] = {
            "to": list(dict.fromkeys(self.recipients)),
            "stage": self.stage,
            "cause": self.cause,
            "why": self.why,
            "reply": f"{reply.code} {reply.enhanced} {reply.text}",
        }
        if self.more:
            told["and_more"] = self.more
        return told


@dataclass(slots=True)
class Declines:
    """Those of one transaction.

    Args:
        sender: that the refused MAIL named; the transaction knows that of one that was not.
        is_told: somebody else has recorded why its text was not taken.
    """

    found: dict[tuple[str, str, Reply], Declined] = field(default_factory=dict)
    sender: str = ""
    is_told: bool = False

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(
        self, stage: str, answer: object, reply: Reply, recipients: list[str], cause: str = ""
    ) -> None:
        """A command was refused.

        Args:
            answer: what the handler gave: it may know why.
            cause: where nobody else does.
        """
        if stage == DATA and self.is_told:
            return
        cause, why = _reason(answer, reply, cause)
        key = stage, cause, reply
        found = self.found.get(key)
        if found is None:
            if len(self.found) >= KINDS_MOST:
                return
            found = self.found[key] = Declined(stage, cause, why, reply, now_us())
        found.about(recipients)


def _reason(answer: object, reply: Reply, cause: str) -> tuple[str, str]:
    if isinstance(answer, Refusal):
        return answer.cause, answer.why
    words = reply.text.replace("\n", " ")
    if isinstance(answer, MailError):
        known = (_CAUSES[kind] for kind in type(answer).__mro__ if kind in _CAUSES)
        if isinstance(answer, errors.LoopDetected) and answer.detail:
            words = f"{words}: {answer.detail}"
        return next(known, POLICY), words
    return cause or ("broken" if reply is BROKEN else POLICY), words
