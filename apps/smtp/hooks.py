"""The handler side of aiosmtpd's contract: which `handle_*` methods there are, and their answers.

A handler is any object with some of aiosmtpd's asynchronous hooks, called as aiosmtpd calls them:
`handle_MAIL(server, session, envelope, address, options)` and so on. An answer is aiosmtpd's status
string ("250 OK"), a `Reply`, for LMTP's DATA a list of replies, or None for the usual answer; what
it raises or returns of `MailError` and `Refusal` is answered with the reply that is in it. Three
are ours alone: `handle_CONNECT(server, session, envelope)` is asked before the greeting, a method
`refused(session, envelope)` is told of a transaction of which something was refused, when it ends,
and `left(session)`, once, that the connection is over.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiosmtpd.smtp import AuthResult, LoginPassword

from apps.reception.judging import Refusal
from apps.wire.errors import AuthenticationFailed, MailError
from apps.wire.replies import Reply
from apps.wire.sasl import PASSWORD_MECHANISMS, Challenge, Failure, PasswordOutcome

logger = logging.getLogger(__name__)

Hook = Callable[..., Awaitable[Any]]

NAMES = ("CONNECT", "EHLO", "HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY")

_STATUS = re.compile(r"([2-5][0-9]{2})[ -]?(?:([245]\.[0-9]{1,3}\.[0-9]{1,3}) )?(.*)", re.DOTALL)
BROKEN = Reply(451, "4.3.0", "Something went wrong here, try again later")


class Exchange(Protocol):
    """One AUTH command under way. Each call gives what to do next: a challenge to send, a failure
    of form, a result, or a reply that refuses; it may raise MailError."""

    async def start(self, initial: bytes | None) -> Challenge | Failure | AuthResult | Reply: ...

    async def step(self, line: bytes) -> Challenge | Failure | AuthResult | Reply: ...


class Hooks:
    """The hooks of one handler, looked up once and not per connection."""

    __slots__ = ("_found", "_left", "_refused", "_sign_in", "authenticate", "handler")

    def __init__(self, handler: object) -> None:
        self.handler = handler
        self._found: dict[str, Hook] = {
            name: hook for name in NAMES if (hook := getattr(handler, f"handle_{name}", None))
        }
        # aiosmtpd gives its authenticator apart from the handler; ours is a method of it.
        self.authenticate: Hook | None = getattr(handler, "authenticate", None)
        self._left: Callable[[Any], None] | None = getattr(handler, "left", None)
        self._refused: Callable[[Any, Any], None] | None = getattr(handler, "refused", None)
        # More than passwords: our own handlers bring the whole exchange.
        self._sign_in: Callable[..., Exchange] | None = getattr(handler, "sign_in", None)

    def get(self, name: str) -> Hook | None:
        """Return the hook of a command, None if the handler leaves it to us."""
        return self._found.get(name)

    def left(self, session: Any) -> None:
        """Tell the handler that a connection is over; what it raises is logged."""
        if self._left is None:
            return
        try:
            self._left(session)
        except Exception:
            logger.exception("a handler failed")

    def refused(self, session: Any, envelope: Any) -> None:
        """Tell the handler of what was refused in a transaction; what it raises is logged."""
        if self._refused is None:
            return
        try:
            self._refused(session, envelope)
        except Exception:
            logger.exception("a handler failed")

    def exchange(self, mechanism: str, server: Any, session: Any, envelope: Any) -> Exchange | None:
        """Begin an AUTH command; None if the handler cannot sign anybody in that way."""
        if self._sign_in is not None:
            return self._sign_in(server, session, mechanism)
        if self.authenticate is None or mechanism not in PASSWORD_MECHANISMS:
            return None

        async def check(login: LoginPassword) -> Any:
            assert self.authenticate is not None
            return await self.authenticate(server, session, envelope, mechanism, login)

        return PasswordExchange(mechanism, check)


class PasswordExchange:
    """PLAIN and LOGIN for a handler that is asked as aiosmtpd asks it."""

    def __init__(self, mechanism: str, check: Callable[[LoginPassword], Awaitable[Any]]) -> None:
        self._mechanism = PASSWORD_MECHANISMS[mechanism]()
        self._check = check

    async def start(self, initial: bytes | None) -> Any:
        """Begin."""
        return await self._go_on(self._mechanism.start(initial))

    async def step(self, line: bytes) -> Any:
        """Take the answer to a challenge."""
        return await self._go_on(self._mechanism.step(line))

    async def _go_on(self, outcome: PasswordOutcome) -> Any:
        if isinstance(outcome, Challenge | Failure):
            return outcome
        # RFC 4616 section 2: acting as another is a right nobody has here.
        if outcome.authzid and outcome.authzid.casefold() != outcome.username.casefold():
            raise AuthenticationFailed("asked to act as another user")
        return await self._check(
            LoginPassword(outcome.username.encode(), outcome.password.encode())
        )


async def ask(hook: Hook, *args: Any) -> Any:
    """Call a hook; a MailError that it raises is its answer (see `as_reply`), and only such words
    are told to the peer."""
    try:
        return await hook(*args)
    except MailError as error:
        if error.detail:
            logger.info("refused", extra={"reply": str(error.reply.code), "detail": error.detail})
        return error
    except Exception:
        logger.exception("a handler failed")
        return BROKEN


def as_reply(answer: Any, usual: Reply) -> Reply:
    """Return a hook's answer as a reply; `usual` if it gave none."""
    if isinstance(answer, Reply):
        return answer
    if isinstance(answer, MailError | Refusal):
        return answer.reply
    if isinstance(answer, str) and (found := _STATUS.fullmatch(answer)) is not None:
        return Reply(int(found[1]), found[2] or "", found[3])
    return usual if answer is None else BROKEN
