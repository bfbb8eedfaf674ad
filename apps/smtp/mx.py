"""The door for other servers (port 25): mail for our own users, from anybody, and nothing else.

Also what the three doors have in common: a handler with aiosmtpd's hooks that asks `Intake`.
"""

from apps.delivery.accept import Accepted
from apps.smtp.envelope import Options, SmtpSession, Transaction
from apps.smtp.intake import Intake
from apps.smtp.proto.commands import Rcpt
from apps.smtp.session import Conversation
from apps.wire.errors import MailError
from apps.wire.replies import Reply


class MxHandler:
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
        return await self.intake.add_recipient(
            server.rules, envelope, options.command, relay=self.relay
        )

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
