"""What the flight recorder tells of the letters: how each came and where it went.

It is what doors and workers record. Pure: the same letter gives the same events.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from apps.delivery.accept import JUDGED
from apps.demo.filing import Copy
from apps.demo.letters import Letter
from apps.demo.people import Person
from apps.mailauth.types import Authentication, Dkim, Dmarc, Policy, Result, Spf
from apps.mailstore.services.deliver import Filed
from apps.reception.judging import Case, Judgement
from apps.runtime.ulid import ulid_text
from apps.scan.base import Action
from apps.scan.verdict import Opinion
from apps.trace.services import Event

TLS = "TLSv1.3 TLS_AES_256_GCM_SHA384"
_TRANSPORT = 3  # seconds from one hand to the next
_LIST_BOUNCES = "timber-frame-bounces@lists.holzbau.example"
_SECOND = 1_000_000
_LATER = 600 * _SECOND  # until a server that was busy is tried again
_SPAM = (
    "its words are those of spam",
    "it comes from where much spam comes from; its words are those of spam",
    "its links lead elsewhere than they say; its words are those of spam",
)


def arrival(letter: Letter) -> int:
    """Unix seconds."""
    return int(letter.at.timestamp()) + (0 if letter.kind == "draft" else _TRANSPORT)


def identity(letter: Letter, purpose: str) -> UUID:
    """A ULID of the letter's own moment: the same each time."""
    digest = sha256(f"{purpose}{letter.message_id}".encode()).digest()
    return UUID(bytes=int(letter.at.timestamp() * 1000).to_bytes(6, "big") + digest[:10])


def envelope_sender(letter: Letter) -> str:
    """What MAIL FROM said."""
    if letter.kind == "report":
        return ""  # RFC 3461 section 6.1: a report is never answered
    return _LIST_BOUNCES if letter.kind == "list" else letter.sender.address


def host_of(domain: str) -> tuple[str, str]:
    """The server of a domain elsewhere: its name and address."""
    return f"mx.{domain}", f"203.0.113.{1 + sha256(domain.encode()).digest()[0] % 254}"


def is_traced(letter: Letter) -> bool:
    """Whether it went through a door; a draft did not."""
    return letter.kind != "draft"


def has_readers(letter: Letter) -> bool:
    """Whether it came to mailboxes here."""
    return letter.kind == "list" or any(person.reaches for person in letter.to)


def of_letter(letter: Letter, size: int, copies: Sequence[tuple[Copy, Filed]]) -> Iterator[Event]:
    """All that is told of a letter.

    Args:
        size: octets, with our own fields.
        copies: those that were delivered here, and where.
    """
    trace_id, at = identity(letter, "trace"), arrival(letter) * _SECOND
    chance = sha256(letter.message_id.encode()).digest()
    yield Event(trace_id, f"{_door(letter)}.received", _came(letter, size, copies), at)
    opinion = _opinion(letter, chance)
    if not letter.sender.is_user:
        found = authenticated(letter.sender.host)
        judged = Judgement(Case(found))
        yield Event(trace_id, JUDGED, judged.as_data(), at)
    yield Event(trace_id, "scan.judged", opinion.as_data(), at + 150_000)
    filed_at = at + 200_000 + chance[2] * (60_000 if chance[3] < 20 else 6_000)
    for copy, where in copies:
        told = {"to": copy.delivered_to, "mailbox": where.mailbox_id, "uid": where.uid}
        if letter.kind == "junk":
            told |= {"junk": opinion.why, "by": "score", "points": opinion.points}
        yield Event(trace_id, "local.delivered", told, filed_at)
    for number, person in enumerate(_outside(letter)):
        yield from _left(trace_id, person, at + 900_000, is_slow=(chance[4] + number) % 9 == 0)


def authenticated(domain: str) -> Authentication:
    """What is found out about a sender against whom nothing speaks."""
    return Authentication(
        spf=Spf(Result.PASS, domain, mechanism="mx"),
        dkim=(Dkim(Result.PASS, domain, "s1", f"@{domain}", "rsa-sha256"),),
        dmarc=Dmarc(
            Result.PASS, domain, domain, "v=DMARC1; p=reject", Policy.REJECT, spf=True, dkim=True
        ),
    )


def _door(letter: Letter) -> str:
    return "submission" if letter.sender.is_user else "mx"


def _came(letter: Letter, size: int, copies: Sequence[tuple[Copy, Filed]]) -> dict[str, Any]:
    written = _written(letter, [copy for copy, _ in copies])
    outside = [person.address for person in _outside(letter)]
    members = {final: to for final, to in written.items() if final != to}
    told: dict[str, Any] = {
        "from": envelope_sender(letter),
        "to": list(dict.fromkeys([*written.values(), *outside])),
        "size": size,
        "queue_id": ulid_text(identity(letter, "queue")),
        "subject": letter.subject,
        "message_id": letter.message_id,
        "tls": TLS,
        **({"members": members} if members else {}),
    }
    if letter.sender.is_user:
        account = letter.sender.address
        told |= {"address": "192.0.2.17", "helo": "[192.0.2.17]", "account": account}
        return {**told, "away": len(outside)}
    host, address = host_of(letter.sender.host)
    return {**told, "address": address, "helo": host}


def _written(letter: Letter, copies: Sequence[Copy]) -> Mapping[str, str]:
    """Final recipient -> what the envelope named: of a group its address."""
    ways = {key: person.address for person in reversed(letter.to) for key in person.reaches}
    own = {person.address for person in letter.to}
    return {
        copy.delivered_to: copy.delivered_to
        if copy.delivered_to in own
        else ways.get(copy.user, copy.delivered_to)
        for copy in copies
    }


def _outside(letter: Letter) -> list[Person]:
    """Whom a user of ours writes to elsewhere."""
    if not letter.sender.is_user or letter.kind == "list":
        return []
    return [person for person in letter.to if not person.reaches]


def _opinion(letter: Letter, chance: bytes) -> Opinion:
    if letter.kind != "junk":
        return Opinion(round(chance[0] / 100 - 1.2, 1))
    return Opinion(round(5.2 + chance[0] / 30, 1), Action.JUNK, _SPAM[chance[1] % len(_SPAM)])


def _left(trace_id: UUID, person: Person, at: int, *, is_slow: bool) -> Iterator[Event]:
    """Its way to another server, which may be too busy at first."""
    host, address = host_of(person.host)
    there = {"to": person.address, "host": host, "address": f"{address}:25", "tls": TLS}
    if is_slow:
        busy = {"reply": "451 4.3.2 Too busy, come back later", "status": "4.3.2"}
        yield Event(trace_id, "outbound.deferred", {**there, **busy, "next_at": at + _LATER}, at)
        at += _LATER + _SECOND
    taken = {"reply": "250 2.0.0 Queued", "status": "2.0.0"}
    yield Event(trace_id, "outbound.delivered", {**there, **taken}, at)
