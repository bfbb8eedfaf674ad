"""How fast passwords may be guessed: budgets of failures, kept in Django's cache.

- A client network (an IPv4 address, an IPv6 /64) has 10 failures; then it waits longer and longer
  between attempts, up to 5 minutes, until it has been quiet for 10 minutes.
- An account that had 10 failures from networks it does not know is slowed for such networks only:
  ten attempts a second for networks with less than 3 failures within a day, one a second for the
  others. A botnet is soon made of the others, the owner in a hotel is not. It is never locked.
- A network from which the account signed in within 30 days is known to it: that pair has a budget
  of its own, which nobody elsewhere can use up.

Nothing is forgiven by a success: whoever has one account could wash the guesses at another with it.
Without Redis each process counts by itself, and forgets at restart, which at worst makes a known
network a fresh one until its next sign-in. If the cache is down the limits are off, not the mail:
argon2id still bounds the guesses. `admit` comes before any work, so a refusal costs no hash.
"""

import hashlib
import ipaddress
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

from django.core.cache import cache
from redis.exceptions import RedisError

from apps.wire.errors import Throttled

logger = logging.getLogger(__name__)
T = TypeVar("T")

BUDGET: Final = 10  # failures
WINDOW: Final = 600  # seconds of quiet after which failures are forgotten
LONGEST_WAIT: Final = 300  # seconds between two attempts of a network
KNOWN_FOR: Final = 30 * 24 * 3600  # seconds since the last sign-in
FRESH: Final = 3  # failures within a day up to which a network is a fresh one
FRESH_FOR: Final = 24 * 3600  # seconds from the first of them
FRESH_PACE: Final = 10  # attempts a second at an account under attack from fresh networks
_REST: Final = 5.0  # seconds in which a broken cache is not asked again


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was admitted; report it to `failed` or `succeeded`."""

    account: str  # digest: what was typed may be anything
    network: str
    known: bool

    @property
    def pair(self) -> str:
        """The account as seen from this network."""
        return f"{self.account}:{self.network}"


def admit(account: str, address: str) -> Attempt:
    """Let an attempt at `account` from a client's `address` pass.

    Raises:
        Throttled: too many failures before; this one is not counted.
    """
    network = network_of(address)
    digest = _digest(account)
    pair = f"{digest}:{network}"
    known, failures = _store.get(f"auth:known:{pair}", f"auth:failed:{pair}")
    attempt = Attempt(digest, network, bool(known))
    if known:
        _take_turn(f"auth:turn:{pair}", failures)
    else:
        _admit_stranger(attempt)
    return attempt


def admit_as(attempt: Attempt, account: str) -> Attempt:
    """The same attempt, once what was typed turns out to be another name of an account: its budgets
    are one, whatever it is called.

    Raises:
        Throttled
    """
    digest = _digest(account)
    pair = f"{digest}:{attempt.network}"
    known, failures = _store.get(f"auth:known:{pair}", f"auth:failed:{pair}")
    own = Attempt(digest, attempt.network, bool(known))
    if known:
        _take_turn(f"auth:turn:{pair}", failures)
    else:
        _admit_stranger(own, has_turn=True)
    return own


def _digest(account: str) -> str:
    return hashlib.blake2b(account.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _admit_stranger(attempt: Attempt, *, has_turn: bool = False) -> None:
    """Raise Throttled; `has_turn`: the network's turn was taken already."""
    account, network = attempt.account, attempt.network
    by_network, by_account, today = _store.get(
        f"auth:failed:{network}", f"auth:failed:{account}", f"auth:today:{network}"
    )
    if not has_turn:
        _take_turn(f"auth:turn:{network}", by_network)
    if by_account < BUDGET:
        return
    if today < FRESH:
        may_try = _store.count(f"auth:fresh:{account}", 1) <= FRESH_PACE
    else:
        may_try = _store.add(f"auth:turn:{account}", 1)
    if not may_try:
        raise Throttled("account is under attack")


def _take_turn(key: str, failures: int) -> None:
    """Beyond the budget one attempt passes, and the next one after a wait that doubles."""
    if failures < BUDGET:
        return
    wait = min(2 ** min(failures - BUDGET + 1, 16), LONGEST_WAIT)
    # `add` succeeds for one caller in all processes until the entry has expired.
    if not _store.add(key, wait):
        raise Throttled(f"{failures} failures, one attempt in {wait} s")


def failed(attempt: Attempt) -> None:
    """Count a wrong password or an unknown user."""
    if attempt.known:
        _store.count(f"auth:failed:{attempt.pair}", WINDOW, prolong=True)
        return
    _store.count(f"auth:failed:{attempt.network}", WINDOW, prolong=True)
    _store.count(f"auth:failed:{attempt.account}", WINDOW, prolong=True)
    _store.count(f"auth:today:{attempt.network}", FRESH_FOR)


def succeeded(attempt: Attempt, *, refresh: bool = True) -> None:
    """Remember the network as one of the account's; `refresh` starts the 30 days again."""
    if refresh or not attempt.known:
        _store.put(f"auth:known:{attempt.pair}", KNOWN_FOR)


def welcome(account: str, address: str) -> None:
    """Remember the network of a client as one of the account's (its key): for whoever has shown a
    second factor, which the password alone does not do."""
    _store.put(f"auth:known:{_digest(account)}:{network_of(address)}", KNOWN_FOR)


def passes(what: str, address: str, *, most: int, seconds: int) -> bool:
    """Whether a client's network may do once more what it may do `most` times in so many seconds;
    counted whether it may or not."""
    return _store.count(f"{what}:{network_of(address)}", seconds) <= most


def counted(what: str, seconds: int) -> int:
    """Count something once more; how often it was within so many seconds, 0 if nobody knows."""
    return _store.count(what, seconds)


@lru_cache(maxsize=4_096)
def network_of(address: str) -> str:
    """Return what a client cannot change at will: its IPv4 address, or the /64 of its IPv6 one.

    Anything else (a unix socket, "") is one network of its own.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "local"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.IPv6Address(int(ip) >> 64 << 64))
    return str(ip)


class _Store:
    """Counters in Django's cache. When it fails, limits are off, and it is left alone for a while:
    each attempt would wait for a time-out otherwise."""

    def __init__(self) -> None:
        self._down_until = 0.0

    def get(self, *keys: str) -> tuple[int, ...]:
        found: dict[str, Any] = self._ask(lambda: cache.get_many(keys), {})
        return tuple(int(found.get(key, 0)) for key in keys)

    def add(self, key: str, seconds: int) -> bool:
        return self._ask(lambda: bool(cache.add(key, 1, seconds)), True)

    def put(self, key: str, seconds: int) -> None:
        self._ask(lambda: cache.set(key, 1, seconds), None)

    def count(self, key: str, seconds: int, *, prolong: bool = False) -> int:
        """Count one more; the entry ends `seconds` after the first one, or after the last."""
        return self._ask(lambda: _count(key, seconds, prolong), 0)

    def _ask(self, question: Callable[[], T], otherwise: T) -> T:
        if time.monotonic() < self._down_until:
            return otherwise
        try:
            return question()
        except (RedisError, OSError) as error:
            self._down_until = time.monotonic() + _REST
            logger.error("sign-in limits are off: the cache fails", extra={"error": repr(error)})
            return otherwise


def _count(key: str, seconds: int, prolong: bool) -> int:
    if cache.add(key, 1, seconds):
        return 1
    try:
        number = int(cache.incr(key))
    except ValueError:  # it expired in between
        cache.add(key, 1, seconds)
        return 1
    if prolong:
        cache.touch(key, seconds)
    return number


_store = _Store()
