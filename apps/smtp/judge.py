"""Who comes to the door for strangers, and what becomes of what it brings: here the parts meet.

`apps.reception` knows of clients, policies and patience, `apps.mailauth` of senders. This module
asks them at the right moment of the dialogue, and sees to it that what was found out gets into the
message's header, the queue, the counts and the memory of refusals. It decides nothing
itself. All work that it begins ends with the transaction or connection it was begun for.
"""

import json
import logging
from dataclasses import dataclass, field, replace

from django.conf import settings

from apps.directory.models import Sternness
from apps.mailauth import results, spf
from apps.mailauth.inquiry import Inquiry
from apps.mailauth.iprev import read_address
from apps.mailauth.types import Authentication, Client, Result
from apps.mailqueue.services import EnvelopeRecipient
from apps.reception import greylist, judging
from apps.reception.facts import Facts
from apps.reception.gate import Gate
from apps.reception.greylist import Addressee, Arrival, Grey, Greylist
from apps.reception.judging import Case, Judgement, Refusal, Ruling
from apps.reception.policies import USUAL, Policies, Wishes
from apps.reception.rejects import Rejected, Rejects
from apps.reception.visit import Visit
from apps.reports import counting
from apps.reports.counting import Counts
from apps.resolver.base import Resolver
from apps.runtime.ulid import ulid_text
from apps.smtp.envelope import SmtpSession, Transaction
from apps.smtp.intake import Additions

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Standing:
    """What is known of one transaction's sender while it goes on."""

    client: Client
    resolver: Resolver
    inquiry: Inquiry
    wishes: dict[str, Wishes] = field(default_factory=dict)
    judgement: Judgement | None = None

    def close(self) -> None:
        """It is over."""
        self.inquiry.close()


@dataclass(frozen=True, slots=True)
class Weighed:
    """A message that was weighed.

    Args:
        refusal: why it is not taken; None if it is.
        additions: what it gets when it is kept.
    """

    ruling: Ruling
    arrival: Arrival
    grey: Grey
    refusal: Refusal | None
    additions: Additions


class Judge:
    """One per event loop.

    Args:
        hostname: our name: authserv-id, receiver.
    """

    def __init__(self, hostname: str, resolver: Resolver) -> None:
        self._hostname = hostname
        self._gate = Gate(resolver, hostname)
        self._policies = Policies()
        self._greylist = Greylist()
        self._counts = Counts()
        self._rejects = Rejects()

    def receive(self, session: SmtpSession) -> Visit:
        """Somebody has connected."""
        visit = self._gate.visit(session.address, session.local_address)
        session.visit = visit
        visit.begin()
        return visit

    def visit(self, session: SmtpSession) -> Visit:
        """What is known of a client that `receive` has met."""
        if not isinstance(session.visit, Visit):
            raise TypeError("the connection was not seen")
        return session.visit

    def leave(self, session: SmtpSession) -> None:
        """It is gone, perhaps before it was met."""
        if isinstance(session.visit, Visit):
            session.visit.close()

    def begin(self, session: SmtpSession, transaction: Transaction, sender: str) -> None:
        """Somebody wants to send something."""
        client = Client(_address(session), session.helo, sender, self._hostname)
        resolver = self._gate.resolver_for(session.address)
        inquiry = Inquiry(client, resolver, trusted=settings.ARC_TRUSTED_SEALERS)
        transaction.standing = Standing(client, resolver, inquiry)
        inquiry.begin()

    async def admit(
        self,
        session: SmtpSession,
        transaction: Transaction,
        address: str,
        recipients: tuple[EnvelopeRecipient, ...],
    ) -> Refusal | None:
        """Whether the client may write to a recipient who exists; why not."""
        standing, visit = _standing(transaction), self.visit(session)
        domain = judging.parts(address)[1]
        wishes = standing.wishes[domain] = await self._policies.of(domain)
        users = [one.user_id for one in recipients if one.user_id is not None]
        strict = wishes.lists is Sternness.REJECT
        refusal = await visit.refusal(address, users, lists_refuse=strict)
        if refusal is not None:
            self._note_rejected(transaction, refusal, recipients)
        return refusal

    async def weigh(self, session: SmtpSession, transaction: Transaction) -> Weighed:
        """Judge a message whose text is here; it takes no longer than its deadlines."""
        standing, visit = _standing(transaction), self.visit(session)
        raw: bytes = transaction.content  # type: ignore[assignment]  # set by the session
        # What is asked about the client has been on its way since it came, and goes on meanwhile.
        found = await standing.inquiry.finish(raw)
        facts = await visit.facts()
        found = replace(found, iprev=facts.iprev)
        case = _case(session, facts, found, is_trusted=visit.is_trusted)
        ruling = judging.rule(
            case,
            judging.readers(transaction.rcpt_tos, standing.wishes),
            is_crowding=self._gate.is_crowding(standing.resolver),
        )
        arrival = _arrival(transaction, standing, facts, case, raw)
        if ruling.refusal is not None:
            return Weighed(ruling, arrival, Grey(), ruling.refusal, Additions())
        grey = await self._greylist.decide(arrival)
        names = () if ruling.judgement.junk else greylist.known_by(arrival, grey)
        if grey.words or names:
            judgement = replace(ruling.judgement, patience=grey.words, names=names)
            ruling = replace(ruling, judgement=judgement)
        why = grey.words.rstrip(".")
        refusal = Refusal(grey.reply, why, "greylist") if grey.waits else None
        return Weighed(ruling, arrival, grey, refusal, self._additions(ruling, arrival))

    def refused(self, transaction: Transaction, weighed: Weighed) -> Refusal:
        """A message was weighed and is not taken. Return the refusal with where to find it."""
        refusal = weighed.refusal
        assert refusal is not None
        self._count(weighed)
        _standing(transaction).judgement = weighed.ruling.judgement
        reference = ulid_text(transaction.message_id)
        reply = replace(refusal.reply, text=f"{refusal.reply.text} (reference {reference})")
        refusal = replace(refusal, reply=reply)
        recipients = tuple(transaction.recipients.values())
        self._note_rejected(transaction, refusal, recipients, weighed.arrival.raw)
        return refusal

    def judgement(self, transaction: Transaction) -> Judgement | None:
        """What was found out about the sender of a message that was refused for it."""
        standing = transaction.standing
        return standing.judgement if isinstance(standing, Standing) else None

    def filtered(self, transaction: Transaction, weighed: Weighed, refusal: Refusal) -> None:
        """A message was weighed and is not taken because of what the filter said of it; the worker
        has written the trace."""
        if not refusal.reply.is_permanent:
            return  # it comes again, and is judged then
        self._count(weighed)
        self._note_rejected(
            transaction, refusal, tuple(transaction.recipients.values()), weighed.arrival.raw
        )

    def taken(self, weighed: Weighed) -> None:
        """A message was weighed, and kept: it is ours, whatever goes wrong here."""
        try:
            self._count(weighed)
        except Exception:
            logger.exception("a message that was kept could not be counted")

    async def close(self) -> None:
        """Nobody comes any more: write what waits."""
        await self._policies.close()
        await self._greylist.close()
        await self._counts.close()
        await self._rejects.close()
        await self._gate.close()

    def _additions(self, ruling: Ruling, arrival: Arrival) -> Additions:
        found, client = arrival.authentication, arrival.client
        above = results.authentication_results(self._hostname, found, client)
        above += spf.received_spf(found.spf, client)
        is_named = found.iprev.result is Result.PASS
        return Additions(
            above=above,
            judgement=json.dumps(ruling.judgement.as_data(), separators=(",", ":")),
            client_name=found.iprev.name if is_named else "",
        )

    def _count(self, weighed: Weighed) -> None:
        """For the report that the author's domain gets. What comes again is counted then."""
        arrival, ruling = weighed.arrival, weighed.ruling
        is_put_off = weighed.refusal is not None and weighed.refusal.reply.is_transient
        found = arrival.authentication
        if ruling.judgement.case.is_trusted or is_put_off or not counting.is_wanted(found):
            return
        if counting.is_report(arrival.header, found):
            return
        is_usual = ruling.disposition is found.dmarc.disposition
        override = found.dmarc.override if is_usual else "local_policy"
        self._counts.add(arrival.client, found, ruling.disposition, override)

    def _note_rejected(
        self,
        transaction: Transaction,
        refusal: Refusal,
        recipients: tuple[EnvelopeRecipient, ...],
        raw: bytes = b"",
    ) -> None:
        """For those who would have got it. What is only put off comes again, and is no loss until
        it does not."""
        if not refusal.reply.is_permanent:
            return
        self._rejects.add(
            Rejected(
                trace_id=transaction.message_id,
                reason=refusal.cause,
                words=refusal.why,
                reply=refusal.reply,
                client=_standing(transaction).client,
                recipients=tuple(
                    (one.user_id, one.original) for one in recipients if one.user_id is not None
                ),
                raw=raw,
            )
        )


def _standing(transaction: Transaction) -> Standing:
    standing = transaction.standing
    if not isinstance(standing, Standing):
        raise TypeError("MAIL was not seen")
    return standing


def _address(session: SmtpSession) -> str:
    found = read_address(session.address)
    return "" if found is None else str(found)


def _case(session: SmtpSession, facts: Facts, found: Authentication, *, is_trusted: bool) -> Case:
    listed = f"is listed by {' and '.join(facts.listed)}" if facts.listed else ""
    doubts = tuple(one.text for one in facts.suspicions)
    return Case(found, listed, facts.allowed, doubts, is_trusted)


def _arrival(
    transaction: Transaction, standing: Standing, facts: Facts, case: Case, raw: bytes
) -> Arrival:
    wishes = standing.wishes
    return Arrival(
        client=standing.client,
        authentication=case.authentication,
        recipients=tuple(
            Addressee(
                one.original,
                one.user_id,
                wishes.get(judging.parts(one.original)[1], USUAL).greylists,
            )
            for one in transaction.recipients.values()
        ),
        raw=raw,
        suspicions=facts.suspicions,
        is_trusted=case.is_trusted or bool(facts.allowed),
    )
