"""ULIDs: 128-bit ids that sort by time and are made without asking anybody.

They name blobs, queued messages, traces and connections. Kept as UUIDs in the database; shown to
people as 26 characters of Crockford's base 32.
"""

import os
import time
import uuid

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Two letters at a step: each received message writes its id several times.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def new_ulid() -> uuid.UUID:
    """48 bits of Unix milliseconds and 80 random bits."""
    millis = time.time_ns() // 1_000_000
    return uuid.UUID(bytes=millis.to_bytes(6, "big") + os.urandom(10))


def ulid_text(value: uuid.UUID) -> str:
    """26 characters, as people read it."""
    number = value.int
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def parse_ulid(text: str) -> uuid.UUID | None:
    """The inverse of `ulid_text`; also takes a plain UUID. None if it is neither."""
    if len(text) == 26:
        try:
            number = 0
            for letter in text.upper():
                number = number << 5 | _ALPHABET.index(letter)
            return uuid.UUID(int=number)
        except ValueError:
            return None
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
