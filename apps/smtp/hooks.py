"""The handler side of aiosmtpd's contract: which `handle_*` methods there are, and their answers.

A handler is any object with some of aiosmtpd's asynchronous hooks, called as aiosmtpd calls them:
`handle_MAIL(server, session, envelope, address, options)` and so on. An answer is aiosmtpd's status
string ("250 OK"), a `Reply`, for LMTP's DATA a list of replies, or None for the usual answer.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from apps.wire.errors import MailError
from apps.wire.replies import Reply

logger = logging.getLogger(__name__)

Hook = Callable[..., Awaitable[Any]]

NAMES = ("EHLO", "HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY")

_STATUS = re.compile(r"([2-5][0-9]{2})[ -]?(?:([245]\.[0-9]{1,3}\.[0-9]{1,3}) )?(.*)", re.DOTALL)
_BROKEN = Reply(451, "4.3.0", "Something went wrong here, try again later")


class Hooks:
    """The hooks of one handler, looked up once and not per connection."""

    __slots__ = ("_found", "authenticate", "handler")

    def __init__(self, handler: object) -> None:
        self.handler = handler
        self._found: dict[str, Hook] = {
            name: hook for name in NAMES if (hook := getattr(handler, f"handle_{name}", None))
        }
        # aiosmtpd gives its authenticator apart from the handler; ours is a method of it.
        self.authenticate: Hook | None = getattr(handler, "authenticate", None)

    def get(self, name: str) -> Hook | None:
        """Return the hook of a command, None if the handler leaves it to us."""
        return self._found.get(name)


async def ask(hook: Hook, *args: Any) -> Any:
    """Call a hook; whatever it raises becomes a reply, and only ours are told to the peer."""
    try:
        return await hook(*args)
    except MailError as error:
        if error.detail:
            logger.info("refused", extra={"reply": str(error.reply.code), "detail": error.detail})
        return error.reply
    except Exception:
        logger.exception("a handler failed")
        return _BROKEN


def as_reply(answer: Any, usual: Reply) -> Reply:
    """Return a hook's answer as a reply; `usual` if it gave none."""
    if isinstance(answer, Reply):
        return answer
    if isinstance(answer, str) and (found := _STATUS.fullmatch(answer)) is not None:
        return Reply(int(found[1]), found[2] or "", found[3])
    return usual if answer is None else _BROKEN
