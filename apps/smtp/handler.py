"""What the handlers of all doors have in common: aiosmtpd's hooks, which ask `Intake`."""

from apps.delivery.accept import Accepted
from apps.mailqueue.services import EnvelopeRecipient
from apps.smtp.envelope import Options, SmtpSession, Transaction
from apps.smtp.intake import Intake
from apps.smtp.proto.commands import Rcpt
from apps.smtp.session import Conversation
from apps.wire.errors import MailError
from apps.wire.replies import Reply


class DoorHandler:
    """Unknown users and other hosts' mail are refused at RCPT, never bounced later."""

    relay = False

    def __init__(self, intake: Intake) -> None:
        self.intake = intake

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self,
        server: Conversation,
        session: SmtpSession,
        envelope: Transaction,
        address: str,
        options: Options,
    ) -> Reply | None:
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
    ) -> Reply | None:
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
    ) -> Reply | None:
        """Whether this client may write to a recipient who exists; None if it may."""
        return None

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Conversation, session: SmtpSession, envelope: Transaction
    ) -> Reply | list[Reply]:
        """Take responsibility."""
        (result,) = await self.intake.keep(server.rules, session, envelope)
        return reply_of(result)


def reply_of(result: Accepted | MailError) -> Reply:
    """The answer to a message that was, or was not, kept."""
    if isinstance(result, MailError):
        return result.reply
    return Reply(250, "2.0.0", f"Ok: queued as {result.text}")
