"""Certificates that sign themselves, in whatever way a test wants."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def signed_by_itself(
    name: str, *, key: Key | None = None, algorithm: hashes.HashAlgorithm | None
) -> x509.Certificate:
    """A certificate; `algorithm` is the hash of its signature, None for a key that has its own."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    own = key or ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(own.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    return builder.sign(own, algorithm)  # type: ignore[arg-type]
