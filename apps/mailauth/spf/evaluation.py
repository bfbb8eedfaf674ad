"""check_host() of RFC 7208: the records of a domain, weighed for one client (sections 4-6).

One `Evaluation` is one check: it counts what the check costs the DNS, over all records that it
leads to, and stops at LOOKUPS_MOST terms that ask something, VOIDS_MOST of them in vain, and
HOSTS_MOST mail hosts of one domain. Because `include` is such a term, recursion ends there too.

What counts as in vain (a void look-up) is each term whose own name has no record of the kind asked
for, and each mail host that does not exist. That a mail host has no AAAA record is none: a domain
with three IPv4-only mail hosts would be an error to every client that comes by IPv6.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final, TypeVar

from apps.mailauth import iprev
from apps.mailauth.iprev import Names
from apps.mailauth.spf import macros, record
from apps.mailauth.spf.macros import Template
from apps.mailauth.spf.record import BITS4, BITS6, Directive, Kind, Record, RecordError
from apps.mailauth.types import Result
from apps.resolver.base import (
    Answer,
    DnsError,
    DnsUnavailableError,
    IPAddress,
    NoSuchNameError,
    Resolver,
)

LOOKUPS_MOST: Final = 10  # section 4.6.4
VOIDS_MOST: Final = 2
HOSTS_MOST: Final = 10
DEFAULT: Final = "default"  # the mechanism, if none matched (section 9.1)
UNKNOWN: Final = "unknown"  # the name of an address that has none (section 7.3)
UNNAMED: Final = "a name that DNS cannot have"

Found = TypeVar("Found")


class SpfError(Exception):
    """The check ends without an answer: a temperror or a permerror."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a check ended.

    Args:
        domain: whose record it was, after redirections.
        mechanism: that matched.
        explanation: of that record.
    """

    result: Result
    domain: str
    mechanism: str = ""
    explanation: Template | None = None


class Evaluation:
    """One check. `check` once, then `explain` if it failed.

    Args:
        values: of the macros s, l, o, i, v and h, for explanations also c, r and t; `d` and `p`
            are put in here.
    """

    def __init__(self, resolver: Resolver, address: IPAddress, values: dict[str, str]) -> None:
        self._resolver = resolver
        self._address = address
        self._number = int(address)
        self._is_ipv4 = address.version == 4
        self._values = values
        self._has_plain_local_part = values["l"].isascii()
        self._lookups = 0
        self._voids = 0
        self._names: Names | None = None

    async def check(self, domain: str) -> Outcome:
        """Weigh the records of a domain; raise SpfError. "None" is a domain without a record."""
        found = await self._record(domain)
        if found is None:
            return Outcome(Result.NONE, domain)
        while True:
            for directive in found.directives:
                if await self._matches(directive, domain):
                    return Outcome(directive.result, domain, directive.text, found.explanation)
            if found.redirect is None or self._is_idle(found.redirect):
                return Outcome(Result.NEUTRAL, domain, DEFAULT)
            self._count_lookup()
            domain = await self._target(found.redirect, domain)
            found = await self._record(domain)
            if found is None:
                raise _permanent(
                    f"redirect leads to a domain without a record: {domain or UNNAMED}"
                )

    async def explain(self, outcome: Outcome) -> str:
        """What the domain says of its fail, "" if nothing that could be used (section 6.2)."""
        if outcome.explanation is None or self._is_idle(outcome.explanation):
            return ""
        self._lookups = 0  # what an explanation asks is not counted (section 4.6.4)
        name = await self._target(outcome.explanation, outcome.domain)
        try:
            texts = (await self._resolver.txt(name)).records
            if len(texts) != 1 or len(texts[0]) > record.RECORD_MOST:
                return ""
            template = macros.read_text(texts[0].decode("ascii"))
        except (DnsError, macros.MacroError, UnicodeDecodeError):
            return ""
        await self._fill(template, outcome.domain)
        return macros.explain(template, self._values)

    async def _record(self, domain: str) -> Record | None:
        """The record of a domain; None if it has none, or cannot be one (section 4.3)."""
        if "." not in domain or not macros.is_name(domain):
            return None
        try:
            answer = await self._resolver.txt(domain)
        except DnsUnavailableError as error:
            raise _temporary(error) from None
        except DnsError:
            return None
        texts = [text for text in answer.records if record.is_record(text)]
        if len(texts) > 1:
            raise _permanent(f"{domain} has {len(texts)} records")
        try:
            return record.read(texts[0]) if texts else None
        except RecordError as error:
            raise _permanent(f"the record of {domain}: {error}") from None

    async def _matches(self, directive: Directive, domain: str) -> bool:
        match directive.kind:
            case Kind.ALL:
                return True
            case Kind.IP4:
                return self._is_ipv4 and self._is_within(directive.network, directive)
            case Kind.IP6:
                return not self._is_ipv4 and self._is_within(directive.network, directive)
        self._count_lookup()
        target = domain
        if directive.target is not None:
            if self._is_idle(directive.target):
                return False
            target = await self._target(directive.target, domain)
        if directive.kind is Kind.INCLUDE:
            return await self._include(target)
        return bool(target) and await self._finds(directive, target)

    async def _finds(self, directive: Directive, target: str) -> bool:
        match directive.kind:
            case Kind.A:
                return self._is_any_within(await self._addresses(target), directive)
            case Kind.MX:
                return await self._mx(target, directive)
            case Kind.EXISTS:
                # A records whatever the client's family is (section 5.7).
                return bool(await self._ask(self._resolver.addresses(target, ipv6=False)))
        return await self._ptr(target.lower())

    async def _include(self, target: str) -> bool:
        outcome = await self.check(target)
        if outcome.result is Result.NONE:
            raise _permanent(f"include of a domain without a record: {target or UNNAMED}")
        return outcome.result is Result.PASS

    async def _mx(self, target: str, directive: Directive) -> bool:
        hosts = await self._ask(self._resolver.mx(target))
        if len(hosts) > HOSTS_MOST:
            raise _permanent(f"{target} has more than {HOSTS_MOST} mail hosts")
        for host in hosts:
            if host.host:  # "" is the null MX (RFC 7505)
                addresses = await self._addresses(host.host, is_own=False)
                if self._is_any_within(addresses, directive):
                    return True
        return False

    async def _ptr(self, target: str) -> bool:
        names = await self._look_up_names()
        if not names.claimed and not names.is_partial:
            self._count_void()
        return any(_is_below(name, target) for name in names.confirmed)

    async def _addresses(self, name: str, *, is_own: bool = True) -> tuple[IPAddress, ...]:
        question = self._resolver.addresses(name, ipv4=self._is_ipv4, ipv6=not self._is_ipv4)
        return await self._ask(question, is_own=is_own)

    async def _ask(
        self, question: Awaitable[Answer[Found]], *, is_own: bool = True
    ) -> tuple[Found, ...]:
        """The records of an answer, none of a denial, which is counted."""
        try:
            return (await question).records
        except DnsUnavailableError as error:
            raise _temporary(error) from None
        except DnsError as error:
            if is_own or isinstance(error, NoSuchNameError):
                self._count_void()
            return ()

    async def _target(self, template: Template, domain: str) -> str:
        """The name that a domain-spec gives; "" if DNS can have no such name, because of an empty
        or a long label. Section 4.8 leaves open what then: for us it exists nowhere."""
        if template.letters:
            await self._fill(template, domain)
        name = macros.target_name(template, self._values)
        return name if macros.is_name(name) else ""

    def _is_idle(self, template: Template) -> bool:
        """Whether its term does nothing: a local part that is not ASCII stands in no name of DNS
        (RFC 8616 section 4)."""
        return template.has_local_part and not self._has_plain_local_part

    async def _fill(self, template: Template, domain: str) -> None:
        """Have the values that depend on where we are."""
        self._values["d"] = domain
        if "p" in template.letters:
            if self._names is None:
                self._count_lookup()
            self._values["p"] = _best((await self._look_up_names()).confirmed, domain.lower())

    async def _look_up_names(self) -> Names:
        if self._names is None:
            self._names = await iprev.names_of(self._address, self._resolver)
        return self._names

    def _is_any_within(self, addresses: tuple[IPAddress, ...], directive: Directive) -> bool:
        return any(self._is_within(int(address), directive) for address in addresses)

    def _is_within(self, network: int, directive: Directive) -> bool:
        shift = BITS4 - directive.bits4 if self._is_ipv4 else BITS6 - directive.bits6
        return (self._number ^ network) >> shift == 0

    def _count_lookup(self) -> None:
        self._lookups += 1
        if self._lookups > LOOKUPS_MOST:
            raise _permanent(f"more than {LOOKUPS_MOST} look-ups")

    def _count_void(self) -> None:
        self._voids += 1
        if self._voids > VOIDS_MOST:
            raise _permanent(f"more than {VOIDS_MOST} look-ups of what does not exist")


def _is_below(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")


def _best(names: tuple[str, ...], domain: str) -> str:
    """The name for `%{p}`: the domain itself, else one below it, else any (section 7.3)."""
    if domain in names:
        return domain
    below = [name for name in names if _is_below(name, domain)]
    return (below or list(names) or [UNKNOWN])[0]


def _permanent(reason: str) -> SpfError:
    return SpfError(Result.PERMERROR, reason)


def _temporary(error: DnsError) -> SpfError:
    return SpfError(Result.TEMPERROR, f"{error.name}: {error.reason}")
