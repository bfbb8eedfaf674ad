"""Asking a server whether it would take a recipient, without a message: call-ahead."""

import asyncio

from apps.mime.address import Address, AddressError
from apps.remote.connection import ConversationError, LostError
from apps.remote.content import BAD_RECIPIENT, NO_UTF8
from apps.remote.greeting import Peer
from apps.remote.patience import Patience
from apps.remote.replies import Reply, ReplyError
from apps.remote.transaction import BROKEN, CLOSING, judge, result
from apps.remote.types import Outcome, Result


async def probe(peer: Peer, sender: str, address: str, patience: Patience) -> Result:
    """Say MAIL and RCPT, one after the other; what comes next on this connection begins with RSET.

    A server that does not like the sender says nothing of the recipient: deferred, whatever the
    code was.

    Args:
        sender: "" for the null reverse-path.
    """
    try:
        recipient = Address.parse(address)
        path = str(Address.parse(sender)) if sender else ""
    except AddressError:
        return result(peer, 0, Outcome.FAILED, BAD_RECIPIENT, "this cannot be an address")
    is_utf8 = not f"{path}{recipient}".isascii()
    if is_utf8 and "smtputf8" not in peer.extensions:
        reason = f"{peer.host} does not take internationalized mail (SMTPUTF8)"
        return result(peer, 0, Outcome.FAILED, NO_UTF8, reason)
    mail = f"MAIL FROM:<{path}>{' SMTPUTF8' if is_utf8 else ''}"
    try:
        return await _ask(peer, mail.encode(), f"RCPT TO:<{recipient}>".encode(), patience)
    except TimeoutError:
        return _silent(peer, "it did not answer in time")
    except LostError as error:
        if error.reply is not None and error.reply.code >= 400:
            return _deferred(peer, error.reply)
        return _silent(peer, str(error))
    except (ConversationError, ReplyError) as error:
        return _silent(peer, str(error))
    except BaseException:
        peer.wire.abort()
        raise


async def _ask(peer: Peer, mail: bytes, rcpt: bytes, patience: Patience) -> Result:
    if peer.needs_reset:
        await _say(peer, b"RSET", patience.hello)
    peer.needs_reset = True
    reply = await _say(peer, mail, patience.mail)
    if not reply.is_positive:
        return _deferred(peer, reply)
    return judge(peer, 0, await _say(peer, rcpt, patience.recipient))


async def _say(peer: Peer, line: bytes, seconds: float) -> Reply:
    peer.wire.send([line])
    async with asyncio.timeout(seconds):
        reply = await peer.wire.reply()
    if reply.code == CLOSING:
        raise LostError("it is going down", reply)
    return reply


def _deferred(peer: Peer, reply: Reply) -> Result:
    if reply.code == CLOSING:
        peer.wire.abort()
    status = f"4{reply.status[1:]}" if reply.status[0] in "45" else BROKEN
    return result(peer, 0, Outcome.DEFERRED, status, reply.text, reply)


def _silent(peer: Peer, reason: str) -> Result:
    peer.wire.abort()
    return result(peer, 0, Outcome.DEFERRED, BROKEN, f"{peer.host}: {reason}")
