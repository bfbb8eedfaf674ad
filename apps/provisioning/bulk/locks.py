"""Locks of what many lines are added to, in the house's order: one after the other, each line would
lock a domain behind the organisation of the line before, and two who add lines wait for each other.
"""

from collections.abc import Collection

from apps.directory import permissions
from apps.directory.models import Organization
from apps.directory.permissions import Powers


def lock_homes(powers: Powers, names: Collection[str]) -> None:
    """Lock domains by their names, and whose they are, within the caller's transaction."""
    homes = permissions.domains(powers).filter(name__in=set(names)).order_by("name")
    owners = {one.organization_id for one in homes.select_for_update(of=("self",), no_key=True)}
    if not powers.is_operator:  # who has no bounds counts nothing
        rows = Organization.objects.filter(pk__in=owners).order_by("pk")
        list(rows.select_for_update(no_key=True))
