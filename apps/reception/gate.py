"""What all connections of strangers share: the settings, what was found out of addresses, and the
counts."""

import hashlib
import hmac

from django.conf import settings
from django.db import connection

from apps.reception.dnslists import DnsLists
from apps.reception.limits import Throttle
from apps.reception.lookups import LookUps
from apps.reception.networks import is_public, network_key
from apps.reception.options import Options
from apps.reception.rates import Rates
from apps.reception.visit import Visit
from apps.resolver.base import Resolver
from apps.resolver.stub import StubResolver


class Gate:
    """One per event loop.

    Args:
        hostname: how we call ourselves.
        options: the settings' when left out.
        rates: counters shared by the installation when left out.
    """

    def __init__(
        self,
        resolver: Resolver,
        hostname: str,
        options: Options | None = None,
        rates: Rates | None = None,
    ) -> None:
        self.resolver = resolver
        if isinstance(resolver, StubResolver):
            resolver.look_around()
        self.hostname = hostname.lower()
        self.options = options or Options.from_settings()
        lists = DnsLists(resolver, self.options.block, self.options.allow)
        self.look_ups = LookUps(lists)
        self._rates = rates or Rates(settings.REDIS_URL, _prefix())
        self.throttle = Throttle(self._rates, self.options.limits)

    def visit(self, address: str, local_address: str = "") -> Visit:
        """A connection of a client's address to one of ours."""
        return Visit(self, address, local_address)

    def resolver_for(self, address: str) -> Resolver:
        """What to ask on behalf of a client, made anew: strangers of one network share a bounded
        part."""
        if isinstance(self.resolver, StubResolver) and is_public(address):
            return self.resolver.on_behalf_of(network_key(address))
        return self.resolver

    @staticmethod
    def is_crowding(resolver: Resolver) -> bool:
        """Whether a question of `resolver_for` had to wait for others that its network caused."""
        return isinstance(resolver, StubResolver) and resolver.has_waited

    async def close(self) -> None:
        """No more connections come."""
        await self._rates.close()


def _prefix() -> str:
    """Redis may serve several installations: the name tells them apart, and tells nothing else."""
    name = f"rates:{connection.settings_dict['NAME']}"
    mark = hmac.new(settings.SECRET_KEY.encode(), name.encode(), hashlib.sha256).hexdigest()[:16]
    return f"mailhost:{mark}:rate:"
