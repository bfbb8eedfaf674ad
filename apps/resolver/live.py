"""The resolver by the settings."""

from apps.resolver.base import Resolver


def live_resolver() -> Resolver:
    """A resolver that asks DNS_SERVERS, or those of /etc/resolv.conf; for the running loop."""
    raise NotImplementedError
