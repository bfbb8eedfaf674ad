"""Everything that is asked about one message, in the dialogue in which it comes.

    inquiry = Inquiry(client, resolver, trusted=("google.com",))
    inquiry.begin()                               # at MAIL: SPF, in the background
    authentication = await inquiry.finish(raw)    # at the dot: DKIM, ARC, DMARC
    inquiry.close()                               # whatever happens

All questions run side by side and have one deadline, counted from the dot: what is late then is a
temporary error, and so is what failed by a fault of ours. Nothing raises but CancelledError, and
nothing goes on after `close`. One inquiry is for one MAIL and belongs to one event loop.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine
from dataclasses import replace
from typing import Any, Final, TypeVar

from apps.mailauth import arc, chain, dmarc, signature, spf, verify
from apps.mailauth.bodies import Bodies
from apps.mailauth.dmarc import Author, Identities
from apps.mailauth.message import HeaderTooLargeError, Message, split
from apps.mailauth.types import Arc, Authentication, Client, Dkim, Dmarc, Iprev, Result, Spf
from apps.mime.address import Address, AddressError
from apps.resolver.base import Resolver

logger = logging.getLogger(__name__)

SECONDS: Final = 10.0  # after the dot; the sender waits ten minutes (RFC 5321 section 4.5.3.2.6)
LATE: Final = "the DNS did not answer in time"
_TOO_LARGE: Final = split(b"")

Found = TypeVar("Found")
Asked = asyncio.Task[Found]


class Inquiry:
    """What is asked about one message.

    Args:
        trusted: domains whose ARC seals may lift a DMARC failure.
        now: Unix seconds.
        sample: a number from 0 to 99 for pct= of DMARC.
        seconds: from the dot until all must be known.
    """

    def __init__(
        self,
        client: Client,
        resolver: Resolver,
        *,
        trusted: Collection[str] = (),
        now: Callable[[], float] = time.time,
        sample: dmarc.Sample = dmarc.sample,
        seconds: float = SECONDS,
    ) -> None:
        self._client = client
        self._resolver = resolver
        self._trusted = trusted
        self._now = now
        self._sample = sample
        self._seconds = seconds
        self._tasks: list[asyncio.Task[Any]] = []
        self._helo: Asked[Spf] | None = None
        self._sender: Asked[Spf] | None = None

    def begin(self) -> None:
        """Start what needs no message. Does not wait; the second time it does nothing."""
        if self._helo is None:
            self._helo = self._start(spf.check_helo(self._client, self._resolver))
            if self._client.sender:
                self._sender = self._start(spf.check_sender(self._client, self._resolver))

    async def finish(self, raw: bytes, *, iprev: Iprev | None = None) -> Authentication:
        """Find out all the rest, at the deadline at the latest.

        Args:
            raw: the message as it came, CRLF line ends.
            iprev: what is known of the connection.
        """
        self.begin()
        iprev = iprev or Iprev()
        try:
            return await self._authentication(raw, iprev)
        except Exception:
            # A fault of ours is no fault of the sender's: as if nobody had answered.
            logger.exception("a message could not be authenticated")
            owed = Dmarc(Result.TEMPERROR, reason="it could not be checked")
            return Authentication(iprev=iprev, dmarc=owed)
        finally:
            self.close()

    def close(self) -> None:
        """Stop whatever still runs. May be called at any time, and again."""
        for task in self._tasks:
            task.cancel()  # nothing to those that are done
        self._tasks.clear()

    async def _authentication(self, raw: bytes, iprev: Iprev) -> Authentication:
        message, author = _read(raw)
        signatures, handed_on = self._signatures(message, author)
        published = self._start(dmarc.policies(author, self._resolver))
        await asyncio.wait(self._tasks, timeout=self._seconds)
        helo, sender = self._spf()
        dkim = () if signatures is None else _of(signatures, lambda: _late_signatures(message))
        chained = Arc()
        if handed_on is not None:
            chained = _of(handed_on, lambda: Arc(Result.TEMPERROR, reason=LATE))
        policies = _of(published, lambda: [dmarc.late(one) for one in author.domains])
        found = dmarc.judge(
            author, Identities(sender, dkim, chained), policies, sample=self._sample
        )
        return Authentication(iprev, helo, sender, dkim, chained, found)

    def _signatures(
        self, message: Message, author: Author
    ) -> tuple[Asked[tuple[Dkim, ...]] | None, Asked[Arc] | None]:
        """Begin to verify what there is to verify; most mail that nobody signed costs nothing."""
        names = {field.name for field in message.fields}
        now, bodies = int(self._now()), Bodies(message.body)
        signatures, handed_on = None, None
        if verify.NAME in names:
            check = verify.verify(message, self._resolver, now=now, bodies=bodies)
            signatures = self._start(check)
        if not names.isdisjoint(arc.KINDS):
            handed_on = self._start(
                chain.check(
                    message,
                    self._resolver,
                    now=now,
                    trusted=self._trusted,
                    author=author.domain,
                    bodies=bodies,
                )
            )
        return signatures, handed_on

    def _spf(self) -> tuple[Spf, Spf]:
        """Of HELO and of the reverse-path; the null path stands for HELO (RFC 7208 section 2.4)."""
        helo = _of(self._helo, lambda: Spf(Result.TEMPERROR, scope="helo", reason=LATE))
        if self._sender is None:
            return helo, replace(helo, scope="mfrom")
        return helo, _of(self._sender, lambda: _late_sender(self._client))

    def _start(self, question: Coroutine[Any, Any, Found]) -> Asked[Found]:
        task = asyncio.create_task(question)
        task.add_done_callback(_note_fault)
        self._tasks.append(task)
        return task


def _note_fault(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("a check of a sender failed", exc_info=error)


def _of(task: Asked[Found] | None, late: Callable[[], Found]) -> Found:
    """What a question found, or what stands for it if it is late or failed."""
    if task is None or not task.done() or task.cancelled() or task.exception() is not None:
        return late()
    return task.result()


def _read(raw: bytes) -> tuple[Message, Author]:
    """The message, and who says to have written it."""
    try:
        message = split(raw)
    except HeaderTooLargeError as error:
        # What nobody reads to its end has no author that could be shown to be the one.
        return _TOO_LARGE, Author(is_crowd=True, reason=str(error))
    return message, dmarc.author(message)


def _late_sender(client: Client) -> Spf:
    try:
        domain = Address.parse(client.sender).domain
    except AddressError:
        domain = ""
    return Spf(Result.TEMPERROR, domain, reason=LATE)


def _late_signatures(message: Message) -> tuple[Dkim, ...]:
    """Keys are waited for no longer than the deadline anyway, each by itself; this is for the rest,
    which no sender can bring about: a machine that does not keep up."""
    outlines = map(signature.outline, message.named(verify.NAME)[: verify.CHECKED_MAX])
    return tuple(
        Dkim(
            Result.TEMPERROR,
            outline.domain,
            outline.selector,
            algorithm=outline.algorithm,
            value=outline.value,
            reason=LATE,
        )
        for outline in outlines
    )
