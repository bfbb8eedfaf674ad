"""Keys of signatures: made, loaded, and published in DNS (RFC 6376 section 3.6.1, RFC 8463).

Private keys are PKCS #8 DER without a password of their own: whoever keeps them seals them. RSA
below 1024 bits is no key (RFC 8301 section 3.2).
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from apps.mailauth import tags
from apps.mailauth.tags import TagError
from apps.mailauth.types import Result

RSA_BITS: Final = 2048  # larger ones do not fit into one UDP answer of many servers
RSA_BITS_LEAST: Final = 1024
RSA_BITS_MOST: Final = 8192
EXPONENT_MOST: Final = 1 << 32  # a larger one only costs whoever verifies time
STRING_MAX: Final = 255  # octets in one string of a TXT record, RFC 1035 section 3.3


class Algorithm(StrEnum):
    """As k= in a key record and, with -sha256, as a= in a signature."""

    RSA = "rsa"
    ED25519 = "ed25519"

    @property
    def tag(self) -> str:
        """For a=."""
        return f"{self.value}-sha256"


class KeyRecordError(ValueError):
    """A key, or the record of one, that cannot be used; the text is ours and says why."""

    result = Result.PERMERROR


class WeakKeyError(KeyRecordError):
    """A key that others could find out: what it signs proves nothing (RFC 8301 section 3.2)."""

    result = Result.POLICY


@dataclass(frozen=True, slots=True)
class NewKey:
    """A pair just made.

    Args:
        secret: PKCS #8 DER.
        public: base64, the p= of its record.
    """

    algorithm: Algorithm
    secret: bytes
    public: str


class SigningKey:
    """A private key that is ready to sign."""

    def __init__(self, secret: bytes) -> None:
        """Load it; `secret` is one that we made (`generate`): it is not examined again."""
        # The examination of an RSA key costs 25 ms, as much as making it.
        key = serialization.load_der_private_key(
            secret, password=None, unsafe_skip_rsa_key_validation=True
        )
        if not isinstance(key, rsa.RSAPrivateKey | Ed25519PrivateKey):
            raise KeyRecordError("neither RSA nor Ed25519")
        self._key = key

    @property
    def algorithm(self) -> Algorithm:
        """Which kind it is."""
        return Algorithm.RSA if isinstance(self._key, rsa.RSAPrivateKey) else Algorithm.ED25519

    def sign(self, data: bytes) -> bytes:
        """Sign the SHA-256 of `data`."""
        if isinstance(self._key, Ed25519PrivateKey):
            # The digest is what is signed, by plain Ed25519 (RFC 8463 section 3).
            return self._key.sign(hashlib.sha256(data).digest())
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key as its record gives it.

    Args:
        is_testing: the domain only tries signing out (t=y).
        is_strict: i= must name the very domain d= (t=s).
    """

    algorithm: Algorithm
    key: rsa.RSAPublicKey | Ed25519PublicKey
    is_testing: bool = False
    is_strict: bool = False

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether the private key signed the SHA-256 of `data`."""
        return self.verifies_digest(signature, hashlib.sha256(data).digest())

    def verifies_digest(self, signature: bytes, digest: bytes) -> bool:
        """Whether the private key signed this SHA-256."""
        try:
            if isinstance(self.key, Ed25519PublicKey):
                self.key.verify(signature, digest)
            else:
                self.key.verify(signature, digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


def generate(algorithm: Algorithm) -> NewKey:
    """Make a pair. One of RSA costs some 30 ms."""
    if algorithm is Algorithm.RSA:
        return _new_rsa()
    key = Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes_raw()
    return NewKey(algorithm, _secret(key), base64.b64encode(raw).decode())


def _new_rsa() -> NewKey:
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return NewKey(Algorithm.RSA, _secret(key), base64.b64encode(public).decode())


def _secret(key: rsa.RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def record_name(selector: str, domain: str) -> str:
    """The name of a key's TXT record."""
    return f"{selector}._domainkey.{domain}"


def record_text(algorithm: Algorithm, public: str) -> str:
    """The text of a key's TXT record; an empty `public` revokes the key."""
    return f"v=DKIM1; k={algorithm.value}; p={public}"


def record_strings(text: str) -> list[str]:
    """The text as strings that fit into a TXT record, to be joined without anything between."""
    return [text[at : at + STRING_MAX] for at in range(0, len(text), STRING_MAX)]


def parse_record(text: bytes) -> PublicKey:
    """Read a key record.

    Raises:
        KeyRecordError: malformed, revoked, for something else than mail, or too weak.
    """
    try:
        found = tags.parse(text)
    except TagError as error:
        raise KeyRecordError(f"key record: {error}") from None
    if found.get("v", b"DKIM1") != b"DKIM1" or ("v" in found and next(iter(found)) != "v"):
        raise KeyRecordError("not a DKIM key record")
    if b"sha256" not in tags.words(found.get("h", b"sha256")):
        raise KeyRecordError("the key is not for SHA-256")
    if not {b"*", b"email"} & tags.words(found.get("s", b"*")):
        raise KeyRecordError("the key is not for mail")
    flags = tags.words(found.get("t", b""))
    algorithm, key = _public_key(found.get("k", b"rsa").lower(), found.get("p"))
    return PublicKey(algorithm, key, is_testing=b"y" in flags, is_strict=b"s" in flags)


def _public_key(
    kind: bytes, text: bytes | None
) -> tuple[Algorithm, rsa.RSAPublicKey | Ed25519PublicKey]:
    if text is None:
        raise KeyRecordError("the record has no key")
    if not text:
        raise KeyRecordError("the key was revoked")
    try:
        raw = base64.b64decode(tags.without_white(text), validate=True)
        if kind == b"ed25519":
            return Algorithm.ED25519, Ed25519PublicKey.from_public_bytes(raw)
        if kind != b"rsa":
            raise KeyRecordError("the key is of an unknown kind")
        key = serialization.load_der_public_key(raw)
    except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
        if isinstance(error, KeyRecordError):
            raise
        raise KeyRecordError("the key cannot be read") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise KeyRecordError("the key is not RSA")
    _check_rsa(key)
    return Algorithm.RSA, key


def _check_rsa(key: rsa.RSAPublicKey) -> None:
    if key.key_size < RSA_BITS_LEAST:
        raise WeakKeyError(f"an RSA key of {key.key_size} bits is not taken")
    if key.key_size > RSA_BITS_MOST:
        raise KeyRecordError(f"an RSA key of {key.key_size} bits is not taken")
    if key.public_numbers().e > EXPONENT_MOST:
        raise KeyRecordError("the RSA exponent is too large")
