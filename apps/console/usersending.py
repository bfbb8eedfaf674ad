"""How much a user may send, and has sent."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.directory.limits import FIELDS
from apps.directory.models import SendLimit, User
from apps.provisioning.sending import USER, MeterRow, meter_rows


@dataclass(frozen=True, slots=True)
class Sending:
    """A user's own limits.

    Args:
        own: what was set for this user, by field; None where nothing was.
        usual: what the service allows where nothing was set; 0 is no limit.
        meters: what was sent in the hour and the day that run. Those of the domain and of the
            organisation are not told: who sees a user need not see what all others sent.
    """

    own: dict[str, int | None]
    usual: dict[str, int]
    meters: list[MeterRow]


def sending_of(user: User) -> Sending:
    """Three statements."""
    row: Any = SendLimit.objects.filter(user=user).first()
    return Sending(
        own={name: getattr(row, name, None) for name in FIELDS},
        usual={name: int(getattr(settings, f"SEND_{name.upper()}")) for name in FIELDS},
        meters=[meter for meter in meter_rows(user) if meter.scope == USER],
    )
