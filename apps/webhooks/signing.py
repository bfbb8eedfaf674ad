"""Signatures as the Standard Webhooks specification has them: HMAC-SHA256 over id, moment and body,
so that nobody else can send in our name, and nothing that was sent can be sent again later. Pure.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Final, Self

PREFIX: Final = "whsec_"
OCTETS: Final = 32


def generate() -> str:
    """Invent a secret of 256 bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(OCTETS)).decode()


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets of an endpoint.

    Args:
        now: with which everything is signed.
        before: the one before it, with which everything is signed too.
        until: as long as that is so, Unix seconds.
    """

    now: str
    before: str = ""
    until: int = 0

    @classmethod
    def read(cls, kept: bytes) -> Self:
        """As they were written by `kept`."""
        found = json.loads(kept)
        return cls(found["now"], found["before"], found["until"])

    @property
    def kept(self) -> bytes:
        """To be sealed."""
        return json.dumps({"now": self.now, "before": self.before, "until": self.until}).encode()

    def at(self, seconds: int) -> list[str]:
        """Those with which is signed at a moment."""
        return [self.now, *([self.before] if self.before and seconds < self.until else [])]


def signature(secret: str, name: str, seconds: int, body: bytes) -> str:
    """One signature.

    Args:
        name: the id of the event.
        seconds: when it is sent, Unix seconds.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{name}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def headers(keys: Keys, name: str, seconds: int, body: bytes) -> dict[str, str]:
    """What stands above a body."""
    signed = [signature(one, name, seconds, body) for one in keys.at(seconds)]
    return {
        "webhook-id": name,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signed),
    }


def is_secret(text: str) -> bool:
    """Whether a text is such a secret as others make too: of 24 to 64 octets."""
    try:
        octets = base64.b64decode(text.removeprefix(PREFIX).encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(PREFIX) and 24 <= len(octets) <= 64
