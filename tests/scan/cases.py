"""Cases for tests of what is made of them: mail from outside, to users of ours."""

from typing import Any
from uuid import UUID

from apps.directory.models import User
from apps.mailauth.types import Authentication, Dkim, Dmarc, Policy, Result, Spf
from apps.reception.judging import Case as Question
from apps.reception.judging import Judgement
from apps.runtime.ulid import new_ulid
from apps.scan.base import Case, Reader

PROVEN = Authentication(
    dkim=(Dkim(Result.PASS, "friend.test"),), dmarc=Dmarc(Result.PASS, "friend.test")
)
"""What a door finds about mail of friend.test that is genuine."""

FORGED = Authentication(
    spf=Spf(Result.PASS, "thief.test"),
    dmarc=Dmarc(
        Result.FAIL, "friend.test", policy=Policy.QUARANTINE, disposition=Policy.QUARANTINE
    ),
)
"""The same for mail that is not, from a host of thief.test."""


def judged(authentication: Authentication, **more: Any) -> dict[str, Any]:
    """What a door keeps of it."""
    return Judgement(Question(authentication), **more).as_data()


def reader(user: User, written: str = "") -> Reader:
    """A user of ours who is a recipient."""
    written = written or user.address
    home = user.domain
    if home is None:
        return Reader(user.pk, user.address, written, "", 0)
    return Reader(user.pk, user.address, written, home.name, home.organization_id)


def letter(author: str = "Friend <friend@friend.test>") -> bytes:
    """A message."""
    return (
        f"From: {author}\r\nTo: alice@example.test\r\nSubject: Lunch\r\n"
        "Message-ID: <1@friend.test>\r\n\r\nAt noon?\r\n"
    ).encode()


def case(*readers: Reader, identity: UUID | None = None, **more: Any) -> Case:
    """Mail from friend@friend.test, proven, for these readers."""
    identity = identity or new_ulid()
    values: dict[str, Any] = {
        "id": identity,
        "trace_id": identity,
        "raw": letter(),
        "sender": "friend@friend.test",
        "recipients": tuple(one.address for one in readers),
        "readers": readers,
        "door": "mx",
        "received_at_us": 1_700_000_000_000_000,
        "client": {"address": "192.0.2.77", "helo": "mx.friend.test"},
        "judgement": judged(PROVEN),
    }
    return Case(**(values | more))
