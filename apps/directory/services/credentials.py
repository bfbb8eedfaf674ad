"""What app passwords and tokens have in common: names, numbers, networks, use, removal."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from apps.directory.apppasswords import NOTED_EVERY, PROTOCOLS
from apps.directory.models import AccessToken, ApiToken, AppPassword, User
from apps.events.bus import publish_on_commit
from apps.events.types import UserChanged
from apps.wire.errors import InvalidName, LimitReached, NotFound

MOST = 50  # of a kind of one user; each app password costs a sign-in by SCRAM two microseconds
MAX_NAME = 100  # characters
MAX_NETWORKS = 50

_TOUCH = """
UPDATE {table} SET last_used_at = %s, last_used_from = %s
WHERE id = %s AND (last_used_at IS NULL OR last_used_at < %s)"""


@dataclass(frozen=True, slots=True)
class Sort:
    """One of the three, and what people call it."""

    model: type[AppPassword] | type[AccessToken] | type[ApiToken]
    called: str


APP_PASSWORD = Sort(AppPassword, "app password")
ACCESS_TOKEN = Sort(AccessToken, "access token")
API_TOKEN = Sort(ApiToken, "API token")


def name_of(sort: Sort, text: str) -> str:
    """A name as it is kept; InvalidName if it cannot be one."""
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidName(
            sort.called, text=f"An {sort.called}'s name has 1 to {MAX_NAME} printable characters"
        )
    return name


def protocols_of(words: Iterable[str], plural: str) -> list[str]:
    """Words of PROTOCOLS in any case, sorted; InvalidName if one is none."""
    wanted = {word.strip().lower() for word in words}
    if not wanted.issubset(PROTOCOLS):
        raise InvalidName(plural, text=f"{plural.capitalize()} are {', '.join(PROTOCOLS)}")
    return sorted(wanted)


def networks_of(sort: Sort, words: Iterable[str]) -> list[str]:
    """Networks as they are kept; InvalidName if one is none, LimitReached if they are too many."""
    try:
        found = [str(ipaddress.ip_network(word.strip())) for word in words]
    except ValueError as error:
        raise InvalidName("networks", text=f"Not a network: {error}") from None
    if len(found) > MAX_NETWORKS:
        raise LimitReached("networks", text=f"An {sort.called} has up to {MAX_NETWORKS} networks")
    return found


def insert(sort: Sort, row: AppPassword | AccessToken | ApiToken) -> None:
    """Keep a new one. The caller has locked its user, which orders two that are made at once."""
    others = sort.model.objects.filter(user=row.user_id)
    if others.count() >= MOST:
        raise LimitReached(sort.called, text=f"A user has up to {MOST} {sort.called}s")
    if others.filter(name=row.name).exists():
        raise InvalidName(sort.called, text=f"There is an {sort.called} {row.name} already")
    row.save(force_insert=True)


def revoke(sort: Sort, user: User, name: str) -> None:
    """Remove one, and sign out who uses it; NotFound if there is none of that name."""
    with transaction.atomic():
        removed, _ = sort.model.objects.filter(user=user, name=name.strip()).delete()
        if not removed:
            raise NotFound(sort.called, text=f"There is no {sort.called} {name.strip()}")
        publish_on_commit(UserChanged(user.pk))


def revoke_all(sort: Sort, user: User) -> int:
    """Remove all of a user; return how many there were."""
    with transaction.atomic():
        removed, _ = sort.model.objects.filter(user=user).delete()
        if removed:
            publish_on_commit(UserChanged(user.pk))
    return removed


def note_use(sort: Sort, pk: int, address: str) -> None:
    """Note that it was used now from an address: once an hour, however many ask at once."""
    now = timezone.now()
    with connection.cursor() as cursor:
        statement = _TOUCH.format(table=sort.model._meta.db_table)
        cursor.execute(statement, [now, address[:45], pk, now - NOTED_EVERY])
