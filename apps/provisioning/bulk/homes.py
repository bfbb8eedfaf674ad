"""The domains in sight that the lines of a file name; what is out of sight is not there."""

from collections.abc import Iterable

from apps.directory import permissions
from apps.directory.models import Domain
from apps.directory.permissions import Powers
from apps.provisioning.bulk.verdicts import WrongCell


class Homes:
    """Domains by name."""

    def __init__(self, powers: Powers) -> None:
        self._powers = powers
        self._found: dict[str, Domain | None] = {}

    def learn(self, names: Iterable[str]) -> None:
        """Ask for those that are new, by one statement."""
        fresh = set(names) - self._found.keys()
        if fresh:
            self._found |= dict.fromkeys(fresh)
            rows = permissions.domains(self._powers).select_related("organization")
            self._found |= {one.name: one for one in rows.filter(name__in=fresh)}

    def find(self, name: str, *, what: str) -> Domain:
        """A domain that has addresses of its own.

        Args:
            what: of these ("users").
        """
        found = self._found.get(name)
        if found is None:
            raise WrongCell("address", f"The domain {name} is not hosted here")
        if found.alias_of_id is not None:
            raise WrongCell("address", f"{name} is an alias domain and has no {what}")
        return found

    @property
    def organization_ids(self) -> set[int]:
        """Whose the known ones are."""
        return {one.organization_id for one in self._found.values() if one is not None}
