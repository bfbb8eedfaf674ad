"""What the handlers of all doors have in common: aiosmtpd's hooks, which ask `Intake`."""

from typing import ClassVar

from apps.delivery.accept import Accepted
from apps.mailqueue.services import EnvelopeRecipient
from apps.reception.judging import Refusal
from apps.reception.refusals import Refusals
from apps.smtp.declined import DATA
from apps.smtp.envelope import Options, SmtpSession, Transaction
from apps.smtp.intake import Intake, passage_of, text_told
from apps.smtp.proto.commands import Rcpt
from apps.smtp.session import Conversation
from apps.trace.services import Event
from apps.wire.errors import MailError
from apps.wire.replies import Reply

Said = Reply | MailError | Refusal
"""What a hook says to a client; of a refusal the trace keeps why."""


class DoorHandler:
    """Unknown users and other hosts' mail are refused at RCPT, never bounced later."""

    door: ClassVar[str]
    relay = False

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self._refusals = Refusals()

    async def close(self) -> None:
        """Nobody comes any more: write what waits."""
        await self._refusals.close()

    def refused(self, session: SmtpSession, envelope: Transaction) -> None:
        """Have a transaction's refusals traced, one event for each answer."""
        about = {
            **passage_of(session),
            "from": envelope.declines.sender,
        }
        events = []
        for one in envelope.declines.found.values():
            text = text_told(envelope) if one.stage == DATA else {}
            data = {**about, **one.told(), **text}
            events.append(Event(envelope.trace_id, f"{self.door}.refused", data, one.at_us))
        self._refusals.note(session.address, [*events, *self.findings(envelope)])

    def findings(self, envelope: Transaction) -> list[Event]:
        """What was found out about a message whose text was refused."""
        return []

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self,
        server: Conversation,
        session: SmtpSession,
        envelope: Transaction,
        address: str,
        options: Options,
    ) -> Said | None:
        """Refuse early what could not be kept."""
        self.intake.check_space(options.size)
        return None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: Conversation,
        session: SmtpSession,
        envelope: Transaction,
        address: str,
        options: Options,
    ) -> Said | None:
        """Resolve the recipient now: nothing is accepted that cannot be delivered."""
        assert isinstance(options.command, Rcpt)
        recipients = await self.intake.recipients(options.command, relay=self.relay)
        refusal = await self.admit(session, envelope, address, recipients)
        return refusal or self.intake.add(server.rules, envelope, recipients)

    async def admit(
        self,
        session: SmtpSession,
        envelope: Transaction,
        address: str,
        recipients: tuple[EnvelopeRecipient, ...],
    ) -> Said | None:
        """Whether this client may write to a recipient who exists; None if it may."""
        return None

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Conversation, session: SmtpSession, envelope: Transaction
    ) -> Said | list[Said]:
        """Take responsibility."""
        (result,) = await self.intake.keep(server.rules, session, envelope)
        return answer_of(result)


def answer_of(result: Accepted | MailError) -> Reply | MailError:
    """The answer to a message that was, or was not, kept."""
    if isinstance(result, MailError):
        return result
    return Reply(250, "2.0.0", f"Ok: queued as {result.text}")
