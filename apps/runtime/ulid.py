"""ULIDs: 128-bit ids that sort by time and are made without asking anybody.

They name blobs, queued messages, traces and connections. Kept as UUIDs in the database; shown to
people as 26 characters of Crockford's base 32.
"""

import os
import time
import uuid
from collections import deque
from functools import lru_cache

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Two letters at a step, and those of the last few are kept: each received message writes its id
# several times.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


_RANDOM = 10  # octets of one id
_AT_ONCE = 256  # ids for which the system is asked: each question costs more than all the rest
_ready: deque[bytes] = deque()
# Two processes with one supply would give out the same ids.
os.register_at_fork(after_in_child=_ready.clear)


def new_ulid() -> uuid.UUID:
    """48 bits of Unix milliseconds and 80 random bits."""
    millis = time.time_ns() // 1_000_000
    try:
        chance = _ready.popleft()
    except IndexError:
        chance = _supply()
    return uuid.UUID(bytes=millis.to_bytes(6, "big") + chance)


def _supply() -> bytes:
    """Random octets for one id; more of them lie ready then."""
    fresh = os.urandom(_RANDOM * _AT_ONCE)
    pieces = [fresh[at : at + _RANDOM] for at in range(0, len(fresh), _RANDOM)]
    _ready.extend(pieces[1:])
    return pieces[0]


@lru_cache(maxsize=256)
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
