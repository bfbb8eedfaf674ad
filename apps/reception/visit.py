"""One connection of another mail server, from its first octet to its last.

Questions go out when it begins, and are waited for only when an answer is needed: at RCPT, where it
is known for whom a client is refused, and at the end of a message. All of them have one deadline,
and what is not known by then speaks against nobody.
"""

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from apps.mailauth.iprev import read_address
from apps.mailauth.types import Iprev, Result
from apps.reception import limits, reverse
from apps.reception.dnslists import Verdict
from apps.reception.facts import Facts
from apps.reception.hello import Existence, Name, pretends, read, unresolvable
from apps.reception.judging import Refusal, is_role, parts
from apps.reception.limits import Throttle
from apps.reception.listform import shown
from apps.reception.lookups import LookUps
from apps.reception.networks import is_among, is_public
from apps.reception.options import Options
from apps.reception.question import Question
from apps.reception.suspicion import Suspicion
from apps.resolver.base import IPAddress, Resolver
from apps.wire.replies import Reply

SECONDS: Final = 5.0  # for all answers about a client, from its last HELO on

EARLY: Final = "early-talker"
HASTY: Final = "hasty"
LISTED: Final = "listed"
RECIPIENT: Final = "recipient-helo"

_EARLY = Suspicion(EARLY, "spoke before it was greeted, as robots do", 3)
_HASTY = Suspicion(HASTY, "does not wait for the answer to its HELO", 2)
_HARVESTER = Reply(421, "4.7.0", "Too many recipients that do not exist, try again later")
_FLOODED = Reply(
    450, "4.2.1", "This mailbox has got more mail within an hour than it takes, try again later"
)
_NOBODY_KNOWS = Iprev(Result.TEMPERROR, reason="the DNS did not answer in time")


class Parts(Protocol):
    """What all connections share: see `gate.Gate`."""

    hostname: str
    resolver: Resolver
    options: Options
    look_ups: LookUps
    throttle: Throttle

    def resolver_for(self, address: str) -> Resolver: ...


class Visit:
    """One client at the door for strangers.

    Args:
        address: the client's, "" if it has none.
        local_address: that it connected to.

    Attributes:
        is_trusted: it is in SMTP_TRUSTED: everything is found out, nothing held against it.
        is_counted: it is a stranger: limits are for it.
        turned_away: why it may not stay; answer it with that, and hang up.
        resolver: to ask what has to be known for its sake.
    """

    def __init__(self, parts: Parts, address: str, local_address: str = "") -> None:
        self.address = address
        self._parts = parts
        self._ip = read_address(address)
        self._here = read_address(local_address)
        self.is_trusted = self._ip is not None and is_among(self._ip, parts.options.trusted)
        # Who has the address that it connected to is this host, talking to itself.
        is_stranger = is_public(address) and self._ip != self._here
        self.is_counted = is_stranger and not self.is_trusted
        self.turned_away: Reply | None = None
        self.resolver = parts.resolver_for(address)
        self._deadline = 0.0
        self._is_early = self._is_hasty = False
        self._name = Name("")
        self._compared: Suspicion | None = None
        self._reverse_name: Question[Iprev] = Question(_NOBODY_KNOWS)
        self._verdict: Question[Verdict] = Question(Verdict(is_whole=False))
        self._exists: Question[Existence] = Question(Existence.UNSURE)
        self._pretends: Question[bool] = Question(False)

    @property
    def greeting_delay(self) -> float:
        """Seconds to wait before the greeting, to see whether it can."""
        return self._parts.options.greeting_delay if self.is_counted else 0.0

    # what the client does

    def begin(self) -> None:
        """It has connected."""
        self._deadline = asyncio.get_running_loop().time() + SECONDS
        if self.is_counted:
            self.turned_away = self._arrival()
        if self._ip is None:
            self._reverse_name.answer(Iprev())
        elif self.turned_away is None:
            self._ask_about(self._ip)

    def spoke_early(self) -> None:
        """It spoke before we did."""
        self._is_early = True

    def hurried(self) -> None:
        """It sent more behind its HELO than RFC 2920 section 3.1 allows."""
        self._is_hasty = True

    def hello(self, name: str) -> None:
        """It has said HELO or EHLO; what it said before is forgotten."""
        self._deadline = asyncio.get_running_loop().time() + SECONDS
        self._name = told = read(name, self.address)
        self._compared = None
        self._exists.answer(Existence.UNSURE)
        self._pretends.answer(False)
        if not self.is_counted:
            claims_us = False
        elif told.host == self._parts.hostname:
            claims_us = True
        else:
            claims_us = told.address is not None and told.address != self._ip
        if claims_us:
            self._pretends.ask(pretends(told, self._ip, self._here, self._parts))
        elif told.is_worth_asking:
            self._ask_for(told)

    async def mail(self) -> Reply | None:
        """It begins a message; why that is one too many."""
        if not self.is_counted:
            return None
        if refused := await self._excess(limits.MESSAGES):
            return Reply(451, "4.7.1", f"Not now: {refused}")
        self._parts.throttle.count(limits.MESSAGES, self.address)
        return None

    async def refusal(
        self, recipient: str, user_ids: Iterable[int] = (), *, lists_refuse: bool = True
    ) -> Refusal | None:
        """It names a recipient that exists; why it may not write to it.

        Args:
            user_ids: whose mailboxes the message would come into.
            lists_refuse: the recipient's domain wants nothing of clients that block lists name.
        """
        local_part, domain = parts(recipient)
        self._compare(domain)
        if self.is_trusted:
            return None
        if not is_role(local_part):
            refused = await self._for_good(lists_refuse)
            if refused is not None:
                return refused
        return await self._for_now(list(user_ids)) if self.is_counted else None

    async def unknown(self) -> Reply | None:
        """It names a recipient that does not exist: make it wait; the answer to one that harvests
        addresses, which is to be cut off."""
        if not self.is_counted:
            return None
        throttle = self._parts.throttle
        pause = throttle.unknown(self.address)
        if throttle.is_harvesting(self.address) and not await self._is_allowed():
            self.turned_away = _HARVESTER
            return _HARVESTER
        if pause:
            await asyncio.sleep(pause)
        return None

    def taken(self, user_ids: Iterable[int], recipients: int) -> None:
        """Its message was taken.

        Args:
            user_ids: whose mailboxes it goes into.
            recipients: different ones.
        """
        if self.is_counted:
            self._parts.throttle.taken(self.address, user_ids, recipients)

    def close(self) -> None:
        """It is gone. Questions that others wait for too go on."""
        for question in (self._reverse_name, self._verdict, self._exists, self._pretends):
            question.stop()

    # what is known of it

    async def facts(self) -> Facts:
        """Everything, when all answers are here or it is too late for them. Never raises."""
        name = await self._reverse_name.wait(self._deadline)
        verdict = await self._verdict.wait(self._deadline)
        exists = await self._exists.wait(self._deadline)
        found = [
            _EARLY if self._is_early else _HASTY if self._is_hasty else None,
            *self._name.suspicions,
            unresolvable(self._name, exists),
            self._compared,
            self._reverse_suspicion(name),
            self._little_listed(verdict),
        ]
        return Facts(
            name,
            tuple(map(shown, self._listed(verdict))),
            shown(next(iter(verdict.allowed), "")),
            tuple(one for one in found if one is not None),
        )

    def _reverse_suspicion(self, name: Iprev) -> Suspicion | None:
        # At home nobody gives names to addresses.
        if self._ip is None or not is_public(self.address):
            return None
        return reverse.suspicion(self._ip, name)

    def _little_listed(self, verdict: Verdict) -> Suspicion | None:
        if verdict.allowed or not 0 < verdict.score < self._parts.options.threshold:
            return None
        return Suspicion(LISTED, f"is listed by {' and '.join(map(shown, verdict.listed))}", 2)

    # refusals

    def _arrival(self) -> Reply | None:
        throttle = self._parts.throttle
        if throttle.is_harvesting(self.address) and not self._may_be_allowed():
            return _HARVESTER
        if excess := throttle.excess(limits.CONNECTIONS, self.address):
            return Reply(421, "4.7.0", f"Not now: {excess}")
        throttle.count(limits.CONNECTIONS, self.address)
        return None

    def _may_be_allowed(self) -> bool:
        """Whether an allow list names it, or was not asked lately: then `unknown` cuts it off."""
        if self._ip is None or not self._parts.options.allow:
            return False
        known = self._parts.look_ups.known_verdict(self._ip)
        return known is None or bool(known.allowed)

    async def _for_good(self, lists_refuse: bool) -> Refusal | None:
        if not self.is_counted or self._ip is None:
            return None
        if await self._pretends.wait(self._deadline):
            text = f"You are {self.address}, and not {self._name.text}: that is us"
            why = f"it called itself {self._name.text}"
            return Refusal(Reply(550, "5.7.1", text), why, "pretends")
        if self._is_early and self._parts.options.refuses_early_talkers:
            text = "You spoke before you were greeted"
            return Refusal(Reply(550, "5.7.1", text), f"it {_EARLY.text}", "early")
        if not lists_refuse:
            return None
        listed = self._listed(await self._verdict.wait(self._deadline))
        if not listed:
            return None
        reason = await self._parts.look_ups.reason(self._ip, listed[0])
        told = f"{self.address} is listed by {shown(listed[0])}" + (f": {reason}" if reason else "")
        return Refusal(Reply(550, "5.7.1", f"No mail from you, {told}"), told, "list")

    async def _for_now(self, user_ids: list[int]) -> Refusal | None:
        throttle = self._parts.throttle
        if refused := await self._excess(limits.RECIPIENTS):
            return Refusal(Reply(451, "4.7.1", f"Not now: {refused}"), refused, "rate")
        if any(throttle.is_flooded(user_id, self.address) for user_id in user_ids):
            return Refusal(_FLOODED, "the mailbox got too much mail within an hour", "bomb")
        throttle.count(limits.RECIPIENTS, self.address)
        return None

    async def _excess(self, kind: str) -> str:
        excess = self._parts.throttle.excess(kind, self.address)
        return "" if not excess or await self._is_allowed() else excess

    async def _is_allowed(self) -> bool:
        return bool((await self._verdict.wait(self._deadline)).allowed)

    def _listed(self, verdict: Verdict) -> tuple[str, ...]:
        if verdict.allowed or verdict.score < self._parts.options.threshold:
            return ()
        return verdict.listed

    # inside

    def _ask_about(self, address: IPAddress) -> None:
        look_ups = self._parts.look_ups
        if (name := look_ups.known_name(address)) is not None:
            self._reverse_name.answer(name)
        else:
            self._reverse_name.ask(look_ups.find_name(address, self.resolver))
        if not is_public(self.address):
            self._verdict.answer(Verdict())
        elif (verdict := look_ups.known_verdict(address)) is not None:
            self._verdict.answer(verdict)
        else:
            self._verdict.ask(look_ups.find_verdict(address))

    def _ask_for(self, name: Name) -> None:
        look_ups = self._parts.look_ups
        if (exists := look_ups.known_host(name.host)) is not None:
            self._exists.answer(exists)
        else:
            self._exists.ask(look_ups.find_host(name.host, self.resolver))

    def _compare(self, domain: str) -> None:
        """Spammers call themselves by the domain they write to; so do some of its own hosts."""
        if self._name.host and self._name.host == domain:
            text = f"calls itself {self._name.text}, the domain it writes to"
            self._compared = Suspicion(RECIPIENT, text, 2)
