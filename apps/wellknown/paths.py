"""Where it is asked for. The web door looks here too, and needs no more of this app."""

from typing import Final

STS_POLICY: Final = "/.well-known/mta-sts.txt"
AUTOCONFIG: Final = "/mail/config-v1.1.xml"
AUTOCONFIG_WELLKNOWN: Final = "/.well-known/autoconfig/mail/config-v1.1.xml"
AUTODISCOVER: Final = "/autodiscover/autodiscover.xml"
AUTODISCOVER_CAPITALS: Final = "/Autodiscover/Autodiscover.xml"

PLAIN: Final = frozenset({AUTOCONFIG, AUTOCONFIG_WELLKNOWN, AUTODISCOVER, AUTODISCOVER_CAPITALS})
"""What is answered in the clear, too: programs ask so where a name has no certificate."""
