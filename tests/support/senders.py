"""Domains elsewhere that send mail, as far as others can check it: records, signatures, seals.

    bank = Sender("bank.test")
    bank.publish(dns, spf="v=spf1 ip4:192.0.2.1 -all", dmarc="v=DMARC1; p=reject")
    genuine = bank.sign(letter("ceo@bank.test", "alice@example.test"))
    handed_on = lists.seal(genuine, "spf=fail smtp.mailfrom=bank.test", ...)

Signatures and seals are dkimpy's, none of ours. Where the records go is a `DnsServer` or `Zones`.
"""

import base64
import itertools
import subprocess
from functools import cache
from typing import Protocol

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

SELECTOR = "s1"
SIGNED = (b"from", b"to", b"subject", b"date", b"message-id")
_numbers = itertools.count(1)


class Records(Protocol):
    """Where a domain's records are told; `DnsServer` is one."""

    def text(self, name: str, *records: str) -> None:
        """Set the TXT records of a name."""
        ...


def letter(
    author: str, to: str = "alice@example.test", subject: str = "Quarterly figures"
) -> bytes:
    """A message with a Message-ID that no other one has."""
    return (
        f"From: {author}\r\nTo: {to}\r\nSubject: {subject}\r\n"
        "Date: Thu, 26 Nov 2026 10:00:00 +0100\r\n"
        f"Message-ID: <{next(_numbers)}.{abs(hash(author))}@letters.invalid>\r\n"
        "\r\nThe figures are attached.\r\n"
    ).encode()


class Sender:
    """A domain with one RSA key.

    Args:
        bits: of the key.
    """

    def __init__(self, domain: str, bits: int = 2048) -> None:
        self.domain = domain
        self.secret, self.key = _rsa(domain, bits)

    def publish(self, dns: Records, *, spf: str = "", dmarc: str = "", key: bool = True) -> None:
        """Tell its records; what is empty is not there."""
        if spf:
            dns.text(self.domain, spf)
        if dmarc:
            dns.text(f"_dmarc.{self.domain}", dmarc)
        if key:
            dns.text(f"{SELECTOR}._domainkey.{self.domain}", f"v=DKIM1; k=rsa; p={self.key}")

    def sign(
        self, raw: bytes, *, headers: tuple[bytes, ...] = SIGNED, length: bool = False
    ) -> bytes:
        """The message with a DKIM-Signature on top.

        Args:
            length: say with l= how much of the body is signed.
        """
        field: bytes = dkim.sign(
            raw,
            SELECTOR.encode(),
            self.domain.encode(),
            self.secret,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=list(headers),
            length=length,
        )
        return field + raw

    def seal(self, raw: bytes, *results: str, headers: tuple[bytes, ...] = SIGNED) -> bytes:
        """The message with an ARC set on top.

        Args:
            results: what the sealer found out when the message came to it, as
                Authentication-Results has it: "dmarc=pass header.from=bank.test". With a chain on
                the message already, one of them is "arc=pass".
        """
        told = f"Authentication-Results: {self.domain}; " + ";\r\n ".join(results) + "\r\n"
        fields: list[bytes] = dkim.arc_sign(
            told.encode() + raw,
            SELECTOR.encode(),
            self.domain.encode(),
            self.secret,
            self.domain.encode(),
            include_headers=list(headers),
        )
        assert len(fields) == 3, results
        return b"".join(field.rstrip(b"\r\n") + b"\r\n" for field in fields) + raw


@cache
def _rsa(domain: str, bits: int) -> tuple[bytes, str]:
    """Private key as PEM, public key as a record has it; one a domain."""
    if bits < 1024:
        return _weak(bits)
    key = rsa.generate_private_key(65537, bits)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return secret, base64.b64encode(public).decode()


def _weak(bits: int) -> tuple[bytes, str]:
    """A key so short that `cryptography` refuses to make it."""
    command = ["openssl", "genrsa", "-traditional", str(bits)]
    secret = subprocess.run(command, check=True, capture_output=True, timeout=20).stdout
    command = ["openssl", "rsa", "-pubout", "-outform", "DER"]
    public = subprocess.run(command, input=secret, check=True, capture_output=True, timeout=20)
    return secret, base64.b64encode(public.stdout).decode()
