"""The fields that go before copies which leave us: who signs them, and what for.

- What our users write, and what we write ourselves, is signed with the DKIM keys of the domain in
  From (RFC 6376), by RSA and by Ed25519 (RFC 8463). Where that is a stranger's, because a policy
  lets users write so, the domain of the reverse-path signs: submission has seen to it that both
  are the sender's. No other domain ever does.
- What others wrote and we forward gets an ARC set of the domain that forwards (RFC 8617): it tells
  the target what we saw of the message before SPF and, perhaps, DKIM broke. What only passes
  through to the server behind a relay domain is left as it is.

Nothing here stops a message: what cannot be signed leaves unsigned, and the log says why.
"""

import asyncio
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings

from apps.directory import dkim as directory
from apps.mailauth import arc, dkim, keyring
from apps.mailauth import chain as chains
from apps.mailauth.arc import Chain, Status, Verdict
from apps.mailauth.dkim import Signer, UnsignableError
from apps.mailauth.keyring import Keyring, Records
from apps.mailauth.keys import Algorithm
from apps.mailauth.message import HeaderTooLargeError, Message, read_fields, split
from apps.mailqueue.services import Claimed, ClaimedRecipient
from apps.mime.address import Address, AddressError, normalise_domain
from apps.mime.addresslist import parse_address_list
from apps.reception.judging import Judgement
from apps.resolver.live import live_resolver
from apps.runtime import clock

logger = logging.getLogger(__name__)

FORWARDING_DOORS: Final = frozenset({"mx", "lmtp"})  # through them comes what others wrote
# For all records of a batch: its leases run on, and its local copies wait.
DNS_SECONDS: Final = 4.0
RECORDS_MAX: Final = 300
_MARK: Final = b"\narc-seal"
_SAYS_ARC: Final = re.compile(r"(?:^|; )arc=")


@dataclass(frozen=True, slots=True)
class Lookups:
    """What the messages of one batch share: each thing is asked for once.

    Args:
        records: of the ARC chains that they came with.
    """

    records: Records = field(default_factory=dict)
    _signers: dict[str, list[Signer]] = field(default_factory=dict)

    def signers(self, domain: str) -> list[Signer]:
        """The keys that sign for a domain."""
        if domain not in self._signers:
            self._signers[domain] = directory.signers(domain)
        return self._signers[domain]


def look_up(batch: Sequence[tuple[Claimed, bytes]]) -> Lookups:
    """Ask the DNS for the keys of the ARC chains in a batch that no door has looked at (LMTP does
    not), at once, in bounded time.

    Without any chain that goes on from here, by far the most frequent case, it does nothing.
    Not within an event loop.
    """
    names: dict[str, None] = {}
    for message, raw in batch:
        is_forwarded = message.door in FORWARDING_DOORS and not message.judgement
        if is_forwarded and _may_leave(message) and _has_chain(raw):
            names.update(dict.fromkeys(sorted(_record_names(raw))))
    if not names:
        return Lookups()
    try:
        return Lookups(asyncio.run(_records(list(names)[:RECORDS_MAX])))
    except OSError as error:  # no file descriptor for a loop: as if the DNS were silent
        logger.warning("ARC chains cannot be looked up: %s", error)
        return Lookups()


def signatures(
    message: Claimed,
    raw: bytes,
    leaving: Sequence[ClaimedRecipient],
    lookups: Lookups,
    judgement: Judgement | None = None,
) -> bytes:
    """Return the fields to go before `prefix`, CRLF lines; b"" when nothing is to be signed.

    Args:
        raw: the blob; what is signed is `prefix` and `raw` without `cuts`, as it will be sent.
        leaving: the recipients whose copies leave us.
        judgement: what the door found out, None if it asked nothing.
    """
    if not leaving:
        return b""
    try:
        if message.door in FORWARDING_DOORS:
            return _sealed(message, raw, leaving, lookups, judgement)
        return _signed(message, raw, lookups)
    except (HeaderTooLargeError, UnsignableError) as error:
        logger.warning("leaves unsigned: %s", error, extra={"trace_id": str(message.trace_id)})
        return b""


def _signed(message: Claimed, raw: bytes, lookups: Lookups) -> bytes:
    taken = split(raw, prefix=message.prefix, cuts=message.cuts)
    for domain in _author_domains(message, taken):
        if signers := lookups.signers(domain):
            return dkim.sign(taken, signers, now=clock.now())
    return b""


def _author_domains(message: Claimed, taken: Message) -> Iterator[str]:
    """Domains that may answer for what was written here, the best first."""
    authors = _domains(taken, b"from")
    yield from authors
    if message.sender:
        yield from _domain(message.sender)
    if message.user_id is None:
        # Our own reports come from this host, whose name need not be a domain of ours; the domain
        # above it answers for it (aligned in relaxed mode, RFC 7489 section 3.1.1).
        for author in authors:
            labels = author.split(".")
            yield from (".".join(labels[start:]) for start in range(1, len(labels) - 1))


def _domains(taken: Message, name: bytes) -> list[str]:
    """The domain of the first mailbox in the field so named; none if there are several fields:
    readers would not agree on whose it is."""
    fields = taken.named(name)
    if len(fields) != 1:
        return []
    for mailbox in parse_address_list(fields[0].value):
        if mailbox.host:
            try:
                return [normalise_domain(mailbox.host.decode())]
            except (AddressError, UnicodeDecodeError):
                return []
    return []


def _domain(address: str) -> list[str]:
    try:
        return [Address.parse(address).domain]
    except AddressError:
        return []


def _sealed(
    message: Claimed,
    raw: bytes,
    leaving: Sequence[ClaimedRecipient],
    lookups: Lookups,
    judgement: Judgement | None,
) -> bytes:
    signer = _forwarder(leaving, lookups)
    if signer is None:
        return b""
    taken = split(raw, prefix=message.prefix, cuts=message.cuts)
    now = clock.now()
    chain = arc.read(taken)
    if judgement is None:
        verdict = _verdict(taken, chain, lookups, now)
    else:
        verdict = chains.verdict(judgement.case.authentication.arc)
    results = _results(message, verdict.status)
    return arc.seal(taken, chain, verdict, results=results, signer=signer, now=now)


def _verdict(taken: Message, chain: Chain, lookups: Lookups, now: int) -> Verdict:
    """What the chain is worth. RFC 8617 section 5.2.1 has a silent DNS break a chain for ever;
    `arc.seal` adds nothing then, and the next hop may be luckier."""
    verdict = arc.judge(taken, chain, Keyring(lookups.records), now=now)
    if verdict.status in (Status.FAIL, Status.UNKNOWN):
        logger.info("an ARC chain does not hold: %s", verdict.reason)
    return verdict


def _forwarder(leaving: Sequence[ClaimedRecipient], lookups: Lookups) -> Signer | None:
    """The key of the first domain of ours that sends its mail on; RSA: all validators know it."""
    for recipient in leaving:
        if recipient.original != recipient.address:
            for domain in _domain(recipient.original):
                for signer in lookups.signers(domain):
                    if signer.key.algorithm is Algorithm.RSA:
                        return signer
    return None


def _results(message: Claimed, status: Status) -> str:
    """What we found out at reception, as our own Authentication-Results say it (RFC 8601), with
    what became of the chain. Only of `prefix`: in the rest a stranger may have written them."""
    found: list[str] = []
    for one in read_fields(message.prefix):
        if one.name == b"authentication-results":
            text = " ".join(one.value.decode("utf-8", "replace").split())
            host, _, results = text.partition(";")
            if host.strip().lower() == settings.MAIL_HOSTNAME:
                found.append(results.strip().rstrip(";"))
    kept = [result for result in found if result not in ("", "none")]
    if not any(_SAYS_ARC.search(one) for one in kept):
        kept.insert(0, f"arc={status.value}")
    return "; ".join([settings.MAIL_HOSTNAME, *kept])


def _may_leave(message: Claimed) -> bool:
    return any(recipient.user_id is None for recipient in message.recipients)


def _has_chain(raw: bytes) -> bool:
    end = raw.find(b"\r\n\r\n")
    return _MARK in b"\n" + (raw[:end] if end >= 0 else raw).lower()


def _record_names(raw: bytes) -> frozenset[str]:
    try:
        return arc.read(split(raw[: raw.find(b"\r\n\r\n") + 4])).record_names
    except HeaderTooLargeError:
        return frozenset()


async def _records(names: Sequence[str]) -> Records:
    return await keyring.look_up(names, live_resolver(), seconds=DNS_SECONDS)
