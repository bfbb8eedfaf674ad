"""What an administrator has set for strangers at the door."""

from dataclasses import dataclass, field
from typing import Self

from django.conf import settings

from apps.reception import listform
from apps.reception.limits import Limits
from apps.reception.listform import ListForm
from apps.reception.networks import IPNetwork


@dataclass(frozen=True, slots=True)
class Options:
    """See the settings of the same names.

    Args:
        threshold: weight of block lists together from which a client is refused.
        refuses_early_talkers: else it is a suspicion to speak before the greeting.
        greeting_delay: seconds that a stranger waits for the greeting, if it can.
    """

    block: tuple[ListForm, ...] = ()
    allow: tuple[ListForm, ...] = ()
    threshold: int = 1
    trusted: tuple[IPNetwork, ...] = ()
    refuses_early_talkers: bool = False
    greeting_delay: float = 0.0
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_settings(cls) -> Self:
        """As they are now. The lists were checked when the settings were read."""
        return cls(
            block=tuple(map(listform.parse, settings.DNS_BLOCK_LISTS)),
            allow=tuple(map(listform.parse, settings.DNS_ALLOW_LISTS)),
            threshold=settings.DNS_BLOCK_THRESHOLD,
            trusted=settings.SMTP_TRUSTED,
            refuses_early_talkers=settings.EARLY_TALKERS == "refuse",
            greeting_delay=settings.GREETING_DELAY,
            limits=Limits(
                per_minute=(
                    settings.RECEIVE_CONNECTIONS_PER_MINUTE,
                    settings.RECEIVE_MESSAGES_PER_MINUTE,
                    settings.RECEIVE_RECIPIENTS_PER_MINUTE,
                ),
                per_hour=(
                    settings.RECEIVE_CONNECTIONS_PER_HOUR,
                    settings.RECEIVE_MESSAGES_PER_HOUR,
                    settings.RECEIVE_RECIPIENTS_PER_HOUR,
                ),
                unknown=settings.RECEIVE_UNKNOWN_PER_HOUR,
                per_user=settings.RECEIVE_MESSAGES_PER_USER,
            ),
        )
