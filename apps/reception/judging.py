"""What becomes of a message, by what was found out about its sender and by what the domains of its
recipients want. Pure: it decides, the doors and the worker act.

- A message is refused only if every recipient's domain would refuse it. If one would take it, it is
  taken, and those who would refuse find it in Junk.
- `postmaster` and `abuse` refuse nothing (RFC 5321 section 4.5.1, RFC 2142): who is wrongly refused
  elsewhere must be able to say so. They get it in Junk.
- What the DNS left open is never held against a message; what it left open because the client had
  us ask for too much at once has to come again, or forgers could bring that about.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final

from apps.directory.models import Sternness
from apps.mailauth.types import Authentication, Policy, Result
from apps.mime.address import Address, AddressError
from apps.reception.policies import USUAL, Wishes
from apps.reception.wording import dkim_words, spf_words
from apps.wire.replies import Reply

_ROLES: Final = frozenset({"postmaster", "abuse"})


class Action(IntEnum):
    """What is done for one recipient, from harmless to hard."""

    INBOX = 0
    JUNK = 1
    REFUSE = 2


@dataclass(frozen=True, slots=True)
class Case:
    """What was found out.

    Args:
        listed: which block lists name the client: `is listed by …`; "" if none does.
        allowed: which allow list does.
        doubts: what else speaks against it, in the same form, for the trace.
        is_trusted: a host of our own brought it: whatever is true, nothing is held against it.
    """

    authentication: Authentication = field(default_factory=Authentication)
    listed: str = ""
    allowed: str = ""
    doubts: tuple[str, ...] = ()
    is_trusted: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """Those recipients of a message that are treated alike.

    Args:
        domain: of the address that the sender wrote; "" for `<postmaster>`.
        is_role: postmaster or abuse.
    """

    domain: str
    wishes: Wishes = USUAL
    is_role: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the queue keeps, and the worker acts upon.

    Args:
        junk: domains whose recipients get the message into Junk, with the reason.
        patience: what greylisting said, "" if it had nothing to say.
        names: what the sender will be known by, if the filter lets the message through.
    """

    case: Case = field(default_factory=Case)
    junk: Mapping[str, str] = field(default_factory=dict)
    patience: str = ""
    names: tuple[str, ...] = ()

    def junk_for(self, address: str) -> str:
        """Why a recipient, named as RCPT did, gets it into Junk; "" if it does not."""
        return self.junk.get(parts(address)[1], "") if self.junk else ""

    def as_data(self) -> dict[str, Any]:
        """For queue and trace, as JSON; what says nothing is left out."""
        case = self.case
        told = {
            "junk": dict(self.junk),
            "patience": self.patience,
            "names": list(self.names),
            "listed": case.listed,
            "allowed": case.allowed,
            "doubts": list(case.doubts),
            "trusted": case.is_trusted,
        }
        found = {"authentication": case.authentication.as_data()}
        return found | {key: value for key, value in told.items() if value}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Judgement":
        """Read what `as_data` made; what is missing has its default."""
        case = Case(
            Authentication.from_data(data.get("authentication", {})),
            data.get("listed", ""),
            data.get("allowed", ""),
            tuple(data.get("doubts", ())),
            data.get("trusted", False),
        )
        names = tuple(data.get("names", ()))
        return cls(case, dict(data.get("junk", {})), data.get("patience", ""), names)


def read(text: str) -> Judgement | None:
    """The judgement that a queue row keeps; None if its door asked nothing."""
    return Judgement.from_data(json.loads(text)) if text else None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is not taken: the answer to the client, and a sentence for the trace and for
    those who would have got it.

    Args:
        cause: a short stable word, such as dmarc, list, pretends, rate or greylist.
    """

    reply: Reply
    why: str
    cause: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to be done: refused as a whole, or taken and filed as `judgement` says.

    Args:
        disposition: what is done because of DMARC, as its reports have it.
    """

    judgement: Judgement
    refusal: Refusal | None = None
    disposition: Policy = Policy.NONE


def is_role(local: str) -> bool:
    """Whether the local part of an address is one that refuses nothing."""
    return local.casefold() in _ROLES


def rule(case: Case, readers: Iterable[Reader], *, is_crowding: bool = False) -> Ruling:
    """Decide about a message whose text is here.

    Args:
        is_crowding: questions about it had to wait for others that the same network caused.
    """
    if case.is_trusted:
        return Ruling(Judgement(case))
    readers = list(readers)
    if is_crowding and _might_be_refused(case, readers):
        return Ruling(Judgement(case), _CROWDED)
    by_dmarc = {reader: _by_dmarc(case, reader) for reader in readers}
    refused = [one for one in by_dmarc.values() if one.action is Action.REFUSE]
    if refused and len(refused) == len(by_dmarc):
        refusal = Refusal(_reply(case), refused[0].why, "dmarc")
        return Ruling(Judgement(case), refusal, Policy.REJECT)
    junk = {}
    for reader, verdict in by_dmarc.items():
        worst = max(verdict, _by_lists(case, reader), key=lambda one: one.action)
        if worst.action is not Action.INBOX:
            junk[reader.domain] = worst.why
    is_held = any(one.action is not Action.INBOX for one in by_dmarc.values())
    return Ruling(Judgement(case, junk), None, Policy.QUARANTINE if is_held else Policy.NONE)


_CROWDED: Final = Refusal(
    Reply(
        451,
        "4.7.1",
        "Not now: for your network we have to ask the DNS for too much at once, and could not find"
        " out who sent this message; try again later",
    ),
    "the DNS had been asked for too much at once for the client's network",
    "rate",
)


def _might_be_refused(case: Case, readers: Iterable[Reader]) -> bool:
    """Whether an answer that the DNS owes could have had a message refused."""
    dmarc = case.authentication.dmarc
    if not case.authentication.is_temporary or (dmarc.record and dmarc.policy is not Policy.REJECT):
        return False
    return all(one.wishes.dmarc is Sternness.REJECT and not one.is_role for one in readers)


@dataclass(frozen=True, slots=True)
class _Verdict:
    action: Action
    why: str = ""


_FINE: Final = _Verdict(Action.INBOX)


def _by_dmarc(case: Case, reader: Reader) -> _Verdict:
    dmarc, stern = case.authentication.dmarc, reader.wishes.dmarc
    if dmarc.disposition is Policy.NONE:
        return _FINE
    if stern is Sternness.REPORT:
        return _FINE
    why = f"it says that it is from {dmarc.author}, which neither SPF nor DKIM show"
    if not dmarc.author:
        why = dmarc.reason or "it does not say who wrote it"
    wants_refusal = dmarc.disposition is Policy.REJECT and stern is Sternness.REJECT
    if wants_refusal and not reader.is_role:
        return _Verdict(Action.REFUSE, why)
    return _Verdict(Action.JUNK, why)


def _by_lists(case: Case, reader: Reader) -> _Verdict:
    """Where lists refuse, that was done at RCPT; whoever is left here takes it."""
    if not case.listed or reader.wishes.lists is Sternness.REPORT:
        return _FINE
    return _Verdict(Action.JUNK, f"the client {case.listed}")


def _reply(case: Case) -> Reply:
    """The answer to a message that fails DMARC; RFC 7372 section 3.3: X.7.26, several checks
    failed.

    Where a forwarder's chain could not be verified because the DNS did not answer, the message may
    come again: an honest one gets through then, and for a forged one nothing is gained.
    """
    found = case.authentication
    checks = f"{spf_words(found.spf)}; {dkim_words(found.dkim)}"
    if found.arc.result is Result.TEMPERROR:
        return Reply(
            451,
            "4.7.26",
            f"This message fails DMARC ({checks}), and the DNS does not answer about those who"
            " forwarded it (ARC); try again later",
        )
    author, owner = found.dmarc.author, found.dmarc.domain
    if not author:
        return Reply(
            550,
            "5.7.26",
            f"Nobody stands behind this message: {found.dmarc.reason or 'it names no author'}\n"
            f"({checks}).\nFrom must name an author of one domain, in a way that cannot be"
            " misread (RFC 7489 section 6.6.1)",
        )
    return Reply(
        550,
        "5.7.26",
        f"This message says that it is from {author}, but nothing proves it:\n"
        f"{checks}; none is aligned (DMARC).\n"
        f"{owner or author} asks to refuse such mail (policy {found.dmarc.policy.value}).\n"
        f"If it is genuine: send it through the servers of {author}, or have its administrator"
        " add yours to its SPF record or sign with DKIM",
    )


def readers(written: Iterable[str], wishes: Mapping[str, Wishes]) -> list[Reader]:
    """Those who are treated alike among the addresses that RCPT named, each once.

    Args:
        wishes: by domain.
    """
    found: dict[Reader, None] = {}
    for address in written:
        local, domain = parts(address)
        found[Reader(domain, wishes.get(domain, USUAL), is_role(local))] = None
    return list(found)


@lru_cache(maxsize=4_096)
def parts(address: str) -> tuple[str, str]:
    """Local part and domain of an address as RCPT names it; `postmaster` alone has no domain."""
    try:
        parsed = Address.parse(address)
    except AddressError:
        return address, ""
    return parsed.local, parsed.domain
