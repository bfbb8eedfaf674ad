"""How fast a token may ask: so many requests a minute, and each answer says how many are left.

Counted in Django's cache, as guesses at passwords are: if that is down, nobody is held up.
"""

import time
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from rest_framework.exceptions import Throttled

from apps.directory import throttle

SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of a minute."""

    limit: int
    remaining: int
    reset: int  # seconds

    @property
    def headers(self) -> dict[str, str]:
        """draft-ietf-httpapi-ratelimit-headers, in the form that most clients read."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


def take(caller: str) -> Budget | None:
    """Count a request; None where there is no limit. Raises nothing: see `demand`."""
    limit = settings.API_REQUESTS_PER_MINUTE
    if not limit:
        return None
    minute, passed = divmod(int(time.time()), SECONDS)
    used = throttle.counted(f"api:{caller}:{minute}", SECONDS)
    return Budget(limit, limit - used, SECONDS - passed)


def demand(budget: Budget | None) -> None:
    """Raise Throttled if nothing was left."""
    if budget is not None and budget.remaining < 0:
        raise Throttled(wait=budget.reset)
