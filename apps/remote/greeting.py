"""From a TCP connection to a server that is ready for MAIL: greeting, EHLO, TLS, AUTH.

`open_peer` promises a `Peer`, or a HopUnreachableError that says what the server said or failed to
do; or a `BrokenTlsError`, where policy allows to come back without TLS. It leaves no connection
open that it does not return.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import aiosmtplib
from django.conf import settings

from apps.remote.connection import ConversationError, Session, Wire, open_wire
from apps.remote.demand import Demand, Verdict
from apps.remote.patience import Patience
from apps.remote.replies import Reply, ReplyError, printable
from apps.remote.types import HopUnreachableError, NextHop

BROKEN: Final = "4.4.2"  # bad connection
MAY_NOT_SIGN_IN: Final = "4.7.8"
NO_AUTH: Final = "4.7.0"
NO_TLS_FOR_AUTH: Final = "4.7.10"
TAKES_NO_MAIL: Final = 521  # RFC 7504


class BrokenTlsError(Exception):
    """TLS did not work, and policy lets mail go without it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


@dataclass(slots=True)
class Peer:
    """A server that is ready.

    Args:
        host, address: the server's name, and IP address with port.
        extensions: what EHLO offered, keywords in lower case, with their parameters.
        verdict: what its TLS came to.
        can_require_tls: REQUIRETLS may be said to it (RFC 8689 section 4.2.1).
        needs_reset: a transaction was begun and not ended; RSET first.
        has_asked_for_text: it has said 354 at least once.
    """

    session: Session
    host: str
    address: str
    extensions: Mapping[str, str]
    is_lmtp: bool
    verdict: Verdict
    can_require_tls: bool
    needs_reset: bool = False
    has_asked_for_text: bool = False

    @property
    def wire(self) -> Wire:
        return self.session.wire

    @property
    def why_no_requiretls(self) -> str:
        """What keeps REQUIRETLS from being said to it, in words."""
        if not self.verdict.tls:
            return f"{self.host} has no TLS, which the message requires all the way (REQUIRETLS)"
        if "requiretls" not in self.extensions:
            return f"{self.host} does not offer REQUIRETLS, which the message requires"
        return (
            f"that {self.host} is the right server is not proved, by MTA-STS or DNSSEC and its"
            " certificate, which the message requires (REQUIRETLS)"
        )

    def number(self, keyword: str) -> int:
        """The parameter of an extension as a number, 0 if it is none."""
        text = self.extensions.get(keyword, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0

    def limits(self) -> dict[str, int]:
        """LIMITS (RFC 9422): names in upper case, numbers above 0."""
        pairs = (word.partition("=") for word in self.extensions.get("limits", "").split())
        return {
            name.upper(): int(value)
            for name, _, value in pairs
            if value.isascii() and value.isdigit() and len(value) < 7 and int(value) > 0
        }


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt: where to, by which demand on TLS."""

    hop: NextHop
    host: str
    address: str
    demand: Demand
    patience: Patience
    broken_tls: str = ""  # TLS was tried before, and this is what was wrong with it


async def open_peer(
    call: Call, connected: socket.socket, record: Callable[[Verdict], None]
) -> Peer:
    """Make a server ready.

    Args:
        record: called with what TLS came to, unless nobody asked for any.

    Raises:
        HopUnreachableError: it cannot be used.
        BrokenTlsError: come back with `broken_tls`.
    """
    wire = await open_wire(connected)
    session = Session(wire, settings.MAIL_HOSTNAME)
    wire.transcript.add("*", f"{call.host} {call.address}")
    if call.broken_tls:
        wire.transcript.add("*", call.broken_tls)
    try:
        with _failures(call, wire):
            verdict = await _introduce(call, session)
            if call.demand.wants_tls and not call.broken_tls:
                record(verdict)
            _judge(call, verdict)
            await _sign_in(call, session)
    except BaseException as error:
        if isinstance(error, HopUnreachableError):
            error.attempts = (*str(wire.transcript).split("\n"), f"* {error.reply}")
        with contextlib.suppress(ConversationError, ReplyError):
            wire.send([b"QUIT"])
        if isinstance(error, HopUnreachableError):
            await asyncio.sleep(0)  # a turn, in which QUIT leaves
        # To end TLS properly takes turns of a loop that may have none left.
        wire.abort()
        session.close()
        raise
    extensions = dict(session.esmtp_extensions)
    is_trusted = verdict.is_verified and call.demand.is_host_authentic
    return Peer(
        session,
        call.host,
        call.address,
        extensions,
        call.hop.kind == "lmtp",
        verdict,
        can_require_tls=is_trusted and "requiretls" in extensions,
    )


async def leave(peer: Peer, patience: Patience) -> None:
    """QUIT, politely but not for long; the connection is closed afterwards."""
    with contextlib.suppress(ConversationError, ReplyError, TimeoutError):
        async with asyncio.timeout(patience.quit):
            peer.wire.send([b"QUIT"])
            await peer.wire.reply()
    peer.wire.abort()  # everything is said; see `open_peer`
    peer.session.close()


async def _introduce(call: Call, session: Session) -> Verdict:
    """Greeting, EHLO and TLS; say EHLO again under TLS (RFC 3207 section 4.2)."""
    patience, demand = call.patience, call.demand
    is_implicit = call.hop.tls == "implicit" and call.hop.kind != "mx"
    if is_implicit:
        try:
            await session.wire.wrap(demand.context(), demand.server_name, patience.handshake)
        except (OSError, ConversationError) as error:
            return demand.handshake_failed(error)
        session.transport = session.wire.transport
    response = await session.wire.read_response(patience.greeting)
    if response.code != 220:
        raise aiosmtplib.SMTPConnectResponseError(response.code, response.message)
    await _hello(call, session)
    if is_implicit:
        return _verified(session, demand)
    if call.broken_tls or not demand.wants_tls:
        return Verdict(may_use=True)
    if not session.supports_extension("starttls"):
        return demand.not_offered()
    try:
        await session.starttls(
            tls_context=demand.context(),
            server_hostname=demand.server_name,
            timeout=patience.handshake,
        )
    except aiosmtplib.SMTPResponseException:
        return demand.not_offered()
    except (OSError, ConversationError, ReplyError) as error:
        return demand.handshake_failed(error)
    verdict = _verified(session, demand)
    if verdict.may_use:
        await _hello(call, session)
    return verdict


def _verified(session: Session, demand: Demand) -> Verdict:
    tls = session.ssl_object
    if tls is None:  # gone since
        raise ConversationError("it closed the connection")
    return demand.verify(tls)


async def _hello(call: Call, session: Session) -> None:
    patience = call.patience.hello
    if call.hop.kind == "lmtp":
        name = settings.MAIL_HOSTNAME.encode("ascii")
        response = await session.execute_command(b"LHLO", name, timeout=patience)
        if response.code != 250:
            raise aiosmtplib.SMTPHeloError(response.code, response.message)
        session.last_ehlo_response = response
        return
    try:
        await session.ehlo(timeout=patience)
    except aiosmtplib.SMTPHeloError as error:
        if error.code < 500:
            raise
        await session.helo(timeout=patience)  # RFC 5321 section 3.2


def _judge(call: Call, verdict: Verdict) -> None:
    if verdict.try_plain:
        raise BrokenTlsError(verdict)
    if not verdict.may_use:
        raise HopUnreachableError(
            verdict.status, verdict.reason, host=call.host, address=call.address
        )


async def _sign_in(call: Call, session: Session) -> None:
    hop = call.hop
    if not hop.username:
        return
    if session.ssl_object is None and hop.tls != "none":
        # "opportunistic" lets mail go in the clear, but a password is not mail.
        raise _refused(call, NO_TLS_FOR_AUTH, "offers no TLS to sign in under")
    if not session.supports_extension("auth"):
        raise _refused(call, NO_AUTH, "does not let us sign in: it offers no AUTH")
    session.wire.hide(is_hidden=True)
    try:
        await session.login(hop.username, hop.password, timeout=call.patience.auth)
    except aiosmtplib.SMTPAuthenticationError as error:
        # Temporary whatever its code says: it is ours to mend, and no message is to blame.
        reply = _reply(error)
        text = f"{call.host} did not let us sign in: {reply.code} {reply.text}"
        raise HopUnreachableError(
            MAY_NOT_SIGN_IN,
            printable(text),
            host=call.host,
            address=call.address,
        ) from None
    except aiosmtplib.SMTPException:
        raise _refused(call, NO_AUTH, "offers no way to sign in that we know") from None
    finally:
        session.wire.hide(is_hidden=False)


@contextlib.contextmanager
def _failures(call: Call, wire: Wire) -> Iterator[None]:
    """Whatever goes wrong in the conversation, in the words of a HopUnreachableError."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as error:
        raise _by_reply(call, error) from None
    except (
        TimeoutError,
        aiosmtplib.SMTPServerDisconnected,
        ConversationError,
        ReplyError,
    ) as error:
        reply = wire.peek()
        if reply is not None and reply.code >= 400:
            raise _by_reply(
                call, aiosmtplib.SMTPResponseException(reply.code, reply.text)
            ) from None
        if isinstance(error, TimeoutError):
            what = "did not answer in time"
        elif isinstance(error, ReplyError):
            what = f"does not speak SMTP: {error}"
        else:
            what = "closed the connection before mail could be sent"
        raise _refused(call, BROKEN, what) from None


def _by_reply(call: Call, error: aiosmtplib.SMTPResponseException) -> HopUnreachableError:
    """A server that does not want to talk: with others, or later, it may be different, unless it
    says that it never takes mail, or that it does not like our name (EHLO and HELO refused)."""
    reply = _reply(error)
    status = reply.status
    is_final = reply.code == TAKES_NO_MAIL or isinstance(error, aiosmtplib.SMTPHeloError)
    if not is_final or not status.startswith("5"):
        status = f"4{status[1:]}" if status[0] in "45" else BROKEN
    return HopUnreachableError(
        status,
        reply.text,
        code=reply.code,
        is_remote=True,
        host=call.host,
        address=call.address,
    )


def _reply(error: aiosmtplib.SMTPResponseException) -> Reply:
    return Reply(error.code, tuple(error.message.split("\n")))


def _refused(call: Call, status: str, what: str) -> HopUnreachableError:
    return HopUnreachableError(status, f"{call.host} {what}", host=call.host, address=call.address)
