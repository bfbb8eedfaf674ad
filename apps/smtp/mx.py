"""The door for other servers (port 25): mail for our own users, from anybody, and nothing else."""

import asyncio
from dataclasses import replace

from apps.delivery.accept import JUDGED, Accepted
from apps.mailqueue.services import EnvelopeRecipient
from apps.reception.judging import Refusal
from apps.runtime.clock import now_us
from apps.smtp.envelope import Options, SmtpSession, Transaction
from apps.smtp.handler import DoorHandler, Said, answer_of
from apps.smtp.intake import Additions, Intake
from apps.smtp.judge import Judge
from apps.smtp.offers import Offers
from apps.smtp.session import Conversation
from apps.trace.services import Event
from apps.wire.errors import MailError, UnknownRecipient
from apps.wire.replies import Reply


class MxHandler(DoorHandler):
    """Whoever comes is judged by what can be found out about it, and refused in the dialogue."""

    door = "mx"

    def __init__(self, intake: Intake, judge: Judge, offers: Offers) -> None:
        super().__init__(intake)
        self._judge = judge
        self._offers = offers

    async def handle_CONNECT(  # noqa: N802 - named like aiosmtpd's
        self, server: Conversation, session: SmtpSession, envelope: Transaction
    ) -> Reply | None:
        """Begin to find out who it is. One that cannot wait for the greeting is noted."""
        visit = self._judge.receive(session)
        if visit.greeting_delay and visit.turned_away is None:
            await asyncio.sleep(visit.greeting_delay)
        if session.early_talker or server.has_input:
            session.early_talker = True
            visit.spoke_early()
        return visit.turned_away

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self,
        server: Conversation,
        session: SmtpSession,
        envelope: Transaction,
        hostname: str,
        responses: list[str],
    ) -> list[str] | Reply:
        """Look at the name; it may change, and after STARTTLS it is said anew."""
        return self._hello(session, hostname) or responses

    async def handle_HELO(  # noqa: N802 - aiosmtpd's name
        self, server: Conversation, session: SmtpSession, envelope: Transaction, hostname: str
    ) -> Reply | None:
        """As for EHLO."""
        return self._hello(session, hostname)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self,
        server: Conversation,
        session: SmtpSession,
        envelope: Transaction,
        address: str,
        options: Options,
    ) -> Said | None:
        """Begin to find out whether the sender's domain knows this client."""
        refusal = await super().handle_MAIL(server, session, envelope, address, options)
        refusal = refusal or await self._judge.visit(session).mail()
        if refusal is None:
            self._judge.begin(session, envelope, address)
        return refusal

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: Conversation,
        session: SmtpSession,
        envelope: Transaction,
        address: str,
        options: Options,
    ) -> Said | None:
        """Who tries out addresses has to wait, and is cut off in the end."""
        try:
            return await super().handle_RCPT(server, session, envelope, address, options)
        except UnknownRecipient:
            farewell = await self._judge.visit(session).unknown()
            if farewell is None:
                raise
            return Refusal(farewell, "it tries out addresses", "harvester")

    async def admit(
        self,
        session: SmtpSession,
        envelope: Transaction,
        address: str,
        recipients: tuple[EnvelopeRecipient, ...],
    ) -> Said | None:
        """Refuse clients here, where it is known for whom."""
        return await self._judge.admit(session, envelope, address, recipients)

    def findings(self, envelope: Transaction) -> list[Event]:
        """What the judge thinks of a sender whose message was refused."""
        found = self._judge.judgement(envelope)
        if found is None:
            return []
        return [Event(envelope.trace_id, JUDGED, found.as_data(), now_us())]

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Conversation, session: SmtpSession, envelope: Transaction
    ) -> Said:
        """Judge the sender, have the message judged; take responsibility, or say why not."""
        weighed = await self._judge.weigh(session, envelope)
        if weighed.refusal is not None:
            return self._judge.refused(envelope, weighed)
        result = await self._keep(server, session, envelope, weighed.additions)
        if isinstance(result, Refusal):
            envelope.declines.is_told = True  # by whoever decided it
            self._judge.filtered(envelope, weighed, result)
            return result
        if isinstance(result, Accepted):
            self._judge.taken(weighed)
            users = [one.user_id for one in envelope.recipients.values() if one.user_id is not None]
            self._judge.visit(session).taken(users, len(envelope.recipients))
        return answer_of(result)

    async def _keep(
        self,
        server: Conversation,
        session: SmtpSession,
        envelope: Transaction,
        additions: Additions,
    ) -> Accepted | MailError | Refusal:
        """Make the message durable, and wait for what the filter says of it if that is of use."""
        content: bytes = envelope.content  # type: ignore[assignment]  # set by the session
        offer = await self._offers.begin(envelope.message_id, len(content))
        if offer is None:
            (result,) = await self.intake.keep(server.rules, session, envelope, additions)
            return result
        try:
            additions = replace(additions, offered_us=offer.offered_us)
            (result,) = await self.intake.keep(server.rules, session, envelope, additions)
            if not isinstance(result, Accepted):
                return result
            return await self._offers.verdict(offer, session) or result
        finally:
            self._offers.end(offer)

    def left(self, session: SmtpSession) -> None:
        """It has gone: what was asked for its sake alone need not be answered."""
        self._judge.leave(session)

    def _hello(self, session: SmtpSession, name: str) -> Reply | None:
        visit = self._judge.visit(session)
        if session.early_talker:
            visit.hurried()
        visit.hello(name)
        return visit.turned_away
