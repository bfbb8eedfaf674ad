"""Where users have their mail sent on to: what routing asks about those who forward."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from apps.directory.models import User
from apps.mime.address import Address, AddressError
from apps.runtime.rows import among, fetch, listed

COPY: Final = "copy"  # of User.forwarding: the mailbox gets one too
AWAY: Final = "away"  # only the targets do

ACTIVE: Final = """
SELECT user_id, address FROM directory_forward
WHERE {among} AND confirmed_at IS NOT NULL ORDER BY id"""


@dataclass(frozen=True, slots=True)
class Onward:
    """What a user wants: the targets that have agreed, and whether the mailbox gets a copy too."""

    targets: tuple[Address, ...]
    keeps_copy: bool


def onward(users: Iterable[tuple[int, str]]) -> dict[int, Onward]:
    """The forwards of users, given as (id, User.forwarding); one statement if any of them has one.

    Who forwards to nobody (any more) is left out: the mailbox gets everything.
    """
    modes = {user_id: mode for user_id, mode in users if mode}
    targets: dict[int, list[Address]] = {}
    if modes:
        rows = fetch(ACTIVE.format(among=among("user_id")), [listed(sorted(modes))])
        for user_id, address in rows:
            try:
                targets.setdefault(user_id, []).append(Address.parse(address))
            except AddressError:
                continue
    return {
        user_id: Onward(tuple(addresses), modes[user_id] != AWAY)
        for user_id, addresses in targets.items()
    }


def onward_of(user_ids: Iterable[int]) -> dict[int, Onward]:
    """The same for users of whom only the id is known."""
    forwarding = User.objects.filter(pk__in=set(user_ids)).exclude(forwarding="")
    return onward(forwarding.values_list("pk", "forwarding"))
