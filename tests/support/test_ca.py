"""A certificate authority for tests: server certificates good and bad, and contexts for sinks.

authority = Authority(tmp_path)
with override_settings(EXTRA_CA=authority.file): ...
sink = SmtpSink(tls=authority.server("mx.example.org").context)
"""

import hashlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate with its key.

    Args:
        chain: PEM file of the certificate and what signs it.
        key: PEM file of the private key.
        der: the certificate itself.
    """

    chain: Path
    key: Path
    der: bytes

    @property
    def context(self) -> ssl.SSLContext:
        """A context for a server that shows it; TLS 1.2 and newer."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        key = x509.load_der_x509_certificate(self.der).public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def tlsa(self, usage: int = 3, selector: int = 1, matching: int = 1) -> str:
        """A TLSA record for it, in zone-file form."""
        return tlsa(self.public_key if selector else self.der, usage, selector, matching)


class Authority:
    """An authority of its own. Its files lie in `folder`."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._ca = trustme.CA()
        self._folder = folder
        self._name = name
        self._count = 0
        self.file = folder / f"{name}.pem"  # for EXTRA_CA
        self._ca.cert_pem.write_to_path(str(self.file))

    @property
    def der(self) -> bytes:
        """The authority's own certificate."""
        return ssl.PEM_cert_to_DER_cert(self._ca.cert_pem.bytes().decode())

    def server(
        self, *names: str, is_expired: bool = False, is_early: bool = False
    ) -> ServerCertificate:
        """Issue a certificate for host names, wildcards and IP addresses."""
        now = datetime.now(UTC)
        day = timedelta(days=1)
        leaf = self._ca.issue_cert(
            *names,
            not_before=now + day if is_early else now - 30 * day,
            not_after=now - day if is_expired else now + 30 * day,
        )
        self._count += 1
        stem = f"{self._name}-{self._count}"
        chain, key = self._folder / f"{stem}.pem", self._folder / f"{stem}.key"
        pems = [*leaf.cert_chain_pems, self._ca.cert_pem]
        chain.write_bytes(b"".join(pem.bytes() for pem in pems))
        leaf.private_key_pem.write_to_path(str(key))
        der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
        return ServerCertificate(chain, key, der)

    def tlsa(self, selector: int = 0, matching: int = 1) -> str:
        """A TLSA record of usage 2 (DANE-TA) for the authority."""
        certificate = x509.load_der_x509_certificate(self.der)
        spki = certificate.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        return tlsa(spki if selector else self.der, 2, selector, matching)


def tlsa(data: bytes, usage: int, selector: int, matching: int) -> str:
    """A TLSA record of the given octets, in zone-file form (RFC 6698 section 2.2)."""
    digest = {0: data.hex, 1: hashlib.sha256(data).hexdigest, 2: hashlib.sha512(data).hexdigest}
    return f"{usage} {selector} {matching} {digest[matching]()}"
