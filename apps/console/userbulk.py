"""What is done to many users at once, and taken back: each user by its own door.

What is not in sight is passed over, and nothing of it is told. A user whom the own powers do not
reach is named with the reason, for it stands in the list.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from apps.console.services import bulkacts
from apps.console.userfilter import Wanted, chosen
from apps.directory import permissions
from apps.directory.models import Alias, PatternKind, User, UserState
from apps.directory.permissions import Ability, Powers
from apps.directory.services.aliases import Pattern
from apps.mime.address import Address, AddressError
from apps.provisioning.administration import aliases, sight, tombstones
from apps.provisioning.administration import users as doors
from apps.wire.errors import InvalidAddress, MailError, NotFound

STATE: Final = "user.state"
QUOTA: Final = "user.quota"
GROUP: Final = "user.group"
REMOVE: Final = "user.remove"
STATES: Final = {
    "suspend": (UserState.SUSPENDED, "suspended"),
    "lock": (UserState.LOCKED, "locked"),
    "resume": (UserState.ACTIVE, "at work again"),
}
_CHOICES: Final = 100  # groups that a form offers
_NAMED: Final = 3  # whom a message names; the others are counted


@dataclass(slots=True)
class Done:
    """What came of it.

    Args:
        count: of how many users.
        before: how those were that can be taken back.
        refused: address and reason of each user in sight to whom it was not done.
    """

    count: int = 0
    before: list[dict[str, Any]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def refusal(self) -> str:
        """The refused ones in a sentence; "" if there are none."""
        if not self.refused:
            return ""
        named = [f"{address}: {reason}" for address, reason in self.refused[:_NAMED]]
        more = len(self.refused) - len(named)
        return f"{len(self.refused)} not: {'; '.join(named)}" + (
            f"; and {more} more." if more else "."
        )


def people(powers: Powers, ids: Sequence[int], wanted: Wanted | None) -> list[User]:
    """Those that were ticked, or all that fit a filter, as far as they are in sight; one more than
    `bulkacts.MOST` at most.

    Args:
        wanted: the filter; None for `ids`.
    """
    if wanted is not None:
        found = chosen(powers, wanted)
    else:
        found = permissions.users(powers).filter(pk__in=ids[: bulkacts.MOST + 1])
    return list(found.select_related("domain").order_by("key")[: bulkacts.MOST + 1])


def set_state(powers: Powers, users: Sequence[User], state: UserState) -> Done:
    """Suspend, lock or resume; who is so already is passed over."""

    def act(user: User, done: Done) -> None:
        if user.state == state:
            return
        before = user.state
        doors.set_state(powers=powers, user_id=user.pk, state=state)
        done.before.append({"id": user.pk, "was": before, "is": state.value})
        done.count += 1

    return _each(users, act)


def set_quota(powers: Powers, users: Sequence[User], quota: int) -> Done:
    """Give users a quota, bytes, 0 for no limit."""

    def act(user: User, done: Done) -> None:
        before = user.quota
        if before == quota:
            return
        doors.change(powers=powers, user_id=user.pk, quota=quota)
        done.before.append({"id": user.pk, "was": before, "is": quota})
        done.count += 1

    return _each(users, act)


def end_sessions(powers: Powers, users: Sequence[User]) -> Done:
    """Sign users out of every browser."""
    return _each(users, _counting(lambda pk: doors.end_sessions(powers=powers, user_id=pk)))


def ask_new_password(powers: Powers, users: Sequence[User]) -> Done:
    """Have users choose another password."""
    return _each(users, _counting(lambda pk: doors.ask_new_password(powers=powers, user_id=pk)))


def remove(powers: Powers, users: Sequence[User]) -> Done:
    """Remove users; their mail is kept for some time."""

    def act(user: User, done: Done) -> None:
        doors.remove(powers=powers, user_id=user.pk)
        done.before.append({"id": user.pk})
        done.count += 1

    return _each(users, act)


def add_to_group(powers: Powers, users: Sequence[User], address: str) -> Done:
    """Let an alias in sight lead to these users too, all or none of them.

    Raises:
        NotFound, NotPermitted, InvalidAddress, LimitReached
    """
    group = find_group(powers, address)
    has = {text.casefold() for text in group.targets.values_list("address", flat=True)}
    fresh = [user.address for user in users if user.address.casefold() not in has]
    if fresh:
        aliases.add_targets(powers=powers, alias_id=group.pk, targets=fresh)
    return Done(len(fresh), [{"alias": group.pk, "targets": fresh}] if fresh else [])


def find_group(powers: Powers, text: str) -> Alias:
    """An exact alias in sight by its address; raise InvalidAddress, NotFound."""
    try:
        address = Address.parse(text.strip(), strict=True)
    except AddressError as error:
        raise InvalidAddress(str(error), text=f"Not an address: {error}") from None
    domain = sight.find_named(powers, address.domain)
    sight.demand(powers, Ability.CHANGE_ALIASES, domain)
    local = address.key.removesuffix(f"@{address.domain}")
    found = Alias.objects.filter(domain=domain, local=local, kind=PatternKind.EXACT).first()
    if found is None:
        raise NotFound("group", text=f"There is no group {address}")
    return found


def group_choices(powers: Powers) -> list[str]:
    """Some addresses of groups in sight, to choose from."""
    rows = permissions.aliases(powers, Ability.CHANGE_ALIASES).filter(kind=PatternKind.EXACT)
    shown = rows.order_by("local", "pk").values_list("local", "domain__name")[:_CHOICES]
    return [str(Pattern(PatternKind.EXACT, local, name)) for local, name in shown]


def undo_state(powers: Powers, before: Any) -> str:
    """Give users the states that they had, where nobody has changed them since."""
    done = Done()
    for state in (UserState.ACTIVE, UserState.LOCKED, UserState.SUSPENDED):
        rows = {row["id"]: row["is"] for row in before if row["was"] == state}
        same = [user for user in people(powers, list(rows), None) if user.state == rows[user.pk]]
        _add(done, set_state(powers, same, state))
    return _as_before(done)


def undo_quota(powers: Powers, before: Any) -> str:
    """Give users the quotas that they had, where nobody has changed them since."""
    done = Done()
    rows = {row["id"]: row for row in before}
    for user in people(powers, list(rows), None):
        if user.quota == rows[user.pk]["is"]:
            _add(done, set_quota(powers, [user], rows[user.pk]["was"]))
    return _as_before(done)


def undo_group(powers: Powers, before: Any) -> str:
    """Take users out of the group again, as far as nobody has meanwhile."""
    count = 0
    for row in before:
        group = sight.find_alias(powers, row["alias"])
        has = {text.casefold() for text in group.targets.values_list("address", flat=True)}
        targets = [text for text in row["targets"] if text.casefold() in has]
        if targets:
            aliases.remove_targets(powers=powers, alias_id=group.pk, targets=targets)
            count += len(targets)
    return f"{counted(count)} as before."


def undo_remove(powers: Powers, before: Any) -> str:
    """Bring removed users back; their roles do not come with them."""
    done = Done()
    for row in before:
        try:
            tombstones.restore(powers=powers, user_id=row["id"])
            done.count += 1
        except NotFound:
            continue
        except MailError as error:
            done.refused.append(("one user", error.reply.text))
    return _as_before(done, "back")


def counted(count: int) -> str:
    """How many users are, in words."""
    return "1 user is" if count == 1 else f"{count:,} users are"


def _each(users: Sequence[User], act: Callable[[User, Done], None]) -> Done:
    done = Done()
    for user in users[: bulkacts.MOST]:
        try:
            act(user, done)
        except NotFound:
            continue  # gone meanwhile
        except MailError as error:
            done.refused.append((user.address, error.reply.text))
    return done


def _counting(act: Callable[[int], object]) -> Callable[[User, Done], None]:
    def counted_act(user: User, done: Done) -> None:
        act(user.pk)
        done.count += 1

    return counted_act


def _add(done: Done, more: Done) -> None:
    done.count += more.count
    done.refused += more.refused


def _as_before(done: Done, how: str = "as before") -> str:
    words = f"{counted(done.count)} {how}."
    return f"{words} {done.refusal}" if done.refused else words
