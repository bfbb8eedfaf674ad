"""The door for our own users (587 and 465): they sign in and send as themselves (RFC 6409)."""

import logging
from collections.abc import Awaitable
from typing import Any

from aiosmtpd.smtp import AuthResult

from apps.delivery import alerts, submission
from apps.delivery.submission import Prepared
from apps.directory import limits
from apps.directory.authentication import Principal
from apps.directory.limits import Key, MeterReached
from apps.directory.signedin import REASON
from apps.directory.signin import Answer, SignIn, bindings_at
from apps.mime.address import Address
from apps.runtime.clock import now_us
from apps.runtime.db import in_db
from apps.smtp.admission import Admission, Admissions
from apps.smtp.envelope import Options, SmtpSession, Transaction
from apps.smtp.handler import DoorHandler, Said, answer_of
from apps.smtp.intake import Additions, Intake, client_of
from apps.smtp.session import Conversation, Next
from apps.wire.errors import AccountSuspended, MailError, SenderNotAllowed
from apps.wire.replies import Reply
from apps.wire.sasl import Challenge, Failure

logger = logging.getLogger(__name__)

# Octets of a message whose header is read on the event loop: an honest one takes 0.1 ms,
# the worst of that size 8.
AT_ONCE = 32 << 10
TOLD_MOST = 10_000  # limits that are remembered as told

_CHANGED = Reply(421, "4.7.0", REASON)
_SUSPENDED = Reply(535, "5.7.13", "This account is disabled")


class SubmissionHandler(DoorHandler):
    """Envelope sender and From must be the user's own; mail for other hosts is taken."""

    door = "submission"
    relay = True

    def __init__(self, intake: Intake) -> None:
        super().__init__(intake)
        self._admissions = Admissions()
        self._told: set[Key] = set()  # limits of which somebody was told: asks the database once

    def sign_in(
        self, server: Conversation, session: SmtpSession, mechanism: str
    ) -> "DirectoryExchange":
        """Begin an AUTH command."""
        return DirectoryExchange(
            session,
            SignIn(
                mechanism,
                address=session.address,
                door="submission",
                secure=bool(session.ssl),
                bindings=bindings_at("submission", session.bindings),
                server_name=session.server_name,
            ),
        )

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self,
        server: Conversation,
        session: SmtpSession,
        envelope: Transaction,
        address: str,
        options: Options,
    ) -> Said | None:
        """Refuse a sender that is not the user's, and a user whose sign-in no longer holds.

        The null sender is allowed: a mail program sends receipts with it (RFC 8098 section 2.1),
        and the From field is checked all the same.
        """
        sender = options.command.path.address
        try:
            admission = await self._admissions.ask(_principal(session), sender)
        except MeterReached as error:
            await self._tell(session, envelope, error)
            raise
        if admission is None:
            server.next = Next.HANG_UP
            return _CHANGED
        envelope.admission = admission
        return await super().handle_MAIL(server, session, envelope, address, options)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: Conversation,
        session: SmtpSession,
        envelope: Transaction,
        address: str,
        options: Options,
    ) -> Said | None:
        """Refuse what is beyond the user's limits now; acceptance counts them again."""
        admission = _admission(envelope)
        admission.asked += 1  # before waiting: pipelined ones are resolved at the same time
        is_taken = False
        try:
            admission.check()
            reply = await super().handle_RCPT(server, session, envelope, address, options)
            is_taken = reply is None
        except MeterReached as error:
            await self._tell(session, envelope, error)
            raise
        finally:
            if not is_taken:
                admission.asked -= 1
        return reply

    async def _tell(self, session: SmtpSession, envelope: Transaction, error: MeterReached) -> None:
        """Have administrators told of a limit. The database knows whether they were; it is asked
        once, and not for each message that a flood of them tries."""
        if error.key in self._told:
            return
        if len(self._told) >= TOLD_MOST:
            self._told.clear()
        self._told.add(error.key)
        user_id = _principal(session).user_id
        try:
            await in_db(
                "write",
                alerts.limit_reached_early,
                error,
                user_id,
                envelope.trace_id,
                client_of(session),
            )
        except MailError as failure:
            self._told.discard(error.key)
            logger.warning("nobody was told of a limit", extra={"detail": failure.detail})

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Conversation, session: SmtpSession, envelope: Transaction
    ) -> Said:
        """Check the From field, add what is missing, hide Bcc; then take responsibility."""
        raw: bytes = envelope.content  # type: ignore[assignment]  # set by the session
        if b"\0" in raw:
            return Reply(554, "5.6.0", "Message has a NUL")
        principal, admission = _principal(session), _admission(envelope)
        if admission.reverse_path is not None:
            envelope.mail_from = str(admission.reverse_path)
        prepared = await _prepared(
            raw,
            admission,
            user_id=principal.user_id,
            sender=admission.reverse_path or Address.parse(principal.address),
            message_id=envelope.message_id,
            now_us=now_us(),
            hostname=server.hostname,
        )
        if not (prepared.fields.isascii() and (envelope.mail_from or "").isascii()):
            # What we add is the user's own address, whatever the client said of the rest.
            envelope.parameters.smtputf8 = True
        additions = Additions(
            fields=prepared.fields, cuts=prepared.cuts, message_id=prepared.message_id
        )
        (result,) = await self.intake.keep(server.rules, session, envelope, additions)
        return answer_of(result)


class DirectoryExchange:
    """The directory's sign-in, with the answers that SMTP's session wants."""

    def __init__(self, session: SmtpSession, sign_in: SignIn) -> None:
        self._session = session
        self._sign_in = sign_in

    async def start(self, initial: bytes | None) -> Challenge | Failure | AuthResult | Reply:
        """Begin."""
        return await self._answer(self._sign_in.start(initial))

    async def step(self, line: bytes) -> Challenge | Failure | AuthResult | Reply:
        """Take the answer to a challenge."""
        return await self._answer(self._sign_in.step(line))

    async def _answer(self, outcome: Awaitable[Answer]) -> Challenge | Failure | AuthResult | Reply:
        try:
            answer = await outcome
        except AccountSuspended:
            return _SUSPENDED
        if not isinstance(answer, Principal):
            return answer
        found = await in_db("read", limits.limits_of, [answer.user_id])
        if answer.user_id in found:
            self._session.most_recipients = found[answer.user_id].recipients_per_message
        return AuthResult(success=True, auth_data=answer)


async def _prepared(raw: bytes, admission: Admission, **known: Any) -> Prepared:
    """Check and complete a message: here and now if it is short and its author is who was let in
    at MAIL, as nearly all are; else on a database thread."""
    if len(raw) > AT_ONCE:
        return await in_db("read", submission.submit, raw, rights=admission.rights, **known)
    letter = submission.read(raw)
    if letter.is_plain(admission.rights):
        return submission.complete(letter, rights=admission.rights, **known)
    return await in_db("read", submission.complete, letter, rights=admission.rights, **known)


def _admission(envelope: Transaction) -> Admission:
    admission = envelope.admission
    if not isinstance(admission, Admission):
        raise SenderNotAllowed("no MAIL was admitted")
    return admission


def _principal(session: SmtpSession) -> Principal:
    principal = session.principal
    if principal is None:
        raise SenderNotAllowed("nobody signed in")
    return principal
