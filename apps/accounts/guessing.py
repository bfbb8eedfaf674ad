"""How often the codes of authenticator apps may be guessed.

A code has six digits, and three of them work at any time: what slows down the guessing of passwords
(`apps.directory.throttle`) would let a patient botnet that has the password find one within a day.
So the wrong codes of an account are also counted, `MOST` a day:

- from all networks together that the account does not know; whoever uses that up has kept the owner
  from nothing but codes in new places: passkeys and recovery codes work there still;
- and from each network that the account has signed in from within 30 days, for itself (half a
  sign-in, by the password alone, does not count). Nobody elsewhere can use that up.

That makes one guess in eleven thousand right, a day. A code is counted before it is looked at, so
many at once are no way round. Where the count cannot be kept no code is looked at: unlike a
password, it is no secret that takes long to find.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from django.core.cache import cache
from redis.exceptions import RedisError

from apps.directory import throttle
from apps.directory.throttle import Attempt
from apps.wire.errors import SignInUnavailable, Throttled

MOST: Final = 30  # wrong codes
FOR: Final = 24 * 3600  # seconds from the first one


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt at somebody's second factor that was admitted; report how it ended."""

    attempt: Attempt

    def failed(self) -> None:
        """It was wrong."""
        throttle.failed(self.attempt)

    def succeeded(self) -> None:
        """It was right: the network is known from now on, and what was counted there is over.

        Nobody but the owner comes here, so what a guesser spent can be given back.
        """
        throttle.succeeded(self.attempt)
        with suppress(RedisError, OSError):
            cache.delete_many([_key(self.attempt), _key_of_known(self.attempt)])


def admit(account: str, address: str) -> Try:
    """Let an attempt at the second factor of an account (its key) pass: it shares the budgets of
    passwords.

    Raises:
        Throttled: too many wrong ones before.
    """
    return Try(throttle.admit(account, address))


def count(one: Try) -> None:
    """Count a code of six digits, before it is looked at.

    Raises:
        Throttled: too many wrong ones within a day.
        SignInUnavailable: the cache is away.
    """
    key = _key(one.attempt)
    try:
        cache.add(key, 0, FOR)
        counted = int(cache.incr(key))
    except (RedisError, OSError) as error:
        raise SignInUnavailable(repr(error)) from None
    except ValueError:  # it expired in between
        counted = 1
    if counted > MOST:
        raise Throttled(
            "codes", text="Too many wrong codes today: use a passkey or a recovery code"
        )


def _key(attempt: Attempt) -> str:
    return _key_of_known(attempt) if attempt.known else f"codes:{attempt.account}"


def _key_of_known(attempt: Attempt) -> str:
    return f"codes:{attempt.pair}"
