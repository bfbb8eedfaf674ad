"""How much room organisations have left for what a file would add."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Sum

from apps.directory.models import Domain, Organization, User
from apps.directory.permissions import Powers
from apps.directory.services.capacity import OWN_BOX
from apps.provisioning.bulk.cells import near_size
from apps.provisioning.bulk.verdicts import WrongCell


@dataclass(slots=True)
class _Room:
    most_users: int | None
    most_bytes: int | None
    most_domains: int | None
    users: int = 0
    promised: int = 0
    domains: int = 0


class Rooms:
    """Counts what the lines before would take. Operators are free of it."""

    def __init__(self, powers: Powers) -> None:
        self._is_free = powers.is_operator
        self._rooms: dict[int, _Room] = {}

    def learn(self, organization_ids: Collection[int]) -> None:
        """Ask for those that are new, by three statements."""
        fresh = set(organization_ids) - self._rooms.keys()
        if self._is_free or not fresh:
            return
        for one in Organization.objects.filter(pk__in=fresh):
            self._rooms[one.pk] = _Room(one.max_users, one.max_storage, one.max_domains)
        living = User.objects.living().filter(domain__organization__in=fresh).exclude(OWN_BOX)
        rows = living.order_by().values_list("domain__organization_id")
        for pk, users, promised in rows.annotate(Count("pk"), Sum("quota")):
            self._rooms[pk].users, self._rooms[pk].promised = users, int(promised or 0)
        domains = Domain.objects.filter(organization__in=fresh).order_by()
        for pk, count in domains.values_list("organization_id").annotate(Count("pk")):
            self._rooms[pk].domains = count

    def take_user(self, organization_id: int, quota: int) -> None:
        """Take a place; raise WrongCell if there is none."""
        room = self._rooms.get(organization_id)
        if self._is_free or room is None:
            return
        if room.most_users is not None and room.users >= room.most_users:
            words = f"The organisation has all the users it may have ({room.most_users})"
            raise WrongCell("", words)
        if room.most_bytes is not None:
            if not quota:
                raise WrongCell("quota", "The organisation's space is limited: a size is needed")
            left = max(room.most_bytes - room.promised, 0)
            if quota > left:
                raise WrongCell(
                    "quota", f"More than the organisation has left to give, {near_size(left)}"
                )
        room.users += 1
        room.promised += quota

    def take_domain(self, organization_id: int) -> None:
        """The same for a domain."""
        room = self._rooms.get(organization_id)
        if self._is_free or room is None:
            return
        if room.most_domains is not None and room.domains >= room.most_domains:
            words = f"The organisation has all the domains it may have ({room.most_domains})"
            raise WrongCell("", words)
        room.domains += 1
