"""Mail that fills no mailbox: what the doors did not take, what came back, what is kept from its
readers, and what would leave the demo.

What is over is told to the flight recorder as doors and workers tell it. What still waits for
somebody goes through the real queue and its workers.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from apps.blobs import services as blobs
from apps.delivery import handing, process
from apps.delivery.accept import JUDGED, accept
from apps.delivery.recorder import index
from apps.demo import compose, traces
from apps.demo.people import People
from apps.directory.models import User
from apps.mailauth.types import Authentication, Dmarc, Policy, Result, Spf
from apps.mailqueue.models import Lane
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.mime.address import Address, take_apart
from apps.mime.caption import caption_told
from apps.mime.dates import format_date
from apps.reception.judging import Case, Judgement
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid, ulid_text
from apps.scan.attachments.policy import What
from apps.scan.services import attachments
from apps.smtp.declined import DATA, RCPT, Declined
from apps.trace.services import Event, rolling
from apps.wire import errors
from apps.wire.replies import Reply

DAYS: Final = 30
REFUSALS: Final = 9  # a day, about
ENDING: Final = "iso"  # files that the demo's policy keeps back
_PATIENCE: Final = 60.0  # seconds for what usually takes two


@dataclass(frozen=True, slots=True)
class _No:
    """A way to be refused."""

    stage: str
    cause: str
    why: str
    reply: Reply
    to: tuple[str, ...]
    share: int  # of all refusals


_HERE: Final = (
    *("maya@fernhill.example", "jonas@fernhill.example"),
    *("lena@kornblume.example", "eleni@hillside-choir.example"),
)
_NOES: Final = (
    _No(RCPT, "unknown", "no such user", errors.UnknownRecipient.reply,
        ("accounts@fernhill.example", "old.office@fernhill.example",
         "tickets@hillside-choir.example", "webmaster@hillside-choir.example"), 9),
    _No(RCPT, "relay", "relaying is denied", errors.RelayDenied.reply, ("test@probe.example",), 2),
    _No(DATA, "dmarc", "nothing proves who wrote it",
        Reply(550, "5.7.1", "The author's domain asks to refuse what it has not signed"), _HERE, 4),
    _No(DATA, "greylist", "asked to come back in 5 min: nothing is known of its server",
        Reply(451, "4.7.1", "Not known here yet, please come back in 5 minutes"), _HERE, 4),
    _No(RCPT, "full", "mailbox full", errors.QuotaExceeded.reply,
        ("oskar@hillside-choir.example",), 1),
)  # fmt: skip
_STRANGERS: Final = (
    *("bulk-9.example", "parcel-status.example", "quick-loans.example", "probe.example"),
    *("gardenbank.example", "watch-outlet.example", "newsroom-daily.example"),
)
_WRONG: Final = ("no.longer@quayside-trust.example", "hugh.pembert0n@colestreet-school.example")
_DISKS: Final = (
    ("amelia", "jonas", "Site survey, raw scans", "survey-disk"),
    ("hugh", "maya", "School hall: the old drawings", "drawings-1974"),
    ("anil", "ruth", "Till software for the café", "till-setup"),
    ("marjorie", "eleni", "Recordings of the spring concert", "concert"),
)
_AWAY: Final = (
    ("maya", "amelia", "Quayside: revised programme"),
    ("jonas", "hugh", "Measurements for the hall"),
    ("eleni", "marjorie", "Thank you for the recordings"),
)


def past(people: People, end: datetime, seed: int) -> Iterator[Event]:
    """What was refused, put off or came back in the days before `end`. Pure."""
    rng = Random(f"flow{seed}")  # noqa: S311 - a demo, no secrets
    shares = [one.share for one in _NOES]
    for number in range(DAYS * REFUSALS):
        at = end - timedelta(minutes=number * 1_440 // REFUSALS + rng.randrange(150))
        (no,) = rng.choices(_NOES, shares)
        yield from _refused(no, at, rng)
    for number, wrong in enumerate(_WRONG * 3):
        at = end - timedelta(days=number * 4, hours=1 + rng.randrange(5))
        yield from _bounced(people["maya" if number % 2 else "priya"].address, wrong, at, rng)


def _refused(no: _No, at: datetime, rng: Random) -> Iterator[Event]:
    domain = rng.choice(_STRANGERS)
    host, address = traces.host_of(domain)
    at_us, trace_id = _moment(at), _id(at, rng)
    declined = Declined(no.stage, no.cause, no.why, no.reply, at_us, [rng.choice(no.to)])
    told = {"from": f"info@{domain}", "address": address, "helo": host, **declined.told()}
    if no.stage == DATA:
        told |= {"subject": rng.choice(("Final notice", "Your order", "This week's news"))}
    if no.cause == "dmarc":
        judged = Judgement(Case(_forged(domain)))
        yield Event(trace_id, JUDGED, judged.as_data(), at_us)
    yield Event(trace_id, "mx.refused", told, at_us)


def _forged(domain: str) -> Authentication:
    record = "v=DMARC1; p=reject"
    return Authentication(
        spf=Spf(Result.FAIL, domain, mechanism="-all"),
        dmarc=Dmarc(Result.FAIL, domain, domain, record, Policy.REJECT, Policy.REJECT),
    )


def _bounced(sender: str, to: str, at: datetime, rng: Random) -> Iterator[Event]:
    host, address = traces.host_of(take_apart(to)[1])
    at_us, trace_id = _moment(at), _id(at, rng)
    came: Mapping[str, Any] = {
        "from": sender, "account": sender, "to": [to], "away": 1, "size": 2_140,
        "queue_id": ulid_text(trace_id), "subject": "Drawings for Thursday",
        "address": "192.0.2.17", "helo": "[192.0.2.17]", "tls": traces.TLS,
    }  # fmt: skip
    yield Event(trace_id, "submission.received", dict(came), at_us)
    failed = {
        "to": to, "host": host, "address": f"{address}:25", "tls": traces.TLS,
        "reply": "550 5.1.1 There is nobody of this name here", "status": "5.1.1",
    }  # fmt: skip
    yield Event(trace_id, "outbound.failed", failed, at_us + 2_000_000)


def present(people: People, users: Mapping[str, User]) -> None:
    """What waits for somebody now: files that a policy keeps in quarantine, and mail to people
    elsewhere, which a demo holds."""
    attachments.set_entry(What.ENDING, ENDING, "quarantine", domain=None)
    accept([_disk(people, users, *row) for row in _DISKS])
    for sender, to, subject in _AWAY:
        _send(people, users, sender, to, subject)
    while process.run_once() or process.run_once(lane=Lane.HEAVY):
        pass


def count() -> None:
    """Index all that was recorded, and count it, so that lists and pictures are there at once."""
    index.catch_up(seconds=_PATIENCE)
    rolling.roll(_PATIENCE)


def _disk(
    people: People, users: Mapping[str, User], sender: str, to: str, subject: str, name: str
) -> Submission:
    writer, reader, trace_id, at_us = people[sender], people[to], new_ulid(), now_us()
    host, address = traces.host_of(writer.host)
    text = compose.text("The files are too many to send one by one, so here is a disk image.\n")
    disk = compose.binary(b"\0" * 900, "application/octet-stream", f"{name}.{ENDING}")
    raw = compose.message(
        _head(people, sender, to, subject, trace_id, at_us),
        compose.multipart("mixed", [text, disk], trace_id.hex),
    )
    found = Judgement(Case(traces.authenticated(writer.host)))
    return Submission(
        id=trace_id,
        trace_id=trace_id,
        blob=blobs.prepare(raw),
        prefix=b"",
        cuts=(),
        sender=writer.address,
        recipients=(EnvelopeRecipient(reader.address, reader.address, users[to].pk),),
        door="mx",
        user_id=None,
        client={"address": address, "helo": host, "tls": traces.TLS},
        received_at_us=at_us,
        judgement=json.dumps(found.as_data()),
        traced=caption_told(raw),
    )


def _send(people: People, users: Mapping[str, User], sender: str, to: str, subject: str) -> None:
    trace_id, at_us = new_ulid(), now_us()
    address = people[to].address
    handing.hand_in(
        compose.message(
            _head(people, sender, to, subject, trace_id, at_us),
            compose.text("As we said on the phone. More on Monday.\n"),
        ),
        mail_id=trace_id,
        user_id=users[sender].pk,
        sender=Address.parse(people[sender].address),
        recipients=[EnvelopeRecipient(address, address, None)],
        door="webmail",
        at_us=at_us,
        smtputf8=False,
    )


def _head(
    people: People, sender: str, to: str, subject: str, trace_id: UUID, at_us: int
) -> list[tuple[str, str]]:
    writer, reader = people[sender], people[to]
    return [
        ("From", compose.mailbox(writer.name, writer.address)),
        ("To", compose.mailbox(reader.name, reader.address)),
        ("Subject", compose.words(subject)),
        ("Date", format_date(datetime.fromtimestamp(at_us / 1_000_000, UTC))),
        ("Message-ID", f"<{trace_id.hex}@{writer.host}>"),
    ]


def _moment(at: datetime) -> int:
    """Unix microseconds."""
    return int(at.timestamp()) * 1_000_000


def _id(at: datetime, rng: Random) -> UUID:
    """A ULID of that moment."""
    return UUID(int=int(at.timestamp() * 1_000) << 80 | rng.getrandbits(80))
