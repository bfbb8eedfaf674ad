"""This host as the DNS shall know it: its name, addresses, doors, certificate."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from django.conf import settings

from apps.dnscheck.models import HostAddress
from apps.dnscheck.records import Kind, Wanted
from apps.runtime import tls

logger = logging.getLogger(__name__)

LET_US_ENCRYPT: Final = "letsencrypt.org"
# By the organisation in the issuer's name: what the authority calls itself in CAA (RFC 8659).
AUTHORITIES: Final = {
    "let's encrypt": LET_US_ENCRYPT,
    "zerossl": "sectigo.com",
    "sectigo limited": "sectigo.com",
    "google trust services": "pki.goog",
    "buypass as-983163327": "buypass.com",
    "digicert inc": "digicert.com",
    "globalsign nv-sa": "globalsign.com",
    "ssl corporation": "ssl.com",
}
# The door with TLS from the first octet is the better one (RFC 8314 section 3), so it comes first.
_SERVICES: Final = (
    ("submissions", 0, "SUBMISSIONS_LISTEN"),
    ("submission", 10, "SUBMISSION_LISTEN"),
    ("imaps", 0, "IMAPS_LISTEN"),
    ("imap", 10, "IMAP_LISTEN"),
    ("pop3s", 20, "POP3S_LISTEN"),
    ("pop3", 30, "POP3_LISTEN"),
)


@dataclass(frozen=True, slots=True)
class Service:
    """A door that mail programs look for (RFC 6186, RFC 8314)."""

    name: str
    priority: int
    port: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """What records say of it.

    Args:
        key_digest: SHA-256 of its public key, in hex: "3 1 1" of a TLSA record (RFC 7672).
        authority: who made it, as CAA calls it; "" if it is nobody known.
    """

    key_digest: str
    authority: str


@dataclass(frozen=True, slots=True)
class Here:
    """This host.

    Args:
        addresses: those that mail leaves from: by the settings, else by the DNS as last seen.
    """

    host: str
    addresses: tuple[str, ...]
    services: tuple[Service, ...]
    certificate: Certificate | None

    @property
    def authority(self) -> str:
        """Who makes our certificates; Let's Encrypt unless it is known to be another."""
        known = self.certificate.authority if self.certificate else ""
        return known or LET_US_ENCRYPT

    @property
    def spf(self) -> str:
        """Who sends: this host whatever the MX record says, for mail leaves here before all of it
        arrives here. `~all`, because DMARC decides with DKIM in view, and a `-all` has some
        servers refuse forwarded mail before they have looked at its signature (RFC 7489 s10.1).
        """
        own = [_mechanism(address) for address in settings.SMTP_OUT_ADDRESS]
        return " ".join(["v=spf1", f"a:{self.host}", *own, "~all"])

    def reverse(self, why: str) -> Iterator[Wanted]:
        """The records of its addresses, which whoever rents them out sets."""
        for address in self.addresses:
            name = ip_address(address).reverse_pointer
            number = "" if len(self.addresses) == 1 else f"-{_id(address)}"
            yield Wanted(
                f"ptr{number}",
                Kind.PTR,
                "PTR",
                name,
                name,
                (f"{self.host}.",),
                f"Reverse DNS of {address}",
                why,
                is_required=True,
            )

    def tlsa(self, why: str) -> Iterator[Wanted]:
        """The record of its certificate's key, which stands in the zone of the host."""
        if self.certificate is None:
            return
        name = f"_25._tcp.{self.host}"
        value = f"3 1 1 {self.certificate.key_digest}"
        title = f"TLSA of {self.host}"
        yield Wanted("tlsa", Kind.TLSA, "TLSA", name, name, (value,), title, why, is_required=False)


def here() -> Here:
    """This host by its settings, files, and one statement."""
    host = str(settings.MAIL_HOSTNAME)
    addresses: Sequence[str] = settings.SMTP_OUT_ADDRESS
    if not addresses:
        kept = HostAddress.objects.filter(host=host).order_by("address")
        addresses = list(kept.values_list("address", flat=True))
    found = [(name, priority, getattr(settings, door)) for name, priority, door in _SERVICES]
    services = tuple(
        Service(name, priority, door.port) for name, priority, door in found if door is not None
    )
    return Here(host, tuple(addresses), services, certificate())


def certificate() -> Certificate | None:
    """The certificate that others see; None if there is none that can be read."""
    path = _certificate_file()
    try:
        about = path.stat()
        return _read(path, about.st_mtime_ns, about.st_size)
    except (OSError, ValueError) as error:
        logger.debug("the certificate cannot be read", extra={"detail": repr(error)})
        return None


def _certificate_file() -> Path:
    chain: Path = settings.TLS_CERT
    if chain == Path():  # how the table of settings reads an empty path
        return tls.self_signed_file()
    return chain / f"{settings.MAIL_HOSTNAME}.pem" if chain.is_dir() else chain


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int, _size: int) -> Certificate:
    """The first one of a file, kept until the file is another."""
    found = x509.load_pem_x509_certificates(path.read_bytes())
    key = found[0].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    names = found[0].issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    issuer = str(names[0].value).lower() if names else ""
    return Certificate(hashlib.sha256(key).hexdigest(), AUTHORITIES.get(issuer, ""))


def _mechanism(address: str) -> str:
    return f"ip{ip_address(address).version}:{address}"


def _id(address: str) -> str:
    return address.replace(":", "-").replace(".", "-")
