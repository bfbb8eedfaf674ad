"""Whether the lines of a file could become domains.

What would lie above or below another tenant's is not looked for here: that is the door's to say
when the line is added, in the same words.
"""

from collections.abc import Iterable, Mapping, Sequence

from apps.directory import permissions
from apps.directory.models import Domain, Organization
from apps.directory.permissions import Ability, Powers
from apps.directory.services.domains import domain_name
from apps.mailauth import suffixes
from apps.provisioning.bulk.rooms import Rooms
from apps.provisioning.bulk.sheets import Line
from apps.provisioning.bulk.verdicts import Seen, Verdict, WrongCell, wrong
from apps.wire.errors import MailError


class DomainCheck:
    """Looks at lines, as who imports them."""

    def __init__(self, powers: Powers) -> None:
        self._powers = powers
        self._rooms, self._seen = Rooms(powers), Seen()
        self._owners = Owners(powers)

    def look(self, lines: Sequence[Line]) -> list[Verdict]:
        """Say of each whether it could be added."""
        names = [_name(line) for line in lines]
        found = {one for one in names if isinstance(one, str)}
        targets = {_folded(line.cells.get("alias_of", "")) for line in lines} - {""}
        hosted = set(Domain.objects.filter(name__in=found).values_list("name", flat=True))
        rows = permissions.domains(self._powers).filter(name__in=found | targets)
        seen = {one.name: one for one in rows}
        self._owners.learn(line.cells for line in lines)
        self._rooms.learn(
            {one.pk for one in self._owners.all} | {one.organization_id for one in seen.values()}
        )
        return [
            self._verdict(line, name, hosted, seen) for line, name in zip(lines, names, strict=True)
        ]

    def _verdict(
        self, line: Line, name: str | WrongCell, hosted: set[str], seen: Mapping[str, Domain]
    ) -> Verdict:
        try:
            if isinstance(name, WrongCell):
                raise name
            self._seen.note("name", name, line)
            if name in seen:
                return Verdict("there", "name", "This domain is there already")
            if name in hosted:
                raise WrongCell(
                    "name", f"The domain {name} cannot be added: ask who runs this service"
                )
            if not self._powers.is_operator and suffixes.is_public(name):
                raise WrongCell("name", f"Under {name} everybody registers domains")
            self._rooms.take_domain(self._home(line, seen))
        except WrongCell as error:
            return Verdict("wrong", error.field, error.reason)
        return Verdict()

    def _home(self, line: Line, seen: Mapping[str, Domain]) -> int:
        """The organisation that it would belong to; 0 for one that is to be made."""
        text = line.cells.get("alias_of", "")
        if not text:
            found = self._owners.find(line.cells)
            return 0 if found is None else found.pk
        target = seen.get(_folded(text))
        if target is None:
            raise WrongCell("alias_of", f"The domain {_folded(text)} is not hosted here")
        if target.alias_of_id is not None:
            raise WrongCell("alias_of", f"{target.name} is an alias domain itself")
        if not self._powers.may(Ability.ADD_DOMAINS, target):
            raise WrongCell("", "Your role does not let you add domains here")
        return target.organization_id


class Owners:
    """The organisations to which somebody may give domains."""

    def __init__(self, powers: Powers) -> None:
        self._powers = powers
        self._rows = permissions.organizations(powers, Ability.ADD_DOMAINS)
        self._named: dict[str, Organization] = {}
        self._some: list[Organization] | None = None

    def learn(self, lines: Iterable[Mapping[str, str]]) -> None:
        """Ask for those that lines name, and for the one that there may be alone."""
        names = {cells.get("organization", "") for cells in lines} - {""}
        fresh = names - self._named.keys()
        self._named |= {one.name: one for one in self._rows.filter(name__in=fresh)}
        if self._some is None:
            self._some = list(self._rows[:2])

    @property
    def all(self) -> list[Organization]:
        """Those that were found."""
        return [*self._named.values(), *(self._some or [])]

    def find(self, cells: Mapping[str, str]) -> Organization | None:
        """Whose a line's domain is to be; None if there is none yet, and the first domain makes it.

        Raises:
            WrongCell
        """
        name, some = cells.get("organization", ""), self._some or []
        if name:
            if name not in self._named:
                raise WrongCell("organization", f"There is no organisation {name}")
            return self._named[name]
        if not some and self._powers.is_operator:
            return None
        if not some:
            raise WrongCell("", "Your role does not let you add domains here")
        if len(some) > 1:
            raise WrongCell("organization", "Say to which organisation the domain belongs")
        return some[0]


def _name(line: Line) -> str | WrongCell:
    if line.trouble:
        return WrongCell("", line.trouble)
    text = line.cells.get("name", "")
    if not text:
        return WrongCell("name", "It is empty")
    try:
        return domain_name(text)
    except MailError as error:
        return wrong("name", error)


def _folded(text: str) -> str:
    try:
        return domain_name(text) if text else ""
    except MailError:
        return text.casefold()
