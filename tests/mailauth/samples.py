"""Messages and keys that the tests of this folder share."""

from collections.abc import Mapping

from apps.mailauth.dkim import Signer
from apps.mailauth.keyring import Keyring
from apps.mailauth.keys import Algorithm, NewKey, SigningKey, generate, record_name, record_text

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
    return RECORDS.get(name.decode().rstrip("."))
