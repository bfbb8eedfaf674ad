"""Secrets at rest: sealed under ENCRYPTION_KEY before they go to the database, opened when needed.

For what must be had back in clear (private keys of DKIM, passwords of smarthosts), so that a copy
of the database alone gives none of it away. AES-256-GCM with a random nonce. Each secret is sealed
for a context, a text that names its place: one that was moved to another row does not open there.

The first key seals, all open: to change it, put a new one in front, run `manage.py reseal`, and
take the old one away. A sealed secret names its key by eight digits of a hash, so that a missing
key is told from a damaged secret.
"""

import base64
import binascii
import hashlib
import os
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.wire.errors import MailError

KEY_SIZE: Final = 32
_FORM: Final = b"\x01"  # key's name, nonce, AES-256-GCM
_NAME_SIZE: Final = 4
_NONCE_SIZE: Final = 12
_HEAD_SIZE: Final = len(_FORM) + _NAME_SIZE + _NONCE_SIZE


class SealBrokenError(MailError):
    """A sealed secret that cannot be opened: its key is gone, it was changed, or was moved."""


def seal(secret: bytes, *, context: str) -> bytes:
    """Seal a secret under the first key.

    Args:
        context: names the place where it is kept, such as `dkim/example.org/s1`; not secret. To be
            given again at `open_sealed`.
    """
    key = _ring(settings.ENCRYPTION_KEY)[0]
    nonce = os.urandom(_NONCE_SIZE)
    head = _FORM + _name(key) + nonce
    return head + AESGCM(key).encrypt(nonce, secret, context.encode())


def open_sealed(sealed: bytes | memoryview, *, context: str) -> bytes:
    """Return the secret that was sealed for this context.

    Raises:
        SealBrokenError: the text says for the administrator what is wrong, never any secret.
    """
    sealed = bytes(sealed)
    if len(sealed) <= _HEAD_SIZE or not sealed.startswith(_FORM):
        raise SealBrokenError(f"{context}: not a sealed secret")
    name = sealed[len(_FORM) : len(_FORM) + _NAME_SIZE]
    nonce = sealed[_HEAD_SIZE - _NONCE_SIZE : _HEAD_SIZE]
    keys = [key for key in _ring(settings.ENCRYPTION_KEY) if _name(key) == name]
    for key in keys:
        try:
            return AESGCM(key).decrypt(nonce, sealed[_HEAD_SIZE:], context.encode())
        except InvalidTag:
            continue
    if not keys:
        raise SealBrokenError(f"{context}: sealed with key {name.hex()}, not in ENCRYPTION_KEY")
    raise SealBrokenError(f"{context}: sealed for another place, or changed")


def is_current(sealed: bytes | memoryview) -> bool:
    """Whether it is sealed under the first key: what is not is sealed anew before that key goes."""
    key = _ring(settings.ENCRYPTION_KEY)[0]
    return bytes(sealed[: len(_FORM) + _NAME_SIZE]) == _FORM + _name(key)


def derived(purpose: str) -> tuple[bytes, ...]:
    """Keys of 32 bytes for a purpose other than sealing (SRS hashes), one of each ENCRYPTION_KEY.

    What is made uses the first, what comes back may match any. They tell nothing of the keys they
    come from.
    """
    return tuple(
        hashlib.blake2b(purpose.encode(), key=key, digest_size=KEY_SIZE).digest()
        for key in _ring(settings.ENCRYPTION_KEY)
    )


@lru_cache(maxsize=8)
def _ring(words: tuple[str, ...]) -> tuple[bytes, ...]:
    """The keys that ENCRYPTION_KEY spells.

    Raises:
        ImproperlyConfigured: never quotes them.
    """
    keys = []
    for number, word in enumerate(words, 1):
        try:
            key = base64.b64decode(word, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != KEY_SIZE:
            raise ImproperlyConfigured(
                f"Key {number} of ENCRYPTION_KEY is not 32 random bytes in base64"
                " (openssl rand -base64 32)."
            )
        keys.append(key)
    if not keys:
        raise ImproperlyConfigured("ENCRYPTION_KEY has no key.")
    return tuple(keys)


@lru_cache(maxsize=8)
def _name(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=_NAME_SIZE, person=b"mailhost.seal").digest()
