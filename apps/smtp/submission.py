"""The door for our own users (587 and 465): they sign in and send as themselves (RFC 6409)."""

from collections.abc import Awaitable

from aiosmtpd.smtp import AuthResult

from apps.delivery import submission
from apps.directory.authentication import Principal
from apps.directory.permissions import may_send_as
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


class SubmissionHandler(MxHandler):
    """Envelope sender and From must be the user's own; mail for other hosts is taken."""

    relay = True

    def sign_in(
        self, server: Conversation, session: SmtpSession, mechanism: str
    ) -> "DirectoryExchange":
        """Begin an AUTH command."""
        return DirectoryExchange(
            SignIn(mechanism, address=session.address, door="submission", secure=bool(session.ssl))
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
        if not await in_db("read", _may_send, _principal(session), sender):
            server.next = Next.HANG_UP
            return _CHANGED
        return await super().handle_MAIL(server, session, envelope, address, options)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Conversation, session: SmtpSession, envelope: Transaction
    ) -> Reply:
        """Check the From field, add what is missing, hide Bcc; then take responsibility."""
        raw: bytes = envelope.content  # type: ignore[assignment]  # set by the session
        if b"\0" in raw:
            return Reply(554, "5.6.0", "Message has a NUL")
        principal = _principal(session)
        prepared = await in_db(
            "read",
            submission.submit,
            raw,
            user_id=principal.user_id,
            sender=envelope.sender or Address.parse(principal.address),
            message_id=envelope.message_id,
            now_us=now_us(),
            hostname=server.hostname,
        )
        additions = Additions(prepared.fields, prepared.cuts)
        (result,) = await self.intake.keep(server.rules, session, envelope, additions)
        return reply_of(result)


class DirectoryExchange:
    """The directory's sign-in, with the answers that SMTP's session wants."""

    def __init__(self, sign_in: SignIn) -> None:
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
        if isinstance(answer, Principal):
            return AuthResult(success=True, auth_data=answer)
        return answer


def _may_send(principal: Principal, sender: Address | None) -> bool:
    """False if password or state have changed since the sign-in; raise SenderNotAllowed."""
    user_id = principal.user_id
    if not still_in([principal]):
        return False
    if sender is not None and not may_send_as(user_id, sender):
        raise SenderNotAllowed(f"user {user_id} as {sender}")
    return True


def _principal(session: SmtpSession) -> Principal:
    principal = session.principal
    if principal is None:
        raise SenderNotAllowed("nobody signed in")
    return principal
