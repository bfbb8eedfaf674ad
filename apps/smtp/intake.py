"""What all SMTP doors of a process share: routing, the trace fields, and the moment of acceptance.

Handlers are thin; they call this. It promises: look-ups and commits of concurrent connections are
gathered into few database jobs; nothing is acknowledged before its commit; nothing here runs in a
task that a client can cancel by dropping its connection.
"""

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path as Folder
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.blobs import services as blobs
from apps.blobs.services import PreparedBlob
from apps.delivery import accept, submission
from apps.delivery.accept import Accepted
from apps.delivery.callahead import CallAhead
from apps.directory import routing
from apps.directory.routing import Resolution, Status
from apps.events import bell
from apps.mailauth import forged
from apps.mailqueue.models import Lane
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.mailstore.queries import limits
from apps.mime import dsn
from apps.mime.address import Address, AddressError, Path
from apps.mime.caption import caption_told
from apps.runtime.clock import now_us
from apps.runtime.db import in_db
from apps.runtime.groupcommit import GroupCommit
from apps.runtime.ulid import new_ulid, ulid_text
from apps.smtp.envelope import SmtpSession, Transaction
from apps.smtp.proto.commands import Rcpt
from apps.smtp.proto.parameters import MailParameters
from apps.smtp.proto.trace_fields import (
    Hop,
    delivered_to,
    header_of,
    hops,
    protocol_word,
    received,
)
from apps.smtp.rules import Rules
from apps.smtp.space import Space
from apps.wire.errors import (
    LoopDetected,
    MailError,
    QuotaExceeded,
    SendLimitReached,
    StorageFull,
    TooManyRecipients,
)
from apps.wire.replies import Reply

logger = logging.getLogger(__name__)

# Up to here compressing and hashing takes less time than a hop to another thread and back, and the
# result always fits in the row, so that no file is written on the event loop.
INLINE_BLOB = 16 << 10

# From so many addresses on the few statements of `resolve_many` cost less than one for each.
_FEW = 6

NAME_MOST = 255  # characters of a name that a client asked for

_BEGINS_WITH_FIELD = re.compile(rb"[!-9;-~]{1,76}:")
_LEFT_NO_ROW = (QuotaExceeded, SendLimitReached, TooManyRecipients)
_MANY_TARGETS = Reply(452, "4.5.3", "Too many recipients, send the rest in another transaction")


@dataclass(frozen=True, slots=True)
class Route:
    """Where an address leads;

    the users on the way who have a quota, and whether one of them is full.
    """

    resolution: Resolution
    limited: frozenset[int]
    is_full: bool


@dataclass(frozen=True, slots=True)
class Additions:
    """What a door adds to and hides from a message.

    Args:
        above, fields: whole CRLF lines, over and under our Received.
        message_id: of a message which a user sent.
        client_name: of the client's address, which leads back to it; "" if there is none.
        judgement: JSON of what was found out about the sender, "" if nothing was asked.
        offered_us: how long the door waits for the verdict, in microseconds; 0: it does not.
    """

    above: bytes = b""
    fields: bytes = b""
    cuts: tuple[tuple[int, int], ...] = ()
    message_id: str = ""
    client_name: str = ""
    judgement: str = ""
    offered_us: int = 0


_NONE = Additions()


class _Recent:
    """Good routes of the last quarter of a second:

    under load most recipients come again at once, and a look-up costs as much as all else of a
    RCPT. Nobody notices a change that much later, and acceptance asks for the space again.
    """

    SECONDS = 0.25
    MOST = 5_000

    def __init__(self) -> None:
        self._routes: dict[Address | None, Route] = {}
        self._until = 0.0

    def find(self, address: Address | None) -> Route | None:
        now = time.monotonic()
        if now >= self._until or len(self._routes) >= self.MOST:
            self._routes.clear()
            self._until = now + self.SECONDS
        return self._routes.get(address)

    def keep(self, address: Address | None, route: Route) -> None:
        self._routes[address] = route


class Intake:
    """One per event loop; every handler of its doors has it."""

    def __init__(self, call_ahead: CallAhead | None = None) -> None:
        self._routes: GroupCommit[Address | None, Route] = GroupCommit(_look_up, pool="read")
        self._call_ahead = call_ahead or CallAhead()
        self._recent = _Recent()
        self._commits: GroupCommit[Submission, Accepted] = GroupCommit(
            partial(accept.accept, owes=True)
        )
        self._space = Space(_folders())

    def check_space(self, size: int) -> None:
        """Raise StorageFull if a message of that size would not fit."""
        if not self._space.has_room(size):
            raise StorageFull("the disk is almost full")

    async def route(self, path: Path) -> Route:
        """Resolve the path of a RCPT."""
        address = None if path.postmaster else path.address
        route = self._recent.find(address)
        if route is None:
            route = await self._routes.submit(address)
            if route.resolution.status is Status.LOCAL and not route.is_full:
                self._recent.keep(address, route)
        return route

    async def recipients(self, command: Rcpt, *, relay: bool) -> tuple[EnvelopeRecipient, ...]:
        """What a RCPT stands for; raise MailError if nobody is to have mail by it.

        Args:
            relay: whether mail for other hosts is taken here.
        """
        route = await self.route(command.path)
        recipients = _recipients(route, command, relay=relay)
        if route.is_full:
            raise QuotaExceeded
        if route.resolution.is_asked:
            await self._call_ahead.check(route.resolution.remote[0])
        return recipients

    def add(
        self, rules: Rules, transaction: Transaction, recipients: tuple[EnvelopeRecipient, ...]
    ) -> Reply | None:
        """Put what a RCPT stands for into the transaction; a reply if they are too many for it."""
        if len(transaction.recipients) + len(recipients) > rules.limits.targets:
            return _MANY_TARGETS
        transaction.add(recipients)
        return None

    async def keep(
        self,
        rules: Rules,
        session: SmtpSession,
        transaction: Transaction,
        additions: Additions = _NONE,
    ) -> list[Accepted | MailError]:
        """Make the transaction's message durable; one result per message made of it.

        SMTP makes one message for all recipients, LMTP one per RCPT, in their order.

        Raises:
            LoopDetected: it has come round too often.
            StorageFull, StorageUnavailable: the blob could not be written; nothing was kept.
        """
        raw: bytes = transaction.content  # type: ignore[assignment]  # set by the session
        _check_loops(rules, transaction, raw)
        at_us = now_us()
        hop = _hop(rules, session, transaction, at_us, additions.client_name)
        prefix = additions.above + received(hop) + additions.fields
        if _BEGINS_WITH_FIELD.match(raw) is None:
            prefix += submission.separator(raw)
        cuts = forged.merge(additions.cuts, forged.cuts(raw, rules.hostname))
        traced = {**said_by(session), **text_told(transaction)}
        text = _Text(await _prepare(raw), prefix, replace(additions, cuts=cuts), at_us, traced)
        parts, places = _split(rules, transaction)
        messages = [
            _submission(rules, session, transaction, text, recipients=part, first=not number)
            for number, part in enumerate(parts)
        ]
        results = await self._commit(messages)
        if any(isinstance(result, Accepted) for result in results):
            (bell.ring_heavy if messages[0].lane is Lane.HEAVY else bell.ring)()
            _log(rules, session, transaction, messages[0].size)
        elif all(isinstance(result, _LEFT_NO_ROW) for result in results):
            # Certain: their transaction left no row. After any other failure the outcome may be
            # unknown, and the collector of orphans decides.
            await in_db("blob", blobs.discard, text.blob)
        return [results[place] for place in places]

    async def drain(self) -> None:
        """Return when every commit that was begun is done, and every question to others ended."""
        await self._call_ahead.close()
        await self._commits.drain()

    async def _commit(self, messages: list[Submission]) -> list[Accepted | MailError]:
        if len(messages) == 1:
            return [await self._outcome(messages[0])]
        return list(await asyncio.gather(*map(self._outcome, messages)))

    async def _outcome(self, message: Submission) -> Accepted | MailError:
        try:
            return await self._commits.submit(message, _weight(message))
        except MailError as error:
            return error


def _weight(message: Submission) -> int:
    """Octets that its transaction writes. An object lies on the disk already, so that many
    recipients of a large message fill nobody's line."""
    return len(message.prefix) + len(message.blob.inline or b"")


@dataclass(frozen=True, slots=True)
class _Text:
    """The octets of a message with all that is the same for every recipient."""

    blob: PreparedBlob
    prefix: bytes
    additions: Additions
    at_us: int
    traced: dict[str, Any]


async def _prepare(raw: bytes) -> PreparedBlob:
    if len(raw) <= INLINE_BLOB:
        return blobs.prepare(raw)
    return await in_db("blob", blobs.prepare, raw)


def _log(rules: Rules, session: SmtpSession, transaction: Transaction, size: int) -> None:
    logger.info(
        "message kept",
        extra={
            "door": rules.door,
            "address": session.address,
            "connection": session.name,
            "trace": ulid_text(transaction.message_id),
            "sender": transaction.mail_from,
            "recipients": len(transaction.recipients),
            "size": size,
        },
    )


def _look_up(addresses: list[Address | None]) -> list[Route | MailError]:
    """Resolve a batch on a database thread; None is <postmaster>."""
    wanted = [address for address in dict.fromkeys(addresses) if address is not None]
    found: dict[Address | None, Resolution] = {}
    if len(wanted) < _FEW:
        found.update((address, routing.resolve(address)) for address in wanted)
    else:
        found.update(zip(wanted, routing.resolve_many(wanted), strict=True))
    if None in addresses:
        found[None] = routing.resolve_postmaster()
    resolutions = [found[address] for address in addresses]
    users = {user.user_id for resolution in resolutions for user in resolution.users}
    quotas = limits(sorted(users)) if users else {}
    return [
        Route(
            resolution,
            limited := frozenset(u.user_id for u in resolution.users if u.user_id in quotas),
            any(quotas[user_id] for user_id in limited),
        )
        for resolution in resolutions
    ]


def _recipients(route: Route, command: Rcpt, *, relay: bool) -> tuple[EnvelopeRecipient, ...]:
    """Return the final recipients a RCPT stands for, or raise why there are none."""
    resolution, parameters = route.resolution, command.parameters
    original = "postmaster" if command.path.postmaster else str(command.path.address)
    if resolution.status is Status.REMOTE and relay:
        return (EnvelopeRecipient(original, original, None, parameters.orcpt, parameters.notify),)
    if resolution.status is not Status.LOCAL:
        raise routing.REFUSALS[resolution.status]
    local = [(user.address, user.user_id) for user in resolution.users]
    outside: list[tuple[str, int | None]] = [(address, None) for address in resolution.remote]
    members = [*local, *outside]
    notify = parameters.notify if len(members) == 1 else dsn.for_members(parameters.notify)
    return tuple(
        EnvelopeRecipient(
            address,
            original,
            user_id,
            parameters.orcpt,
            notify,
            is_limited=user_id in route.limited,
        )
        for address, user_id in members
    )


def _check_loops(rules: Rules, transaction: Transaction, raw: bytes) -> None:
    """Refuse what has come round too often, or to this very mailbox before (RFC 5321 s6.3)."""
    header = header_of(raw)
    if hops(header) >= rules.limits.hops:
        raise LoopDetected(f"{hops(header)} Received fields")
    seen = delivered_to(header)
    if not seen:
        return
    # What we sent on says so with the address that it came to, and comes back to that one.
    ours = {
        _key(text)
        for recipient in transaction.recipients.values()
        for text in (recipient.address, recipient.original)
    }
    if any(_key(address) in ours for address in seen):
        raise LoopDetected("delivered to this address before")


def _key(text: str | bytes) -> str:
    """The form to compare addresses in; the text itself if it is none."""
    try:
        return Address.parse(text).key
    except AddressError:
        return repr(text)


def _hop(
    rules: Rules, session: SmtpSession, transaction: Transaction, at_us: int, client_name: str
) -> Hop:
    signed_in = bool(session.authenticated)
    only = transaction.rcpt_tos[0] if len(transaction.rcpt_tos) == 1 else ""
    return Hop(
        helo=session.helo,
        # Where our users sit is nobody's business, nor how their machines are called.
        address="" if rules.auth and rules.hides_client else session.address,
        name=client_name,
        host=rules.hostname,
        protocol=protocol_word(
            lmtp=rules.lmtp,
            extended=session.extended_smtp,
            utf8=transaction.smtp_utf8,
            tls=bool(session.ssl),
            signed_in=signed_in,
        ),
        id=ulid_text(transaction.message_id),
        at=at_us // 1_000_000,
        tls=session.tls,
        recipient=only,
    )


def _split(
    rules: Rules, transaction: Transaction
) -> tuple[list[tuple[EnvelopeRecipient, ...]], list[int]]:
    """Return the recipients of each message to make, and for each answer due its message."""
    if not rules.lmtp:
        return [tuple(transaction.recipients.values())], [0]
    parts: list[tuple[EnvelopeRecipient, ...]] = []
    places: list[int] = []
    taken: dict[tuple[int | None, str], int] = {}
    for group in transaction.groups:
        fresh = {Transaction.key(one): one for one in group if Transaction.key(one) not in taken}
        if fresh:
            taken.update(dict.fromkeys(fresh, len(parts)))
            parts.append(tuple(fresh.values()))
        places.append(taken[Transaction.key(group[0])])
    return parts, places


def _submission(
    rules: Rules,
    session: SmtpSession,
    transaction: Transaction,
    text: _Text,
    *,
    recipients: tuple[EnvelopeRecipient, ...],
    first: bool,
) -> Submission:
    trace_id, parameters = transaction.message_id, transaction.parameters
    principal = session.principal
    return Submission(
        id=trace_id if first else new_ulid(),
        trace_id=trace_id,
        blob=text.blob,
        prefix=text.prefix,
        cuts=text.additions.cuts,
        sender=transaction.mail_from or "",
        recipients=recipients,
        door=rules.door,
        user_id=None if principal is None else principal.user_id,
        client=client_of(session),
        received_at_us=text.at_us,
        smtputf8=parameters.smtputf8,
        body=parameters.body,
        dsn_ret=parameters.ret,
        dsn_envid=parameters.envid,
        hold_until_us=_hold_until_us(parameters, text.at_us),
        requires_tls=parameters.requires_tls,
        message_id=text.additions.message_id,
        traced=text.traced,
        judgement=text.additions.judgement,
        offered_us=text.additions.offered_us,
    )


def _hold_until_us(parameters: MailParameters, at_us: int) -> int:
    """When it may leave (RFC 4865), in Unix microseconds; 0 is at once."""
    if parameters.hold_for is not None:
        return at_us + parameters.hold_for * 1_000_000
    return (parameters.hold_until or 0) * 1_000_000


def client_of(session: SmtpSession) -> dict[str, Any]:
    """What queue and trace keep of the connection."""
    client: dict[str, Any] = {
        "address": session.address,
        "helo": session.helo,
        "connection": session.name,
    }
    if session.ssl:
        client["tls"] = session.tls
    if session.early_talker:
        client["early_talker"] = True
    return client


def passage_of(session: SmtpSession) -> dict[str, Any]:
    """What the trace keeps of the connection."""
    return {**client_of(session), **said_by(session)}


def said_by(session: SmtpSession) -> dict[str, Any]:
    """What the trace alone keeps of the connection: who signed in, and what was said."""
    said = session.dialogue.told()
    if session.server_name:
        said["sni"] = session.server_name[:NAME_MOST]
    if session.principal is not None:
        said["account"] = session.principal.address
    return said


def text_told(transaction: Transaction) -> dict[str, Any]:
    """What the trace keeps of a message that was brought: by what people know it."""
    content = transaction.content
    if not isinstance(content, bytes):
        return {}
    return {"size": len(content), **caption_told(content)}


def _folders() -> Sequence[Folder]:
    """The folders whose file systems must have room."""
    blob = urlsplit(settings.BLOB_URL)
    extra = [Folder(blob.path)] if blob.scheme == "file" else []
    return [settings.MAILHOST_DATA, *extra]
