"""How much one client may bring: connections, messages and recipients within a minute and an hour,
unknown recipients, and mail for one mailbox.

Counted per host (an IPv4 address, an IPv6 /64) and per network (/24, /48), which may have four
times as much; and across connections, so that hanging up helps nobody. What is refused is not
counted: who keeps to the limit gets through at that pace. Every refusal here is for now (4yz): an
honest server comes back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from apps.reception.networks import host_key, network_key
from apps.reception.rates import Rates, Window

MINUTE: Final = 60
HOUR: Final = 3_600
NETWORK: Final = 4  # a network may have so many times what a host may
SHARE: Final = 4  # and bring so large a part of what a mailbox takes

CONNECTIONS: Final = "connections"
MESSAGES: Final = "messages"
RECIPIENTS: Final = "recipients"

_UNKNOWN: Final = ("unknown", HOUR)
_FOUND: Final = ("found", HOUR)
_USER: Final = ("user", HOUR)
_SPANS: Final = {MINUTE: "minute", HOUR: "hour"}
_MISTAKES: Final = 5  # unknown recipients within an hour that cost nobody time
_STEP: Final = 0.5  # seconds that each further one costs more
_LONGEST: Final = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers; 0 is no limit.

    Args:
        per_minute, per_hour: of connections, messages and recipients of one host.
        unknown: recipients within an hour that do not exist, before a host is cut off.
        per_user: messages within an hour from strangers for one mailbox.
    """

    per_minute: tuple[int, int, int] = (120, 300, 600)
    per_hour: tuple[int, int, int] = (3_000, 6_000, 12_000)
    unknown: int = 50
    per_user: int = 1_000


class Throttle:
    """Counts and decides, for one event loop."""

    def __init__(self, rates: Rates, limits: Limits) -> None:
        self._rates = rates
        self._limits = limits
        kinds = (CONNECTIONS, MESSAGES, RECIPIENTS)
        self._windows: dict[str, list[tuple[Window, int]]] = {
            kind: [
                ((kind, seconds), most)
                for seconds, most in ((MINUTE, minute), (HOUR, hour))
                if most
            ]
            for kind, minute, hour in zip(kinds, limits.per_minute, limits.per_hour, strict=True)
        }

    def excess(self, kind: str, address: str) -> str:
        """Why one more of a kind is too many, in words; "" if it is not."""
        seen = self._rates.seen
        for window, most in self._windows[kind]:
            for who, many in ((host_key(address), most), (network_key(address), NETWORK * most)):
                if seen(window, who) + 1 > many:
                    return f"more than {many} {kind} within {_an(window)} from {who}"
        return ""

    def count(self, kind: str, address: str) -> None:
        """Count one more."""
        host, network = host_key(address), network_key(address)
        for window, _ in self._windows[kind]:
            self._rates.count(window, host)
            self._rates.count(window, network)

    def taken(self, address: str, user_ids: Iterable[int], recipients: int) -> None:
        """Count a message that was taken. Recipients that were only asked for do not count: naming
        postmaster after each guess would hide a harvester, and a thousand RCPT fill a mailbox's
        measure for everybody else."""
        network = network_key(address)
        self._rates.count(_FOUND, host_key(address), recipients)
        self._rates.count(_FOUND, network, recipients)
        for user_id in user_ids:
            self._rates.count(_USER, str(user_id))
            self._rates.count(_USER, f"{user_id} {network}")

    def unknown(self, address: str) -> float:
        """Count a recipient that does not exist; return the seconds that the answer should take."""
        host = host_key(address)
        self._rates.count(_UNKNOWN, host)
        self._rates.count(_UNKNOWN, network_key(address))
        more = self._rates.seen(_UNKNOWN, host) - _MISTAKES
        return min(max(0.0, more) * _STEP, _LONGEST)

    def is_harvesting(self, address: str) -> bool:
        """Whether a client tries names: it asked for many that do not exist, and for more of them
        than it brought mail for.

        A large provider also brings mail for people who are gone, but more for those who are not.
        """
        most = self._limits.unknown
        if not most:
            return False
        for key, many in ((host_key(address), most), (network_key(address), NETWORK * most)):
            unknown = self._rates.seen(_UNKNOWN, key)
            if unknown > many and unknown > self._rates.seen(_FOUND, key):
                return True
        return False

    def is_flooded(self, user_id: int, address: str) -> bool:
        """Whether a mailbox has got as much as it takes within an hour from strangers, or its part
        from the network of this one."""
        most, seen = self._limits.per_user, self._rates.seen
        if not most:
            return False
        of_network = f"{user_id} {network_key(address)}"
        return seen(_USER, str(user_id)) + 1 > most or seen(_USER, of_network) + 1 > most / SHARE


def _an(window: Window) -> str:
    span = _SPANS[window[1]]
    return f"{'an' if span == 'hour' else 'a'} {span}"
