"""One SMTP conversation: events of the receiver in, replies out. No sockets.

The state machine of RFC 5321 section 4.1.4 with its extensions: what may follow what, what is
counted, when to hang up. What a command *does* is the handler's business (`apps.smtp.mx`,
`submission`, `lmtp`), asked through aiosmtpd's hooks.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from functools import lru_cache
from typing import Any, ClassVar

from aiosmtpd.smtp import AuthResult

from apps.smtp import declined
from apps.smtp.envelope import Options, SmtpSession, Transaction
from apps.smtp.hooks import Exchange, Hooks, as_reply, ask
from apps.smtp.proto.commands import (
    Auth,
    Bdat,
    Command,
    Data,
    Foreign,
    Hello,
    Mail,
    Malformed,
    Rcpt,
    Simple,
    parse,
)
from apps.smtp.proto.receiver import (
    BadLine,
    Chunk,
    Event,
    Fault,
    Line,
    Message,
    Receiver,
    TlsHello,
)
from apps.smtp.rules import Rules
from apps.wire.errors import AuthenticationFailed, MailError, MessageTooLarge
from apps.wire.replies import Reply
from apps.wire.sasl import Challenge, Failure, FailureReason

logger = logging.getLogger(__name__)

_OK = Reply(250, "2.0.0", "Ok")
_MAIL_OK = Reply(250, "2.1.0", "Sender ok")
_RCPT_OK = Reply(250, "2.1.5", "Recipient ok")
_CHUNK_OK = Reply(250, "2.0.0", "Chunk ok")
_GO_ON = Reply(354, "", "End with <CRLF>.<CRLF>")
_BYE = Reply(221, "2.0.0", "Bye")
_HELP = Reply(214, "2.0.0", "See RFC 5321")
_CANNOT_VERIFY = Reply(252, "2.5.0", "Send some mail, I will try my best")
_NOT_HERE = Reply(502, "5.5.1", "Command not available")
_HELLO_FIRST = Reply(503, "5.5.1", "Say hello first")
_NESTED_MAIL = Reply(503, "5.5.1", "Sender already given")
_NEED_MAIL = Reply(503, "5.5.1", "Give the sender first")
_NEED_RCPT = Reply(503, "5.5.1", "Give a recipient first")
_NO_RCPT = Reply(554, "5.5.1", "No valid recipients")
_MIXED = Reply(503, "5.5.1", "BDAT was begun, DATA may not follow")
_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients, send the rest in another transaction")
_FAULTS = {
    Fault.TOO_BIG: MessageTooLarge.reply,
    Fault.BARE_NEWLINE: Reply(
        554, "5.6.0", "Message has a CR or LF outside CRLF (RFC 5321 section 2.3.8)"
    ),
    Fault.NUL: Reply(554, "5.6.0", "Message has a NUL"),
    Fault.NO_MEMORY: Reply(451, "4.3.2", "Too busy, try again later"),
}
_FAULT_CAUSES = {
    Fault.TOO_BIG: "size",
    Fault.BARE_NEWLINE: "newline",
    Fault.NUL: "nul",
    Fault.NO_MEMORY: "busy",
}
_BAD_LINES = {
    Fault.TOO_BIG: Reply(500, "5.5.2", "Line too long"),
    Fault.BARE_NEWLINE: Reply(500, "5.5.2", "Lines end with CRLF (RFC 5321 section 2.3.8)"),
    Fault.NUL: Reply(500, "5.5.2", "NUL in a command"),
}
_TLS_GO = Reply(220, "2.0.0", "Ready to start TLS")
_TLS_TWICE = Reply(503, "5.5.1", "TLS is active already")
_TLS_FIRST = Reply(530, "5.7.0", "Issue STARTTLS first")
_AUTH_FIRST = Reply(530, "5.7.0", "Sign in first")
_AUTH_TWICE = Reply(503, "5.5.1", "Already signed in")
_AUTH_IN_MAIL = Reply(503, "5.5.1", "Not in a mail transaction")
_AUTH_IN_CLEAR = Reply(538, "5.7.11", "Passwords need TLS here")
_AUTH_UNKNOWN = Reply(504, "5.5.4", "Mechanism not known")
_AUTH_OK = Reply(235, "2.7.0", "Signed in")
_AUTH_CANCELLED = Reply(501, "5.7.0", "Cancelled")
_AUTH_MALFORMED = Reply(501, "5.5.2", "Not a valid response")
_ERRORS_END = Reply(421, "4.7.0", "Too many errors")
_COMMANDS_END = Reply(421, "4.7.0", "Too many commands without mail")
_AUTH_END = Reply(421, "4.7.0", "Too many failed sign-ins")
_MANY_CONNECTIONS = Reply(421, "4.7.0", "Too many connections of this account")
_NOT_WEB = Reply(554, "5.5.1", "This is not a web server")
_CLOSING = 421
_CHALLENGE = 334  # of an AUTH exchange, which is not kept
_ABSURD = 16  # times the message limit: a chunk so long is not read to its end
_GROUP = 100  # pipelined RCPT resolved together


_encoded = lru_cache(maxsize=64)(Reply.encode)
"""Most replies are of the few that all conversations are made of: encoded once."""


async def _at_once(reply: Reply) -> Reply:
    return reply


class Next(Enum):
    """What the connection does after the replies are on their way."""

    GO_ON = auto()
    START_TLS = auto()
    CLOSE = auto()  # the client said QUIT
    HANG_UP = auto()  # we say it: the client may still be sending
    ABORT = auto()  # at once: no courtesy towards a browser


class Conversation:
    """One client. Feed events to `handle`, write what it returns, do what `next` says.

    Args:
        signed_in: told the user's id when a password was right; false if there are too many
            connections of that user.
    """

    def __init__(
        self,
        rules: Rules,
        hooks: Hooks,
        session: SmtpSession,
        receiver: Receiver,
        signed_in: Callable[[int], bool],
    ) -> None:
        self.rules = rules
        self.session = session
        self.transaction = Transaction()
        self.next = Next.GO_ON
        self.delay = 0.0  # seconds to wait before the last replies are sent
        self._hooks = hooks
        self._receiver = receiver
        self._signed_in = signed_in
        self._exchange: Exchange | None = None
        self._recipients = 0
        self._chunks = False
        self._chunk_reply: Reply | None = None
        self._commands = 0
        self._errors = 0
        self._auth_failures = 0
        if rules.auth:
            receiver.line_limit = rules.limits.sasl_line

    @property
    def hostname(self) -> str:
        """Our name; aiosmtpd's handlers look for it here."""
        return self.rules.hostname

    @property
    def has_input(self) -> bool:
        """Whether the client has sent more than was looked at."""
        return self._receiver.buffered > 0

    async def greeting(self) -> bytes:
        """The first thing we say. Who is turned away by it is heard no further."""
        reply = as_reply(await self._ask("CONNECT"), Reply(220, "", self.rules.greeting))
        if not reply.is_positive:
            self._log("turned away", reply)
            self.next = Next.HANG_UP
        octets = _encoded(reply)
        self.session.dialogue.server(octets)
        return octets

    async def handle(self, event: Event) -> bytes:
        """Return the replies to one event; none, one or (LMTP, pipelined RCPT) several."""
        if isinstance(event, Line):
            return await self._line(event.raw)
        if isinstance(event, Message):
            return await self._message(event)
        if isinstance(event, Chunk):
            octets = self._counted(reply := self._chunk(event))
            if not reply.is_positive:
                # RFC 3030 section 2: a failed chunk fails the message; the next one is out of
                # sequence.
                self._reset()
            return octets
        if isinstance(event, TlsHello):
            self.next = Next.ABORT
            return b""
        return self._bad_line(event)

    def tls_started(self, info: dict[str, Any]) -> None:
        """Forget all that was said in the clear (RFC 3207 section 4.2)."""
        self.session.ssl = info
        named = f", {self.session.server_name} was asked for" if self.session.server_name else ""
        self.session.dialogue.note(f"TLS began: {self.session.tls}{named}")
        self.session.host_name = None
        self.session.extended_smtp = False
        self._reset()

    def end(self) -> None:
        """The connection is over; nothing was or will be cancelled that others rely on."""
        self._tell()
        self.transaction.close()
        self._hooks.left(self.session)

    # lines

    async def _line(self, raw: bytes) -> bytes:
        if self._exchange is not None:
            exchange, self._exchange = self._exchange, None
            return self._counted(self._outcome(exchange, await ask(exchange.step, raw)))
        verb = raw[:5].upper()
        if verb == b"RCPT ":
            if self._receiver.next_is(b"RCPT "):
                return await self._recipients_together(raw)
            self.session.dialogue.client(raw, raw)
            return self._counted(await self._command(raw), raw)
        if verb == b"MAIL " and not self.transaction.is_open:
            self.session.dialogue.begin()
        self.session.dialogue.client(raw)
        octets = self._counted(await self._command(raw))
        if verb == b"MAIL " and not self.transaction.is_open:
            self._reset()  # a MAIL that was refused is a transaction of its own
        return octets

    async def _command(self, raw: bytes) -> Reply | None:
        """Return the reply to one command; None if it comes later, with BDAT's text."""
        self._commands += 1
        # The recipients of an open transaction have a limit of their own, which may be as high.
        if self._commands - self._recipients > self.rules.limits.commands:
            return self._hang_up(_COMMANDS_END)
        command = parse(raw, smtputf8=self.transaction.smtp_utf8)
        return await self._METHODS[type(command)](self, command)

    async def _recipients_together(self, first: bytes) -> bytes:
        """Resolve pipelined RCPT commands at the same time, answer them in their order."""
        lines = [first]
        replies: list[Awaitable[Reply | None]] = [self._command(first)]
        while len(lines) < _GROUP and self._receiver.next_is(b"RCPT "):
            event = self._receiver.next_event()
            if not isinstance(event, Line):
                bad = _BAD_LINES[event.fault] if isinstance(event, BadLine) else _NOT_HERE
                replies.append(_at_once(bad))
                break
            lines.append(event.raw)
            replies.append(self._command(event.raw))
        answers = []
        for number, reply in enumerate(await asyncio.gather(*replies)):
            line = lines[number] if number < len(lines) else b""
            if line:
                self.session.dialogue.client(line, line)
            answers.append(self._counted(reply, line))
            if answers[-1].startswith(b"421") or self._errors >= self._most_errors:
                break
        return b"".join(answers)

    def _bad_line(self, event: BadLine) -> bytes:
        if event.fatal:
            self.next = Next.HANG_UP
        self._exchange = None
        self.session.dialogue.note("a line that is no command line")
        return self._counted(_BAD_LINES[event.fault])

    def _counted(self, reply: Reply | None, recipient: bytes = b"") -> bytes:
        """Encode a reply. Count errors; hang up on a client that makes nothing else.

        Args:
            recipient: the RCPT that it answers.
        """
        if reply is None:
            self.delay = 0.0
            return b""
        octets = self._weighed(reply)
        if reply.code != _CHALLENGE:
            self.session.dialogue.server(octets, recipient)
        return octets

    def _weighed(self, reply: Reply) -> bytes:
        self.delay = 0.0
        if not reply.is_permanent:
            if reply.is_transient and reply is not _MANY_RECIPIENTS:
                self._log("refused for now", reply)
            if reply.code == _CLOSING and self.next is Next.GO_ON:
                self.next = Next.HANG_UP  # RFC 5321 section 3.8: whoever says 421 closes
            return _encoded(reply)
        self._errors += 1
        self._log("refused", reply)
        if self._errors >= self._most_errors and self.next is Next.GO_ON:
            return reply.encode() + self._hang_up(_ERRORS_END).encode()
        if self._errors > self.rules.limits.tarpit_after and not self.session.authenticated:
            self.delay = self.rules.limits.tarpit_seconds
        return reply.encode()

    def _log(self, event: str, reply: Reply) -> None:
        """Tell the log of a refusal; the texts are ours, the client's words stay out."""
        where = {"door": self.rules.door, "address": self.session.address}
        words = f"{reply.code} {reply.enhanced} {reply.text}"
        logger.info(event, extra={**where, "connection": self.session.name, "reply": words})

    @property
    def _most_errors(self) -> int:
        limits = self.rules.limits
        return limits.signed_in_errors if self.session.authenticated else limits.errors

    def _hang_up(self, reply: Reply) -> Reply:
        self.next = Next.HANG_UP
        return reply

    def _tell(self) -> None:
        """Have what was refused in the transaction recorded."""
        if self.transaction.declines:
            self._hooks.refused(self.session, self.transaction)

    def _reset(self) -> None:
        if self._chunks:
            self._receiver.forget_text()
        self._tell()
        self.session.dialogue.end()
        self.transaction.close()
        self.transaction = Transaction()
        self._recipients = 0
        self._chunks = False

    # commands

    async def _hello(self, command: Hello) -> Reply:
        if (command.verb == "LHLO") is not self.rules.lmtp:
            return Reply(500, "5.5.1", f"This door wants {'LHLO' if self.rules.lmtp else 'EHLO'}")
        if self._receiver.buffered:
            # RFC 2920 section 3.1: EHLO ends a group; who sends more without reading is a robot.
            self.session.early_talker = True
        self._reset()
        session = self.session
        session.host_name = command.name
        session.extended_smtp = command.verb != "HELO"
        if not session.extended_smtp:
            answer = await self._ask("HELO", command.name)
            return as_reply(answer, Reply(250, "", self.rules.hostname))
        lines = [self.rules.hostname, *self.rules.features(session)]
        if (hook := self._hooks.get("EHLO")) is not None:
            statuses = [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]
            answer = await ask(hook, self, session, self.transaction, command.name, statuses)
            if isinstance(answer, Reply | MailError):
                return as_reply(answer, _OK)
            lines = [str(status)[4:] for status in answer]
        return Reply(250, "", "\n".join(lines))

    async def _mail(self, command: Mail) -> Reply:
        session = self.session
        if not session.host_name:
            return _HELLO_FIRST
        if self.transaction.is_open:
            return _NESTED_MAIL
        sender = "" if command.path.address is None else str(command.path.address)
        self.transaction.declines.sender = sender
        if (refusal := self._mail_refusal(command)) is not None:
            return refusal
        options = Options(command)
        answer = await self._ask("MAIL", sender, options)
        reply = as_reply(answer, _MAIL_OK)
        if reply.is_positive:
            self.transaction.open(command)
            self.transaction.mail_options.extend(options)
            return reply
        return self._declined(declined.MAIL, reply, answer=answer)

    def _mail_refusal(self, command: Mail) -> Reply | None:
        """Why a MAIL is not taken that no handler has to look at."""
        session = self.session
        if self.rules.auth and not session.authenticated:
            if self.rules.may_sign_in(session):
                return self._declined(declined.MAIL, _AUTH_FIRST, cause="signin")
            return self._declined(declined.MAIL, _TLS_FIRST, cause="tls")
        if command.parameters.size > self.rules.limits.message:
            return self._declined(declined.MAIL, MessageTooLarge.reply, cause="size")
        if (refusal := self.rules.refusal(session, command.parameters)) is not None:
            return self._declined(declined.MAIL, refusal, cause="parameter")
        return None

    def _declined(
        self,
        stage: str,
        reply: Reply,
        *,
        answer: object = None,
        recipients: list[str] | None = None,
        cause: str = "",
    ) -> Reply:
        """Note a refusal for the trace; return its reply."""
        self.transaction.declines.add(stage, answer, reply, recipients or [], cause)
        return reply

    async def _rcpt(self, command: Rcpt) -> Reply:
        if not self.transaction.is_open:
            return _NEED_MAIL
        if self._chunks:
            return _MIXED
        address = "postmaster" if command.path.postmaster else str(command.path.address)
        if self._recipients >= self.rules.limits.recipients:
            return self._declined(
                declined.RCPT, _MANY_RECIPIENTS, recipients=[address], cause="recipients"
            )
        self._recipients += 1  # before waiting: pipelined ones are resolved at the same time
        options = Options(command)
        transaction = self.transaction
        answer = await self._ask("RCPT", address, options)
        reply = as_reply(answer, _RCPT_OK)
        if reply.is_positive:
            transaction.rcpt_tos.append(address)
            transaction.rcpt_options.extend(options)
            return reply
        self._recipients -= 1
        return self._declined(declined.RCPT, reply, answer=answer, recipients=[address])

    async def _data(self, _command: Data) -> Reply:
        if (refusal := self._text_refusal()) is not None:
            return refusal
        if self._chunks:
            return _MIXED
        self._receiver.begin_data()
        return _GO_ON

    def _text_refusal(self) -> Reply | None:
        if not self.transaction.is_open:
            return _NEED_MAIL
        if not self.transaction.rcpt_tos:
            # RFC 2033 section 4.2 wants 503 from LMTP, RFC 2920 section 3.1 allows 554.
            return _NEED_RCPT if self.rules.lmtp else _NO_RCPT
        return None

    async def _rset(self, _command: Simple) -> Reply:
        self._reset()
        return as_reply(await self._ask("RSET"), _OK)

    async def _noop(self, command: Simple) -> Reply:
        return as_reply(await self._ask("NOOP", command.argument.decode("latin-1")), _OK)

    async def _vrfy(self, command: Simple) -> Reply:
        # The same for whoever exists and whoever does not (RFC 5321 section 7.3).
        return as_reply(await self._ask("VRFY", command.argument.decode("latin-1")), _CANNOT_VERIFY)

    async def _expn(self, _command: Simple) -> Reply:
        return _NOT_HERE

    async def _help(self, _command: Simple) -> Reply:
        return _HELP

    async def _quit(self, _command: Simple) -> Reply:
        self.next = Next.CLOSE
        return as_reply(await self._ask("QUIT"), _BYE)

    async def _starttls(self, _command: Simple) -> Reply:
        if self.session.ssl:
            return _TLS_TWICE
        if not self.rules.may_start_tls(self.session):
            return _NOT_HERE
        self.next = Next.START_TLS
        return _TLS_GO

    async def _simple(self, command: Simple) -> Reply:
        return await self._VERBS[command.verb](self, command)

    async def _malformed(self, command: Malformed) -> Reply:
        return command.reply

    async def _foreign(self, _command: Foreign) -> Reply:
        # ALPACA: a browser's request whose body holds commands. Run none of it (CVE-2021-31971).
        self.next = Next.ABORT
        return _NOT_WEB

    # text

    async def _bdat(self, command: Bdat) -> Reply | None:
        """Begin a chunk. Its octets come whatever we think of it, so they are always read."""
        limit = self.rules.limits.message
        if command.size > limit * _ABSURD:
            return self._hang_up(MessageTooLarge.reply)
        self._chunk_reply = self._text_refusal()
        self._chunks = True
        self._receiver.begin_chunk(command.size, last=command.last)
        if self._chunk_reply is not None or command.size > limit:
            self._receiver.refuse_text(Fault.TOO_BIG)
        return None

    def _chunk(self, event: Chunk) -> Reply:
        reply = self._chunk_reply
        if reply is None and event.fault is not None:
            reply = self._faulty(event.fault)
        if reply is None:
            return _CHUNK_OK
        return reply

    def _faulty(self, fault: Fault) -> Reply:
        """Note that the text is not taken for what it is."""
        names = list(self.transaction.rcpt_tos)
        cause = _FAULT_CAUSES[fault]
        return self._declined(declined.DATA, _FAULTS[fault], recipients=names, cause=cause)

    async def _message(self, event: Message) -> bytes:
        transaction, refusal = self.transaction, self._chunk_reply
        self._chunk_reply = None
        if refusal is not None:
            octets = self._counted(refusal)
            self._reset()
            return octets
        if event.fault is not None:
            answer: Any = self._faulty(event.fault)
        else:
            self.session.dialogue.note(f"{len(event.raw)} octets of text")
            transaction.content = transaction.original_content = event.raw
            answer = await self._ask("DATA")
        answers = answer if isinstance(answer, list) else [answer] * self._answers(transaction)
        replies = [as_reply(item, _OK) for item in answers]
        if event.fault is None:
            self._note_text_refusals(answers, replies)
        if any(reply.is_positive for reply in replies):
            self._commands = self._errors = 0
        octets = b"".join(self._counted(reply) for reply in replies)
        self._reset()
        return octets

    def _note_text_refusals(self, answers: Sequence[object], replies: Sequence[Reply]) -> None:
        names = self.transaction.rcpt_tos
        for number, (answer, reply) in enumerate(zip(answers, replies, strict=True)):
            if not reply.is_positive:
                about = names[number : number + 1] if self.rules.lmtp else list(names)
                self._declined(declined.DATA, reply, answer=answer, recipients=about)

    def _answers(self, transaction: Transaction) -> int:
        return len(transaction.rcpt_tos) if self.rules.lmtp else 1

    # AUTH

    async def _auth(self, command: Auth) -> Reply:
        if not self.rules.auth:
            return _NOT_HERE
        if not self.session.host_name:
            return _HELLO_FIRST
        if self.session.authenticated:
            return _AUTH_TWICE
        if self.transaction.is_open:
            return _AUTH_IN_MAIL
        if not self.rules.may_sign_in(self.session):
            return _AUTH_IN_CLEAR  # whatever password came along is not looked at
        if command.mechanism not in self.rules.offered(self.session):
            return _AUTH_UNKNOWN
        exchange = self._hooks.exchange(command.mechanism, self, self.session, self.transaction)
        if exchange is None:
            return _NOT_HERE
        return self._outcome(exchange, await ask(exchange.start, command.initial))

    def _outcome(self, exchange: Exchange, outcome: Any) -> Reply:
        if isinstance(outcome, Challenge):
            self._exchange = exchange
            return Reply(334, "", outcome.encoded.decode())
        if isinstance(outcome, Failure):
            cancelled = outcome.reason is FailureReason.CANCELLED
            return _AUTH_CANCELLED if cancelled else _AUTH_MALFORMED
        if not isinstance(outcome, AuthResult):
            return self._auth_failed(as_reply(outcome, AuthenticationFailed.reply))
        if not outcome.success:
            return self._auth_failed(as_reply(outcome.message, AuthenticationFailed.reply))
        self.session.auth_data = outcome.auth_data
        principal = self.session.principal
        if principal is not None and not self._signed_in(principal.user_id):
            return self._hang_up(_MANY_CONNECTIONS)
        self.session.authenticated = True
        self._errors = 0
        return _AUTH_OK

    def _auth_failed(self, reply: Reply) -> Reply:
        self._auth_failures += 1
        if self._auth_failures >= self.rules.limits.auth_failures:
            return self._hang_up(_AUTH_END)
        return reply

    async def _ask(self, name: str, *args: object) -> Any:
        hook = self._hooks.get(name)
        if hook is None:
            return None
        return await ask(hook, self, self.session, self.transaction, *args)

    _METHODS: ClassVar[dict[type[Command], Callable[..., Awaitable[Reply | None]]]] = {
        Hello: _hello,
        Mail: _mail,
        Rcpt: _rcpt,
        Data: _data,
        Bdat: _bdat,
        Auth: _auth,
        Simple: _simple,
        Malformed: _malformed,
        Foreign: _foreign,
    }
    _VERBS: ClassVar[dict[str, Callable[..., Awaitable[Reply]]]] = {
        "RSET": _rset,
        "NOOP": _noop,
        "VRFY": _vrfy,
        "EXPN": _expn,
        "HELP": _help,
        "QUIT": _quit,
        "STARTTLS": _starttls,
    }
