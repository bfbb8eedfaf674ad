"""One transaction with a server: MAIL, RCPT, DATA, the text, and what each recipient's fate is.

Commands go out together where the server offers PIPELINING (RFC 2920). Whatever happens, every
recipient gets exactly one Result: what the server said of it; else what it said of the sender or
the text; else why it could say nothing. A message counts as delivered only by a 2yz after its final
dot, which was due (RFC 5321 section 4.2.5); in LMTP by one for each recipient (RFC 2033).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Final

from apps.remote.connection import BLOCK, ConversationError, LostError
from apps.remote.content import Content, Rcpt
from apps.remote.greeting import Peer
from apps.remote.patience import Patience
from apps.remote.replies import MAX_TEXT, Reply, ReplyError
from apps.remote.types import Outcome, Recipient, Result

BROKEN: Final = "4.4.2"
NONSENSE: Final = "4.5.0"
CLOSING: Final = 421
TOO_MANY: Final = frozenset({452, 552})  # RFC 5321 section 4.5.3.1.10

Fence = Callable[[], Awaitable[None]]
"""Asked before DATA and before the final dot: raises when the message is not ours to send."""


class _SaidError(Exception):
    """A reply that ends the transaction for all who have no fate yet."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class _StoppedError(Exception):
    """The fence raised: whatever that was, it is no failure of the remote."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Transaction:
    """Sends one message to some recipients over one peer, once."""

    def __init__(
        self, peer: Peer, mail: bytes, content: Content, patience: Patience, fence: Fence
    ) -> None:
        self.results: list[Result] = []
        self.is_stale = False  # the connection had ended before MAIL was answered
        self._peer = peer
        self._wire = peer.wire
        self._mail = mail
        self._content = content
        self._patience = patience
        self._fence = fence
        self._open: dict[int, Recipient] = {}  # who has no fate yet
        self._taken: list[Recipient] = []  # whom RCPT was answered well, in order
        self._crowded: list[Rcpt] = []
        self._doing = "MAIL"

    async def run(self, rcpts: Sequence[Rcpt]) -> list[Rcpt]:
        """Send; `results` are complete afterwards.

        Returns:
            Recipients for whom the server had no room in this transaction, only when it had for
            others: they are not among `results` and should have a transaction of their own.

        Raises:
            Exception: what the fence raised; the connection is cut.
        """
        self._open = {one.recipient.ref: one.recipient for one in rcpts}
        try:
            with self._failures():
                is_ready = await self._offer(rcpts)
                if is_ready:
                    await self._deliver()
        except _StoppedError as error:
            self._wire.abort()
            raise error.reason from None
        except BaseException:
            self._wire.abort()
            raise
        if self._crowded and not self._taken:
            self._settle_crowd()
            return []
        return self._crowded

    async def _offer(self, rcpts: Sequence[Rcpt]) -> bool:
        """MAIL, RCPT and DATA; whether the server waits for the text."""
        async with asyncio.timeout(self._patience.envelope):
            if "pipelining" in self._peer.extensions:
                return await self._offer_together(rcpts)
            return await self._offer_singly(rcpts)

    async def _offer_together(self, rcpts: Sequence[Rcpt]) -> bool:
        await self._ask_leave()
        commands = [self._mail, *(one.command for one in rcpts), b"DATA"]
        reset = [b"RSET"] if self._peer.needs_reset else []
        self._peer.needs_reset = True
        self._wire.send(reset + commands)
        if reset:
            await self._reply("RSET", self._patience.hello)
        mail = await self._reply("MAIL", self._patience.mail)
        for one in rcpts:
            reply = await self._reply("RCPT", self._patience.recipient)
            if mail.is_positive:
                self._judge(one, reply)
        if not mail.is_positive:
            self._settle(self._open.values(), mail)
        data = await self._reply("DATA", self._patience.data)
        return await self._is_ready(data)

    async def _offer_singly(self, rcpts: Sequence[Rcpt]) -> bool:
        if self._peer.needs_reset:
            await self._command("RSET", b"RSET", self._patience.hello)
        self._peer.needs_reset = True
        mail = await self._command("MAIL", self._mail, self._patience.mail)
        if not mail.is_positive:
            self._settle(self._open.values(), mail)
            return False
        for one in rcpts:
            reply = await self._command("RCPT", one.command, self._patience.recipient)
            self._judge(one, reply)
        if not self._taken:
            return False
        await self._ask_leave()
        data = await self._command("DATA", b"DATA", self._patience.data)
        return await self._is_ready(data)

    async def _is_ready(self, data: Reply) -> bool:
        if data.code == 354:
            if self._taken:
                return True
            if self._peer.is_lmtp:  # after the dot, one reply for each of nobody
                raise ConversationError("it wants a text for nobody")
            # RFC 2920 section 3.1: nobody is to get it, and the server waits for it all the same.
            self._wire.end_text(b".\r\n")
            await self._reply("the end of the text", self._patience.end)
        elif data.code < 400 and self._taken:
            raise ConversationError(f"it answered DATA with {data.code}")
        else:
            self._settle(list(self._taken), data)
        return False

    async def _deliver(self) -> None:
        """The text and the final dot."""
        self._peer.has_asked_for_text = True
        text = self._content.stuffed
        replies = len(self._taken) if self._peer.is_lmtp else 1
        if len(text) > BLOCK:
            await self._send_blocks(memoryview(text))
            text = b""
        await self._ask_leave()
        self._look_for_early_reply()
        self._wire.end_text(text + b".\r\n", replies)
        waiting = list(self._taken)
        for _ in range(replies):
            reply = await self._reply("the end of the text", self._patience.end)
            self._settle([waiting.pop(0)] if self._peer.is_lmtp else waiting, reply)
        self._peer.needs_reset = False

    async def _send_blocks(self, text: memoryview) -> None:
        self._doing = "the text"
        async with asyncio.timeout(self._patience.text):
            for start in range(0, len(text), BLOCK):
                async with asyncio.timeout(self._patience.block):
                    await self._wire.send_text(text[start : start + BLOCK])
                self._look_for_early_reply()

    def _look_for_early_reply(self) -> None:
        """Too big, over quota, going down: the rest is not wanted. A 2yz now would be an answer to
        nothing we asked, and no delivery."""
        early = self._wire.peek()
        if early is not None:
            self._doing = "the text"
            raise LostError("it answered before the end of the text", early)

    async def _ask_leave(self) -> None:
        try:
            await self._fence()
        except Exception as error:  # noqa: BLE001 - it goes on to the caller
            raise _StoppedError(error) from None

    async def _command(self, doing: str, line: bytes, patience: float) -> Reply:
        self._doing = doing
        self._wire.send([line])
        return await self._reply(doing, patience)

    async def _reply(self, doing: str, patience: float) -> Reply:
        self._doing = doing
        if self._wire.peek() is not None:  # as most of them are when commands go out together
            reply = await self._wire.reply()
        else:
            async with asyncio.timeout(patience):
                reply = await self._wire.reply()
        if reply.code == CLOSING:
            raise _SaidError(reply)
        return reply

    def _judge(self, rcpt: Rcpt, reply: Reply) -> None:
        if reply.is_positive:
            self._taken.append(rcpt.recipient)
        elif reply.code in TOO_MANY and not reply.status[2:].startswith("2."):
            # X.2.x is about this one mailbox; anything else is the server's limit on recipients.
            self._crowded.append(rcpt)
            self._room = reply
            del self._open[rcpt.recipient.ref]
        else:
            self._settle([rcpt.recipient], reply)

    def _settle_crowd(self) -> None:
        """Nobody found room: then it is a refusal, and a temporary one whatever its code says."""
        for one in self._crowded:
            self._open[one.recipient.ref] = one.recipient
            self._add(one.recipient, Outcome.DEFERRED, self._room.text, self._room)
        self._crowded = []

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Give whoever is open the fate of a conversation that ended early."""
        try:
            yield
        except _SaidError as error:
            self._end(error.reply, "")
        except LostError as error:
            said = error.reply
            self._end(said if said is not None and said.code >= 400 else None, str(error))
        except TimeoutError:
            self._end(None, "it did not answer in time")
            self.is_stale = False
        except (ConversationError, ReplyError) as error:
            self._end(None, str(error))

    def _end(self, reply: Reply | None, reason: str) -> None:
        self._wire.abort()
        self.is_stale = self._doing in {"RSET", "MAIL"}
        # Whoever found no room was answered; nobody else is left to be asked over this connection.
        if self._crowded:
            self._settle_crowd()
        if reply is not None:
            self._settle(list(self._open.values()), reply)
            return
        words = f"{reason} ({self._doing})"
        if self._doing == "the end of the text":
            words = f"{reason} after the whole message was sent: it may have arrived"
        for recipient in list(self._open.values()):
            self._add(recipient, Outcome.DEFERRED, f"{self._peer.host}: {words}", None)

    def _settle(self, recipients: Iterable[Recipient], reply: Reply) -> None:
        if reply.is_positive:
            outcome = Outcome.DELIVERED
        else:
            outcome = Outcome.FAILED if reply.is_permanent else Outcome.DEFERRED
        for recipient in list(recipients):
            if recipient.ref in self._open:
                self._add(recipient, outcome, reply.text, reply)

    def _add(self, recipient: Recipient, outcome: Outcome, text: str, reply: Reply | None) -> None:
        del self._open[recipient.ref]
        status = BROKEN if reply is None else reply.status
        if outcome is Outcome.DEFERRED and not status.startswith("4"):
            status = f"4{status[1:]}" if status.startswith("5") else NONSENSE
        self.results.append(
            result(self._peer, recipient.ref, outcome, status, text[:MAX_TEXT], reply)
        )


def result(
    peer: Peer, ref: int, outcome: Outcome, status: str, text: str, reply: Reply | None = None
) -> Result:
    """A Result with all that a peer tells of itself."""
    return Result(
        ref,
        outcome,
        0 if reply is None else reply.code,
        status,
        text,
        is_remote=reply is not None,
        host=peer.host,
        address=peer.address,
        tls=peer.verdict.tls,
        kept_dsn="dsn" in peer.extensions,
    )


def judge(peer: Peer, ref: int, reply: Reply) -> Result:
    """The Result of a question without a message: delivered means that it would be taken."""
    if reply.is_positive:
        outcome = Outcome.DELIVERED
    else:
        outcome = Outcome.FAILED if reply.is_permanent else Outcome.DEFERRED
    return result(peer, ref, outcome, reply.status, reply.text, reply)
