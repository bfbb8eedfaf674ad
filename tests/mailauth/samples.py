"""Messages and keys that the tests of this folder share."""

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives import serialization

from apps.mailauth import canonical, message, signature
from apps.mailauth.canonical import Form
from apps.mailauth.dkim import Signer
from apps.mailauth.keyring import Keyring
from apps.mailauth.keys import Algorithm, NewKey, SigningKey, generate, record_name, record_text
from apps.mailauth.message import HeaderField
from tests.support.zones import Zones

DOMAIN = "example.test"
NOW = 1_790_000_000
RSA, ED25519, OTHER = (generate(one) for one in (Algorithm.RSA, Algorithm.ED25519, Algorithm.RSA))

PLAIN = (
    b"Received: from a by b; Thu, 26 Nov 2026 00:00:00 +0000\r\n"
    b"From: Alice <alice@example.test>\r\n"
    b"To: bob@elsewhere.test,\r\n\tcarol@elsewhere.test\r\n"
    b"Subject:  Two   spaces \t and\r\n  a fold \r\n"
    b"Date: Thu, 26 Nov 2026 00:00:00 +0000\r\n"
    b"Message-ID: <1@example.test>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"\r\n"
    b"Hello  Bob, \t \r\n\r\n \t\r\n..dots\r\n tail\t\r\n\r\n \r\n\r\n"
)
# A SubjectPublicKeyInfo of 512 bits, any bits: no library makes such keys any more.
WEAK_RECORD = record_text(
    Algorithm.RSA,
    base64.b64encode(
        bytes.fromhex("305c300d06092a864886f70d0101010500034b003048024100")
        + b"\xb5" * 64
        + bytes.fromhex("0203010001")
    ).decode(),
)


def signer(selector: str, key: NewKey, domain: str = DOMAIN) -> Signer:
    return Signer(domain, selector, SigningKey(key.secret))


BOTH = (signer("r1", RSA), signer("e1", ED25519))
RECORDS: dict[str, bytes] = {
    record_name(selector, domain): record_text(key.algorithm, key.public).encode()
    for domain in (DOMAIN, "first.test", "second.test", "third.test")
    for selector, key in (("r1", RSA), ("e1", ED25519), ("o1", OTHER))
}


def keyring(records: Mapping[str, bytes | None]) -> Keyring:
    """Keys by record name; b"" is no record, None no answer."""
    return Keyring(
        {name: None if one is None else (one,) * bool(one) for name, one in records.items()}
    )


def txt(name: bytes, timeout: int = 5) -> bytes | None:
    """The DNS of dkimpy."""
    return RECORDS.get(name.decode().rstrip(".").lower())


def crafted(
    raw: bytes, pair: NewKey = RSA, /, selector: str = "r1", domain: str = DOMAIN, **tags: str
) -> bytes:
    """`raw` below a DKIM-Signature with any tags: those given stand for the usual ones, an empty
    one leaves its tag out, and bh= and b= are right for all of them if not given."""
    taken = message.split(raw)
    found = {
        "v": "1",
        "a": pair.algorithm.tag,
        "c": "relaxed/relaxed",
        "d": domain,
        "s": selector,
        "h": "from:to:subject",
        "bh": "",
        **tags,
    }
    forms = [word == "relaxed" for word in f"{found['c']}/simple".split("/")[:2]]
    limit = int(found["l"]) if found.get("l", "").isdigit() else None
    form = Form(forms[1], limit)
    digest = canonical.body_sums(taken.body, [form])[form].digest or b"none"
    found["bh"] = found["bh"] or base64.b64encode(digest).decode()
    text = "; ".join(f"{name}={value}" for name, value in found.items() if value and name != "b")
    unsigned = f" {text}; b=".encode()
    field = HeaderField(b"dkim-signature", b"DKIM-Signature:" + unsigned, unsigned)
    names = tuple(name.strip().lower().encode() for name in found["h"].split(":"))
    data = signature.signed_data(taken, field, names, forms[0])
    value = found.get("b") or base64.b64encode(SigningKey(pair.secret).sign(data)).decode()
    return field.raw + value.encode() + b"\r\n" + raw


def pem(pair: NewKey) -> bytes:
    """An RSA key as dkimpy wants it."""
    key = serialization.load_der_private_key(pair.secret, None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def zones() -> Zones:
    """A DNS that has all keys."""
    made = Zones()
    for name, record in RECORDS.items():
        made.add(name, "TXT", record)
    return made
