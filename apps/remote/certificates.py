"""Certificates of other servers: the contexts of outgoing handshakes, whom we trust, and what is
wrong with a certificate.

Handshakes towards mail servers verify nothing; the chain a server showed is judged afterwards by
OpenSSL's own verifier (`problem`), which tells a certificate that has expired from one that nobody
vouches for. Web servers (MTA-STS policies, reports) are verified in the handshake.
"""

import contextlib
import ipaddress
import logging
import ssl
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.conf import settings
from OpenSSL import crypto

logger = logging.getLogger(__name__)

TRUST_SECONDS: Final = 3600.0
"""After this the files of the authorities are read again: systems update them."""

_EXPIRED = frozenset({9, 10})  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_DER = 2  # _ssl.ENCODING_DER
_CHAIN = 10  # certificates of a peer that are looked at; OpenSSL takes at most 100 KB of them


class Problem(Enum):
    """Kinds of wrong certificates."""

    EXPIRED = "expired"
    HOST_MISMATCH = "host mismatch"
    NOT_TRUSTED = "not trusted"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a certificate, with words for the administrator."""

    problem: Problem
    reason: str


@lru_cache(maxsize=2)
def context(*, is_strict: bool) -> ssl.SSLContext:
    """The context of handshakes with mail servers: it makes TLS and verifies nothing.

    Args:
        is_strict: TLS 1.2 or later with sound ciphers. Otherwise whatever both sides can do: where
            mail would go in the clear instead, weak TLS still shuts out who merely listens
            (RFC 7435 section 3).
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if is_strict:
        made.minimum_version = ssl.TLSVersion.TLSv1_2
    else:
        made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
    return made


def web_context() -> ssl.SSLContext:
    """The context of HTTPS requests: certificates are verified, by the same authorities."""
    made = ssl.create_default_context()
    with _own_authorities() as file:
        if file:
            made.load_verify_locations(file)
    return made


def chain_of(tls: ssl.SSLObject) -> list[bytes]:
    """The certificates that the peer showed (DER), its own first; empty if it showed none."""
    # Public since Python 3.13 only (and DER there); before, the same call sits on the inner object.
    inner: Any = tls if hasattr(tls, "get_unverified_chain") else tls._sslobj  # type: ignore[attr-defined]
    shown: Iterable[Any] = inner.get_unverified_chain() or ()
    return [one if isinstance(one, bytes) else one.public_bytes(_DER) for one in shown][:_CHAIN]


def problem(
    chain: Sequence[bytes],
    names: Iterable[str],
    *,
    anchors: Sequence[bytes] = (),
    takes_common_name: bool = False,
) -> Finding | None:
    """What is wrong with a certificate chain, or None.

    Args:
        chain: DER, the server's own first.
        names: host names (A-labels) or IP addresses; the certificate must have one of them.
        anchors: certificates to trust in place of the system's and EXTRA_CA.
        takes_common_name: whether the subject's common name counts when there is no DNS name
            (RFC 7672 section 3.2.3; never for MTA-STS, RFC 8461 section 4.1).
    """
    if not chain:
        return Finding(Problem.NOT_TRUSTED, "the server showed no certificate")
    try:
        found = _untrusted(chain, anchors)
        own = names_of(chain[0], takes_common_name=takes_common_name)
    except (crypto.Error, ValueError, UnsupportedAlgorithm):
        return Finding(Problem.NOT_TRUSTED, "the server's certificate cannot be read")
    if found is None and not any(matches(name, one) for name in names for one in own):
        shown = ", ".join(own[:5])[:200] or "no name at all"
        # A stranger's certificate may name anything; logs and databases may not take it.
        printable = "".join(char if char.isprintable() else "?" for char in shown)
        return Finding(Problem.HOST_MISMATCH, f"the certificate is for {printable}")
    return found


def _untrusted(chain: Sequence[bytes], anchors: Sequence[bytes]) -> Finding | None:
    own, *others = [crypto.load_certificate(crypto.FILETYPE_ASN1, one) for one in chain]
    store = _anchored(anchors) if anchors else _trusted()
    try:
        path = crypto.X509StoreContext(store, own, others).get_verified_chain()
    except crypto.X509StoreContextError as error:
        code, depth, text = error.errors
        which = "the certificate" if depth == 0 else "a certificate above it"
        kind = Problem.EXPIRED if code in _EXPIRED else Problem.NOT_TRUSTED
        return Finding(kind, f"{which} was not accepted: {text}")
    if not _is_for_servers(chain[0]):
        return Finding(Problem.NOT_TRUSTED, "the certificate is not for servers")
    ders = [crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in path]
    if not all(map(_has_strong_key, ders)) or not all(map(_has_strong_signature, ders[:-1])):
        return Finding(Problem.NOT_TRUSTED, "the certificate's key or signature is too weak")
    return None


def _has_strong_key(der: bytes) -> bool:
    """At least 112 bits of security, which is OpenSSL's security level 2. A handshake that does not
    verify does not ask either."""
    key = parse(der).public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= 2_048
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.key_size >= 224
    return isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey)


def _has_strong_signature(der: bytes) -> bool:
    """By something better than SHA-1; the anchor's own signature proves nothing, so it may be."""
    digest = parse(der).signature_hash_algorithm  # None: EdDSA
    return digest is None or digest.digest_size > 20


def _anchored(anchors: Sequence[bytes]) -> crypto.X509Store:
    store = crypto.X509Store()
    # Without this only self-signed certificates end a chain; DANE may name one in the middle.
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    for one in anchors:
        store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, one))
    return store


@contextlib.contextmanager
def _own_authorities() -> Iterator[str]:
    """EXTRA_CA, "" if there is none. A file that cannot be used is told, and trusts nobody: mail
    for verified hosts then waits, all other mail goes on."""
    try:
        yield "" if settings.EXTRA_CA.name == "" else str(settings.EXTRA_CA)
    except (OSError, crypto.Error) as error:
        logger.error(
            "EXTRA_CA cannot be used", extra={"file": str(settings.EXTRA_CA), "detail": str(error)}
        )


_store: tuple[Path, float, crypto.X509Store] | None = None


def _trusted() -> crypto.X509Store:
    """The system's authorities and those of EXTRA_CA."""
    global _store
    now = time.monotonic()
    if _store is not None and _store[0] == settings.EXTRA_CA and now < _store[1]:
        return _store[2]
    store = crypto.X509Store()
    system = ssl.get_default_verify_paths()
    if system.cafile or system.capath:
        store.load_locations(system.cafile, system.capath)
    with _own_authorities() as file:
        if file:
            store.load_locations(file)
    _store = settings.EXTRA_CA, now + TRUST_SECONDS, store
    return store


def parse(der: bytes) -> x509.Certificate:
    """Read a certificate.

    Raises:
        ValueError: it cannot be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # strangers' oddities are no news for our log
        return x509.load_der_x509_certificate(der)


def public_key(der: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a certificate, DER, as it stands there.

    Raises:
        crypto.Error, ValueError: it cannot be read.
    """
    key = crypto.load_certificate(crypto.FILETYPE_ASN1, der).get_pubkey()
    return crypto.dump_publickey(crypto.FILETYPE_ASN1, key)


def names_of(der: bytes, *, takes_common_name: bool = False) -> tuple[str, ...]:
    """DNS names (lower case) and IP addresses that a certificate is for.

    Raises:
        ValueError: it cannot be read.
    """
    certificate = parse(der)
    found: tuple[str, ...] = ()
    with contextlib.suppress(x509.ExtensionNotFound):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = names.get_values_for_type(x509.DNSName)
        found = (
            *(host.lower().rstrip(".") for host in hosts),
            *map(str, names.get_values_for_type(x509.IPAddress)),
        )
        takes_common_name = takes_common_name and not hosts
    if not takes_common_name:
        return found
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return (*found, *(str(one.value).lower().rstrip(".") for one in common))


def matches(name: str, pattern: str) -> bool:
    """Whether a certificate's name is that of a host. A `*` stands for one whole label, the first
    (RFC 6125 section 6.4.3)."""
    if not pattern.startswith("*."):
        return name == pattern
    label, dot, rest = name.partition(".")
    return bool(label and dot) and rest == pattern[2:] and "." in rest and not is_address(name)


def is_address(name: str) -> bool:
    """Whether a host is named by its IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_for_servers(der: bytes) -> bool:
    """RFC 5280 section 4.2.1.12; without the extension a certificate is for everything."""
    try:
        uses = parse(der).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    wanted = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    return bool(wanted.intersection(uses))
