"""What happened on the way to a destination that could not be reached, and what to call it."""

from collections.abc import Mapping
from typing import Final

from apps.remote import addresses
from apps.remote.types import HopUnreachableError, NextHop
from apps.resolver.base import IPAddress

NO_ANSWER: Final = "4.4.1"
NO_ROUTE: Final = "5.4.4"
MOST_LINES: Final = 40
MOST_OCTETS: Final = 8_000


class Trail:
    """The failures of the hosts of one hop, in order."""

    def __init__(self, hop: NextHop) -> None:
        self._hop = hop
        self._failures: list[HopUnreachableError] = []

    def add(self, failure: HopUnreachableError) -> None:
        """Keep why a host, or the whole hop, could not be used."""
        self._failures.append(failure)

    def add_silence(self, host: str, port: int, failures: Mapping[IPAddress, str]) -> None:
        """Keep which addresses of a host did not answer."""
        for address, why in failures.items():
            endpoint = addresses.endpoint(address, port)
            reason = f"{host} [{address}] does not answer: {why}"
            self.add(HopUnreachableError(NO_ANSWER, reason, host=host, address=endpoint))

    def error(self) -> HopUnreachableError:
        """The failure of the whole hop: permanent only if that of every host was. What a server
        said tells more than what we found; the last one counts."""
        if not self._failures:
            self.add(HopUnreachableError(NO_ROUTE, f"{self._hop.host} has no mail server"))
        hopeful = [one for one in self._failures if not one.is_permanent]
        best = sorted(hopeful or self._failures, key=_weight)[-1]
        return HopUnreachableError(
            best.status,
            best.reply,
            code=best.code,
            is_remote=best.is_remote,
            host=best.host,
            address=best.address,
            attempts=self._lines(),
        )

    def _lines(self) -> list[str]:
        lines: list[str] = []
        room = MOST_OCTETS
        for failure in self._failures:
            for line in failure.attempts or (f"* {failure.reply}",):
                room -= len(line) + 1
                if room < 0 or len(lines) == MOST_LINES:
                    return [*lines, "* …"]
                lines.append(line)
        return lines


def _weight(failure: HopUnreachableError) -> int:
    if failure.is_remote:
        return 2
    return 1 if failure.status[1:].startswith(".7.") else 0
