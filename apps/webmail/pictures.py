"""Pictures from outside: who is shown them, the addresses of ours that stand for theirs, and the
fetching.

An address of ours holds theirs, for whom it was made and until when, signed: nobody can have this
host fetch what they like, and nobody can use another person's addresses. Nothing is kept here;
the browser of the reader keeps a picture for a day (docs/decisions/0050).
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from apps.mailstore.queries import Shown
from apps.remote.outside import LONGEST_URL, Outside
from apps.remote.webfetch import FetchError
from apps.resolver.live import live_resolver
from apps.runtime import clock
from apps.webmail import imagehead
from apps.webmail.body import Outline
from apps.webmail.imagehead import Picture
from apps.webmail.models import TrustedSender
from apps.webmail.senders import proven_address
from apps.webmail.services.trusted import folded
from apps.wire.errors import Overloaded

LARGEST: Final = 10 * 1024 * 1024  # octets of a picture
KEPT_SECONDS: Final = 24 * 3600  # by the reader's browser
AT_ONCE: Final = 24  # fetched by one process
AT_ONCE_FOR_ONE: Final = 6  # of one person: as many connections as a browser opens
PATIENCE: Final = 10.0  # seconds that a picture waits for its turn

# One point of no colour, in place of one that only counts who looks.
DOT: Final = bytes.fromhex(
    "4749463839610100010080000000000000000021f90401000000002c00000000010001000002024401003b"
)
_DAY: Final = 24 * 3600
_SALT: Final = "mailhost.webmail.pictures"


@dataclass(frozen=True, slots=True)
class Bar:
    """What is said above a message with pictures from outside.

    Args:
        blocked, trackers: as in `Outline`.
        proven: the sender's address if it is proved, so that it can be trusted; else "".
        is_trusted: its pictures are loaded without asking.
        is_off: the installation fetches no pictures, or the folder is closed to them.
    """

    blocked: int
    trackers: int
    proven: str = ""
    is_trusted: bool = False
    is_off: bool = False


def bar(user_id: int, shown: Shown, outline: Outline, *, is_junk: bool = False) -> Bar:
    """The bar of a message; one query, and none if the message has no pictures from outside."""
    if not (outline.blocked or outline.trackers):
        return Bar(0, 0)
    if not settings.REMOTE_IMAGES or is_junk:
        return Bar(outline.blocked, outline.trackers, is_off=True)
    proven = folded(proven_address(shown))
    return Bar(outline.blocked, outline.trackers, proven, _is_trusted(user_id, proven))


def are_wanted(user_id: int, shown: Shown) -> bool:
    """Whether pictures of this message are loaded without asking: its sender is proved, and the
    person trusts it."""
    return _is_trusted(user_id, folded(proven_address(shown)))


def _is_trusted(user_id: int, proven: str) -> bool:
    return bool(proven) and TrustedSender.objects.filter(user_id=user_id, key=proven).exists()


def addresser(user_id: int) -> Callable[[str], str] | None:
    """Gives addresses of ours for pictures from outside, "" for what is none; None if the
    installation fetches no pictures."""
    if not settings.REMOTE_IMAGES:
        return None
    # Of whole days, so that the address stays the same for a day, and the browser knows it again.
    until = (clock.now() // _DAY + 2) * _DAY
    signer = Signer(salt=_SALT)

    def address(source: str) -> str:
        url = f"https:{source}" if source.startswith("//") else source
        if len(url) > LONGEST_URL or not url[:8].lower().startswith(("http://", "https://")):
            return ""
        return reverse("picture", args=[signer.sign_object([user_id, until, url], compress=True)])

    return address


def read_address(signed: str, user_id: int) -> str | None:
    """The URL that an address of ours stands for; None if it was not made by us, for this person,
    or is too old."""
    try:
        made: Any = Signer(salt=_SALT).unsign_object(signed)
    except (BadSignature, ValueError):
        return None
    owner, until, url = made
    return url if owner == user_id and clock.now() < until and urlsplit(url).scheme else None


class _Turns:
    """How many are fetched at once: by the process, and for one person."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._of: Counter[int] = Counter()

    @contextmanager
    def taken(self, user_id: int) -> Iterator[None]:
        """Wait for a turn, and have it.

        Raises:
            Overloaded: there was none in time.
        """
        with self._free:
            if not self._free.wait_for(lambda: self._is_free(user_id), PATIENCE):
                raise Overloaded(text="Too many pictures are being loaded: try again in a minute")
            self._of[user_id] += 1
        try:
            yield
        finally:
            with self._free:
                self._of[user_id] -= 1
                if not self._of[user_id]:
                    del self._of[user_id]
                self._free.notify_all()

    def _is_free(self, user_id: int) -> bool:
        return self._of.total() < AT_ONCE and self._of[user_id] < AT_ONCE_FOR_ONE


_TURNS: Final = _Turns()


def client() -> Outside:
    """The client of one errand, for the running loop."""
    return Outside(live_resolver())


def fetch(url: str, user_id: int) -> tuple[Picture, bytes]:
    """Fetch a picture. It blocks its thread, for 20 s at most: no connection to the database may
    be held meanwhile.

    Raises:
        Overloaded: too many are being fetched.
        FetchError: there is none, with the reason.
    """
    with _TURNS.taken(user_id):
        octets = asyncio.run(_fetched(url))
    picture = imagehead.look(octets)
    if picture is None:
        raise FetchError("it is no picture of a kind that is shown")
    if not picture.is_bearable:
        raise FetchError("it has too many pixels")
    if picture.is_dot:
        return Picture("image/gif", 1, 1), DOT
    return picture, octets


async def _fetched(url: str) -> bytes:
    return await client().get(url, limit=LARGEST)
