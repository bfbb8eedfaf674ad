"""The door for our own users (587 and 465): they sign in and send as themselves (RFC 6409)."""

from collections.abc import Awaitable
from dataclasses import dataclass

from aiosmtpd.smtp import AuthResult

from apps.delivery import submission
from apps.directory import limits
from apps.directory.authentication import Principal
from apps.directory.limits import Allowance
from apps.directory.services.limits import too_many_recipients
from apps.directory.signedin import REASON, still_in
from apps.directory.signin import Answer, SignIn
from apps.mime.address import Address
from apps.runtime.clock import now_us
from apps.runtime.db import in_db
from apps.smtp.envelope import Options, SmtpSession, Transaction
from apps.smtp.intake import Additions
from apps.smtp.mx import MxHandler, reply_of
from apps.smtp.session import Conversation, Next
from apps.wire.errors import AccountSuspended, SenderNotAllowed
from apps.wire.replies import Reply
from apps.wire.sasl import Challenge, Failure

_CHANGED = Reply(421, "4.7.0", REASON)
_SUSPENDED = Reply(535, "5.7.13", "This account is disabled")


@dataclass(slots=True)
class Admission:
    """What MAIL was found to be.

    Args:
        reverse_path: to be used in place of what MAIL said; None is the null path.
        asked: recipients so far.
    """

    reverse_path: Address | None
    allowance: Allowance
    asked: int = 0

    def check(self) -> None:
        """Raise TooManyRecipients or SendLimitReached if the user may not have so many."""
        if self.asked > self.allowance.recipients:
            raise self.allowance.refusal or too_many_recipients(self.allowance.recipients)


class SubmissionHandler(MxHandler):
    """Envelope sender and From must be the user's own; mail for other hosts is taken."""

    relay = True

    def sign_in(
        self, server: Conversation, session: SmtpSession, mechanism: str
    ) -> "DirectoryExchange":
        """Begin an AUTH command."""
        return DirectoryExchange(
            session,
            SignIn(mechanism, address=session.address, door="submission", secure=bool(session.ssl)),
        )

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self,
        server: Conversation,
        session: SmtpSession,
        envelope: Transaction,
        address: str,
        options: Options,
    ) -> Reply | None:
        """Refuse a sender that is not the user's, and a user whose sign-in no longer holds.

        The null sender is allowed: a mail program sends receipts with it (RFC 8098 section 2.1),
        and the From field is checked all the same.
        """
        sender = options.command.path.address
        admission = await in_db("read", _admit, _principal(session), sender)
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
    ) -> Reply | None:
        """Refuse what is beyond the user's limits now; acceptance counts them again."""
        admission = _admission(envelope)
        admission.asked += 1  # before waiting: pipelined ones are resolved at the same time
        reply: Reply | None = None
        try:
            admission.check()
            reply = await super().handle_RCPT(server, session, envelope, address, options)
        except BaseException:
            admission.asked -= 1
            raise
        if reply is not None:
            admission.asked -= 1
        return reply

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Conversation, session: SmtpSession, envelope: Transaction
    ) -> Reply:
        """Check the From field, add what is missing, hide Bcc; then take responsibility."""
        raw: bytes = envelope.content  # type: ignore[assignment]  # set by the session
        if b"\0" in raw:
            return Reply(554, "5.6.0", "Message has a NUL")
        principal, admission = _principal(session), _admission(envelope)
        if admission.reverse_path is not None:
            envelope.mail_from = str(admission.reverse_path)
        prepared = await in_db(
            "read",
            submission.submit,
            raw,
            user_id=principal.user_id,
            sender=admission.reverse_path or Address.parse(principal.address),
            message_id=envelope.message_id,
            now_us=now_us(),
            hostname=server.hostname,
        )
        additions = Additions(prepared.fields, prepared.cuts, prepared.message_id)
        (result,) = await self.intake.keep(server.rules, session, envelope, additions)
        return reply_of(result)


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


def _admit(principal: Principal, sender: Address | None) -> Admission | None:
    """None if password or state have changed since the sign-in.

    Raises:
        SenderNotAllowed, SendLimitReached
    """
    if not still_in([principal]):
        return None
    path = None if sender is None else submission.reverse_path(principal.user_id, sender)
    return Admission(path, limits.allowance(principal.user_id))


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
