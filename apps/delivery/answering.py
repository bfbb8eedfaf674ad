"""Which of the users who get a batch of mail are away, and whom they tell. Reads only.

One statement for a batch, and some more only where somebody is away; their number does not depend
on how much mail there is. What is decided is a plan: whether somebody has been told already is
decided by the row that `vacation.send` writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from apps.contacts import queries as contacts
from apps.delivery import backscatter, ownletters
from apps.delivery.places import Ground
from apps.delivery.plan import Plan
from apps.delivery.vacation import Reply
from apps.directory import homes, identities, routing
from apps.directory.identities import Own
from apps.directory.models import User
from apps.mailauth.suffixes import organisational
from apps.mailqueue.services import ClaimedRecipient
from apps.mime import headers
from apps.mime.address import Address, AddressError
from apps.mime.headers import HeaderBlock
from apps.reception.judging import Judgement
from apps.runtime import clock
from apps.scan.base import Action
from apps.scan.deeds import Done
from apps.sieve import paths, queries, silence
from apps.sieve.autoreply import Answered
from apps.sieve.models import Audience
from apps.sieve.queries import Away
from apps.sieve.services import Telling
from apps.trace import services as trace

MOST_A_DAY: Final = 500
"""People whom one user tells within a day: more have not been written to by people."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A message and one of its readers who is away."""

    plan: Plan
    recipient: ClaimedRecipient
    who: Away
    block: HeaderBlock
    sender: Address | None

    @property
    def memory(self) -> str:
        """By which its sender is remembered."""
        return paths.person(self.sender).key if self.sender else ""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is asked once for all cases of a batch."""

    own: Mapping[int, Own]
    contacts: set[tuple[int, str]]
    homes: Mapping[int, int]  # organisation by user
    domains: Mapping[str, int]  # organisation by domain of ours
    told: set[tuple[int, str]]
    lately: Mapping[int, int]


def answer(plans: Sequence[Plan], found: Ground) -> list[Plan]:
    """The same plans, with the answers of those readers who are away."""
    readers = {user for plan in plans for user, _ in _readers(plan)}
    away = queries.away(sorted(readers), at=clock.now()) if readers else {}
    if not away:
        return list(plans)
    cases = [case for plan in plans for case in _cases(plan, away)]
    known = _ask(cases)
    silent = [(case, _silence(case, known, found)) for case in cases]
    replies = dict(_replies([case for case, why in silent if not why], known))
    return [_with(plan, silent, replies) for plan in plans]


def _with(
    plan: Plan, silent: Sequence[tuple[_Case, str]], replies: Mapping[tuple[str, int], Reply]
) -> Plan:
    mine = [(case, why) for case, why in silent if case.plan is plan]
    if not mine:
        return plan
    asides = [
        trace.Event(plan.message.trace_id, "vacation.silent", {"for": case.who.address, "why": why})
        for case, why in mine
        if why
    ]
    due = [replies[key] for case, _ in mine if (key := (str(plan.id), case.who.user_id)) in replies]
    return replace(plan, asides=tuple(asides), replies=tuple(due))


def _readers(plan: Plan) -> Iterator[tuple[int, ClaimedRecipient]]:
    """Who wants a message that may be answered, whether they keep it or have it sent on."""
    if not plan.message.sender:
        return
    seen: set[int] = set()
    for copy in plan.copies:
        user = copy.user_id or copy.forwarder
        if user is None or user in seen or copy.done not in (Done.INBOX, Done.SENT):
            continue
        # Who has no Junk gets into INBOX what belongs there.
        if plan.judged.verdict.opinion(user).action is Action.NONE:
            seen.add(user)
            yield user, copy.recipient


def _cases(plan: Plan, away: Mapping[int, Away]) -> Iterator[_Case]:
    mine = [(user, recipient) for user, recipient in _readers(plan) if user in away]
    if not mine:
        return
    block = headers.scan(plan.judged.seated.raw)
    try:
        sender = Address.parse(plan.message.sender)
    except AddressError:
        sender = None
    for user, recipient in mine:
        yield _Case(plan, recipient, away[user], block, sender)


def _ask(cases: Sequence[_Case]) -> _Known:
    at = clock.now()
    users = list(User.objects.filter(pk__in={case.who.user_id for case in cases}))
    pairs = [(case.who.user_id, case.memory) for case in cases if case.memory]
    choosy = {case.who.user_id for case in cases if case.who.audience == Audience.CONTACTS}
    split = {case.who.user_id for case in cases if case.who.audience == Audience.SPLIT}
    domains = {case.sender.domain for case in cases if case.sender and case.who.user_id in split}
    editions = {case.who.user_id: case.who.edition for case in cases}
    return _Known(
        own=identities.own_many(users),
        contacts=contacts.known([pair for pair in pairs if pair[0] in choosy]),
        homes=homes.organizations_of(split),
        domains={name: one.organization_id for name, one in homes.homes_of(domains).items()},
        told=queries.told([(user, key, editions[user]) for user, key in set(pairs)], at=at),
        lately=queries.lately(sorted(editions), at=at),
    )


def _silence(case: _Case, known: _Known, found: Ground) -> str:
    """Why this reader's absence is not told; "" if it is."""
    who, sender = case.who, case.sender
    if why := silence.reason(case.block, sender):
        return why
    assert sender is not None
    own = known.own.get(who.user_id, Own(()))
    if sender.key in own:
        return "it is from the user's own address"
    if not silence.is_named(case.block, own):
        return "the user is not named in To or Cc"
    if who.audience == Audience.CONTACTS and (who.user_id, case.memory) not in known.contacts:
        return "only people in the user's contacts are told"
    if not who.words(is_inside=_is_inside(case, known)):
        return "nobody outside of the organisation is told"
    if (who.user_id, case.memory) in known.told:
        return f"this sender was told within the last {who.days} days"
    if known.lately.get(who.user_id, 0) >= MOST_A_DAY:
        return "too many were told within a day"
    return _doubt(sender, found.judgements.get(case.plan.id), case.plan.message.user_id)


def _doubt(sender: Address, judgement: Judgement | None, user_id: int | None) -> str:
    """Whether the answer might go to somebody who has not written; whose address nothing proves
    gets few of them."""
    if user_id is not None or judgement is None or judgement.case.is_trusted:
        return ""
    if backscatter.is_forged(sender, judgement):
        return "its sender is forged"
    proven = map(organisational, judgement.case.authentication.proven)
    if organisational(sender.domain) in proven or backscatter.admit(sender):
        return ""
    return "nothing proves its sender, who may get too many answers from here"


def _is_inside(case: _Case, known: _Known) -> bool:
    if case.who.audience != Audience.SPLIT or case.sender is None:
        return True
    home = known.homes.get(case.who.user_id)
    return home is not None and known.domains.get(case.sender.domain) == home


def _replies(cases: Sequence[_Case], known: _Known) -> Iterator[tuple[tuple[str, int], Reply]]:
    senders = list(dict.fromkeys(case.sender for case in cases if case.sender))
    ways = dict(zip(senders, routing.resolve_many(senders), strict=True)) if senders else {}
    for case in cases:
        assert case.sender is not None
        recipients = ownletters.led_to(str(case.sender), ways[case.sender])
        if not recipients:
            continue
        who = case.who
        yield (
            (str(case.plan.id), who.user_id),
            Reply(
                about=case.plan.message.trace_id,
                telling=Telling(who.user_id, case.memory, who.edition, who.days),
                to=case.sender,
                recipients=recipients,
                sender=(who.name, _written_to(case, known)),
                subject=who.subject,
                text=who.words(is_inside=_is_inside(case, known)),
                answered=Answered.of(case.block),
            ),
        )


def _written_to(case: _Case, known: _Known) -> Address:
    """The address that answers: the one that was written to, if it is one of the user's names."""
    try:
        address = Address.parse(case.recipient.original)
    except AddressError:
        return Address.parse(case.who.address)
    own = known.own.get(case.who.user_id)
    return address if own and address.key in own.keys else Address.parse(case.who.address)
