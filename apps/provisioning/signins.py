"""The sign-ins of a user, as an administrator looks at them."""

from dataclasses import dataclass
from datetime import datetime

from apps.directory import history
from apps.directory.services import users


@dataclass(frozen=True)
class SignInRow:
    """Sign-ins that are alike; `address` is "*" where they came from many networks."""

    last_at: datetime
    first_at: datetime
    times: int
    outcome: str
    door: str
    means: str
    via: str
    address: str
    client: str
    is_new_place: bool


def of_user(address: str, limit: int) -> list[SignInRow]:
    """The newest sign-ins of a user.

    Raises:
        InvalidAddress, NotFound
    """
    rows = history.of_user(users.find(address).pk, limit=limit).rows
    return [
        SignInRow(
            row.last_at,
            row.first_at,
            row.times,
            row.outcome,
            row.door,
            row.means,
            row.via,
            row.address,
            row.client,
            row.is_new_place,
        )
        for row in rows
    ]
