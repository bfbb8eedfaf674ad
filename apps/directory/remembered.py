"""What passwords and tokens were found to be, remembered by this process for a while."""

import secrets
import threading
import time
from collections import OrderedDict
from hashlib import blake2b

from apps.directory.models import Outcome


class RememberedPasswords:
    """Digests of passwords, keyed at random by each process, and what each was found to be.

    Who reads a core dump learns nothing that works elsewhere; who floods it pushes out the oldest.

    Args:
        renews: whether one that is asked for is remembered for as long again.
    """

    def __init__(
        self, *, limit: int = 20_000, seconds: float = 600.0, renews: bool = False
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._renews = renews
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._found: OrderedDict[bytes, tuple[float, Outcome]] = OrderedDict()

    def has(self, subject: str, password: str) -> bool:
        """Whether this password was tried on this state of this account lately."""
        return self.recall(subject, password) is not None

    def recall(self, subject: str, password: str) -> Outcome | None:
        """What it was found to be; None if it was not tried lately."""
        digest = self._digest(subject, password)
        now = time.monotonic()
        with self._lock:
            until, outcome = self._found.get(digest, (0.0, None))
            if outcome is None:
                return None
            if until < now:
                del self._found[digest]
                return None
            if self._renews:
                self._found[digest] = (now + self._seconds, outcome)
                self._found.move_to_end(digest)
        return outcome

    def add(self, subject: str, password: str, outcome: Outcome = Outcome.WRONG) -> None:
        """Remember it."""
        digest = self._digest(subject, password)
        with self._lock:
            self._found[digest] = (time.monotonic() + self._seconds, outcome)
            self._found.move_to_end(digest)
            while len(self._found) > self._limit:
                self._found.popitem(last=False)

    def _digest(self, subject: str, password: str) -> bytes:
        # Keyed BLAKE2 (RFC 7693) is a MAC by itself; HMAC takes two and a half times as long.
        text = f"{subject}\0{password}".encode("utf-8", "surrogatepass")
        return blake2b(text, key=self._key, digest_size=32).digest()
