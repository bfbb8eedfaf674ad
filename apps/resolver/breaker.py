"""Whether any name server answers at all. When none does, questions fail at once.

A host without DNS takes mail at full speed that way, with temporary results, where each question
would wait its whole time otherwise. Silence about some names proves nothing: whoever sends mail in
the name of domains whose servers are dead must not switch off the look-ups for all others. So a
doubt leads to a question of our own, for the root, which every resolving server knows by heart; if
nobody answers that either, whatever the answer, nobody is there. From then on it is asked again
while questions come in, once a second.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import dns.asyncquery
import dns.exception
import dns.message

logger = logging.getLogger(__name__)

DOUBT: Final = 1.0  # seconds that a question waits in silence before the root is asked
SECONDS: Final = 1.5  # for an answer about the root
AGAIN: Final = 0.5  # seconds after which it is asked once more: one packet may be lost
PAUSE: Final = 1.0  # seconds between probes while nobody answers
_NEVER: Final = -float("inf")


Server = tuple[str, int]


class Breaker:
    """Watches the questions of one resolver. Belongs to one event loop.

    Args:
        first: told which server answered about the root before all others, when there was a doubt:
            the one before it may be dead, and every question would wait for it.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        first: Callable[[Server], None] = lambda _: None,
        *,
        doubt: float = DOUBT,
    ) -> None:
        self._servers = tuple(servers)
        self._first = first
        self._doubt = doubt
        self._is_open = False
        self._heard_at = _NEVER  # loop time of the last answer to anything
        self._probed_at = _NEVER
        self._waiting: set[asyncio.Timeout] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._probe: asyncio.Task[None] | None = None

    def look_around(self) -> None:
        """Ask the root before anybody asks for anything, so that nobody waits to learn that nobody
        is there."""
        self._ask_root()

    def refuses(self) -> bool:
        """Whether a question would be in vain."""
        if self._is_open and asyncio.get_running_loop().time() >= self._probed_at + PAUSE:
            self._ask_root()
        return self._is_open

    @contextlib.contextmanager
    def watching(self, limit: asyncio.Timeout) -> Iterator[None]:
        """Hold a question that is about to be asked; `limit` is cut short if nobody is there."""
        self._waiting.add(limit)
        self._look_later(self._doubt if self._heard_at > _NEVER else 0.0)
        try:
            yield
        finally:
            self._waiting.discard(limit)

    def answered(self) -> None:
        """A name server has said something, be it that it failed."""
        self._heard_at = asyncio.get_running_loop().time()
        if self._is_open:
            self._is_open = False
            logger.info("name servers answer again")

    def _look_later(self, seconds: float) -> None:
        if self._timer is None and self._probe is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        """Ask the root if questions wait, and nothing has been answered for a while."""
        self._timer = None
        if not self._waiting:
            return
        left = self._heard_at + self._doubt - asyncio.get_running_loop().time()
        if left > 0:
            self._look_later(left)
        else:
            self._ask_root()

    def _ask_root(self) -> None:
        if self._probe is None:
            loop = asyncio.get_running_loop()
            self._probed_at = loop.time()
            self._probe = loop.create_task(self._try_root())

    async def _try_root(self) -> None:
        try:
            server = await self._who_is_there()
            if server is not None:
                self.answered()
                self._first(server)
            elif self._heard_at < self._probed_at:
                self._open()
        finally:
            self._probe = None
        if self._waiting and not self._is_open:
            self._look_later(self._doubt)

    async def _who_is_there(self) -> Server | None:
        questions = [
            asyncio.ensure_future(_answers(server, later))
            for later in (0.0, AGAIN)
            for server in self._servers
        ]
        try:
            for question in asyncio.as_completed(questions):
                if (server := await question) is not None:
                    return server
        finally:
            for one in questions:
                one.cancel()
        return None

    def _open(self) -> None:
        if not self._is_open:
            self._is_open = True
            logger.warning("no name server answers, questions to the DNS fail at once")
        now = asyncio.get_running_loop().time()
        for limit in self._waiting:
            if not limit.expired():
                limit.reschedule(now)


async def _answers(server: Server, later: float) -> Server | None:
    """The server, if it says anything about the root when asked some seconds later."""
    host, port = server
    question = dns.message.make_query(".", "NS")
    try:
        await asyncio.sleep(later)
        await dns.asyncquery.udp(question, host, timeout=SECONDS - later, port=port)
    except (dns.exception.Timeout, OSError, EOFError):
        return None
    except dns.exception.DNSException:
        return server  # nonsense, but somebody's
    return server
