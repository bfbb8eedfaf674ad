"""The door for a trusted neighbour, such as another MTA on this host: LMTP (RFC 2033)."""

from apps.smtp.envelope import SmtpSession, Transaction
from apps.smtp.handler import DoorHandler, Said, answer_of
from apps.smtp.session import Conversation


class LmtpHandler(DoorHandler):
    """Like the MX door, but each recipient is answered for alone, and kept or refused alone."""

    door = "lmtp"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Conversation, session: SmtpSession, envelope: Transaction
    ) -> list[Said]:
        """Return one reply for each RCPT that was accepted, in their order."""
        results = await self.intake.keep(server.rules, session, envelope)
        return [answer_of(result) for result in results]
