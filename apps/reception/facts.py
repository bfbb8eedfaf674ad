"""What is known of one client when its message is judged."""

from dataclasses import dataclass, field

from apps.mailauth.types import Iprev
from apps.reception.suspicion import Suspicion


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out in time.

    Args:
        listed: zones of the block lists that weigh enough together to refuse it, the weightiest
            first; none if an allow list has it.
        allowed: the allow list that has it, "" if none does.
        suspicions: what else speaks against it, in the order in which it came up.
    """

    iprev: Iprev = field(default_factory=Iprev)
    listed: tuple[str, ...] = ()
    allowed: str = ""
    suspicions: tuple[Suspicion, ...] = ()

    @property
    def weight(self) -> int:
        """Of all suspicions together."""
        return sum(one.weight for one in self.suspicions)
