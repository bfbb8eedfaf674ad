"""Messages for tests of rules: an honest one, in which a test changes what it is about."""

import base64
from collections.abc import Mapping
from typing import Any

from apps.mailauth.types import Arc, Authentication, Dkim, Dmarc, Policy, Result, Spf
from apps.runtime.ulid import new_ulid
from apps.scan.base import Case, Reader
from apps.scan.rules import ContentRules
from tests.scan.cases import judged

ALICE = Reader(7, "alice@example.test", "alice@example.test", "example.test", 1)
BOB = Reader(8, "bob@other.test", "bob@other.test", "other.test", 2)
CAME = 1_764_100_000_000_000
DATE = "Tue, 25 Nov 2025 20:00:00 +0100"
TEXT = "Hello Alice,\r\n\r\nshall we have lunch on Thursday? I know a place.\r\n\r\nBob\r\n"

UNPROVEN = Authentication(spf=Spf(Result.NONE, "friend.test"), dmarc=Dmarc(author="friend.test"))
PROVEN = Authentication(
    spf=Spf(Result.PASS, "friend.test"),
    dkim=(Dkim(Result.PASS, "friend.test"),),
    dmarc=Dmarc(Result.PASS, "friend.test", "friend.test", "v=DMARC1; p=none"),
)


def proven(domain: str) -> Authentication:
    """What a door finds about mail that a domain signed."""
    return Authentication(
        spf=Spf(Result.PASS, domain),
        dkim=(Dkim(Result.PASS, domain),),
        dmarc=Dmarc(Result.PASS, domain, domain, "v=DMARC1; p=reject", Policy.REJECT),
    )


def signed(domain: str, author: str) -> Authentication:
    """What it finds about mail that a domain signed, while From names another."""
    return Authentication(
        spf=Spf(Result.PASS, domain),
        dkim=(Dkim(Result.PASS, domain),),
        dmarc=Dmarc(author=author),
    )


def unproven(domain: str) -> Authentication:
    """What it finds about mail that nothing proves."""
    return Authentication(spf=Spf(Result.NONE, domain), dmarc=Dmarc(author=domain))


def failed(domain: str, policy: Policy = Policy.NONE) -> Authentication:
    """What it finds about mail that says it is from a domain, and is not."""
    return Authentication(
        spf=Spf(Result.FAIL, domain),
        dmarc=Dmarc(Result.FAIL, domain, domain, f"v=DMARC1; p={policy}", policy),
    )


def listed(domain: str, author: str) -> Authentication:
    """A post that a list of a domain distributes: it signs for itself."""
    return Authentication(
        spf=Spf(Result.PASS, domain),
        dkim=(Dkim(Result.PASS, domain), Dkim(Result.FAIL, author)),
        dmarc=Dmarc(Result.FAIL, author, author, "v=DMARC1; p=none"),
    )


def vouched(sealer: str, author: str) -> Authentication:
    """The same, where a forwarder whom we trust says that it was genuine."""
    return Authentication(
        spf=Spf(Result.PASS, sealer),
        dkim=(Dkim(Result.FAIL, author),),
        arc=Arc(Result.PASS, 1, (sealer,), sealer),
        dmarc=Dmarc(Result.FAIL, author, author, "v=DMARC1; p=reject", Policy.REJECT),
    )


def mail(
    text: str | bytes = TEXT,
    *,
    html: str = "",
    charset: str = "utf-8",
    encoding: str = "8bit",
    file: tuple[str, bytes] | None = None,
    **fields: str | None,
) -> bytes:
    """A message, by default an honest one.

    Args:
        html: beside the text, or alone if the text is "".
        file: an attachment: name, octets.
        fields: header fields, with `_` for `-`, `from_`; None leaves one out.
    """
    header: dict[str, str | None] = {
        "From": "Bob Builder <bob@friend.test>",
        "To": "Alice <alice@example.test>",
        "Subject": "Lunch on Thursday",
        "Date": DATE,
        "Message-ID": "<6e1d.1@friend.test>",
        "MIME-Version": "1.0",
    }
    for name, value in fields.items():
        written = name.strip("_").replace("_", "-").title()
        header["Message-ID" if written == "Message-Id" else written] = value
    octets = text if isinstance(text, bytes) else text.encode(charset)
    bodies = []
    if octets or not html:
        bodies.append(_part(f"text/plain; charset={charset}", octets, encoding))
    if html:
        bodies.append(_part(f"text/html; charset={charset}", html.encode(charset), encoding))
    body = bodies[0] if len(bodies) == 1 else _multipart("alternative", "aa", bodies)
    if file is not None:
        name, content = file
        attached = (
            f'Content-Type: application/octet-stream; name="{name}"\r\n'
            f'Content-Disposition: attachment; filename="{name}"\r\n'
            "Content-Transfer-Encoding: base64\r\n\r\n"
        ).encode() + base64.encodebytes(content).replace(b"\n", b"\r\n")
        body = _multipart("mixed", "mm", [body, attached])
    lines = [f"{name}: {value}\r\n" for name, value in header.items() if value is not None]
    return "".join(lines).encode() + body


def _part(kind: str, octets: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        octets = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + octets


def _multipart(kind: str, boundary: str, parts: list[bytes]) -> bytes:
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    mark = b"--" + boundary.encode()
    return head + b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts) + mark + b"--\r\n"


def case(raw: bytes, found: Authentication | None = PROVEN, **more: Any) -> Case:
    """A message at the door.

    Args:
        found: what the door found out; None: it asked nothing.
        more: fields of `Case`; `doubts`, `listed`, `allowed` of the judgement.
    """
    said = {name: more.pop(name) for name in ("doubts", "listed", "allowed") if name in more}
    identity = new_ulid()
    values: dict[str, Any] = {
        "id": identity,
        "trace_id": identity,
        "raw": raw,
        "sender": "bob@friend.test",
        "recipients": (ALICE.address,),
        "readers": (ALICE,),
        "door": "mx",
        "received_at_us": CAME,
        "judgement": {} if found is None else judged(found) | said,
    }
    return Case(**(values | more))


def points(
    raw: bytes,
    found: Authentication | None = PROVEN,
    given: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, float]:
    """What the rules find, and what it counts, by name."""
    findings = ContentRules().judge(case(raw, found, **more), given)
    return {one.rule: one.points for one in findings}
