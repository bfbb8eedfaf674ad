"""Whether the lines of a file could become aliases, and groups, which are aliases with several
targets."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from apps.directory.models import Alias, Kind, PatternKind, User
from apps.directory.permissions import Ability, Powers
from apps.directory.services.aliases import MAX_TARGETS, Pattern, parse_address
from apps.directory.services.names import POSTMASTER
from apps.mime.address import Address
from apps.provisioning.administration.sight import demand
from apps.provisioning.bulk.homes import Homes
from apps.provisioning.bulk.sheets import Line
from apps.provisioning.bulk.verdicts import Seen, Verdict, WrongCell, wrong
from apps.wire.errors import MailError

_BETWEEN: Final = re.compile(r"[\s,;]++")
_Key = tuple[str, str]  # domain, local part


class AliasCheck:
    """Looks at lines, as who imports them."""

    def __init__(self, powers: Powers) -> None:
        self._powers = powers
        self._homes, self._seen = Homes(powers), Seen()

    def look(self, lines: Sequence[Line]) -> list[Verdict]:
        """Say of each whether it could be added."""
        patterns = [_pattern(line) for line in lines]
        found = [one for one in patterns if isinstance(one, Pattern)]
        self._homes.learn(one.domain for one in found)
        there, users = _aliases(found), _users(found)
        return [
            self._verdict(line, pattern, there, users)
            for line, pattern in zip(lines, patterns, strict=True)
        ]

    def _verdict(
        self, line: Line, pattern: Pattern | WrongCell, there: set[_Key], users: set[str]
    ) -> Verdict:
        try:
            if isinstance(pattern, WrongCell):
                raise pattern
            domain = self._homes.find(pattern.domain, what="aliases")
            self._seen.note("address", (pattern.domain, pattern.local), line)
            if (pattern.domain, pattern.local) in there:
                return Verdict("there", "address", "This alias is there already")
            if _is_taken(pattern, users):
                raise WrongCell("address", "A user has this address already")
            try:
                demand(self._powers, Ability.CHANGE_ALIASES, domain)
            except MailError as error:
                raise wrong("", error) from None
            _check_targets(line)
        except WrongCell as error:
            return Verdict("wrong", error.field, error.reason)
        return Verdict()


def targets_of(texts: Mapping[str, str]) -> list[str]:
    """The addresses of a line's cell, which commas, semicolons or spaces divide."""
    return [one for one in _BETWEEN.split(texts.get("targets", "")) if one]


def _check_targets(line: Line) -> None:
    texts = targets_of(line.cells)
    if not texts:
        raise WrongCell("targets", "An alias has at least one target")
    if len(texts) > MAX_TARGETS:
        raise WrongCell("targets", f"An alias has at most {MAX_TARGETS} targets")
    for text in texts:
        try:
            address = parse_address(text)
        except MailError as error:
            raise wrong("targets", error) from None
        if "*" in address.local:
            raise WrongCell("targets", "A target is an address, not a pattern")


def _pattern(line: Line) -> Pattern | WrongCell:
    if line.trouble:
        return WrongCell("", line.trouble)
    text = line.cells.get("address", "")
    if not text:
        return WrongCell("address", "It is empty")
    try:
        return Pattern.parse(text)
    except MailError as error:
        return wrong("address", error)


def _aliases(patterns: Sequence[Pattern]) -> set[_Key]:
    rows = Alias.objects.filter(
        local__in={one.local for one in patterns}, domain__name__in={one.domain for one in patterns}
    )
    return set(rows.values_list("domain__name", "local"))


def _users(patterns: Sequence[Pattern]) -> set[str]:
    keys = {_key(one) for one in patterns if one.kind is PatternKind.EXACT}
    rows = User.objects.filter(key__in=keys).values_list("key", "kind")
    return {
        key for key, kind in rows if kind != Kind.SHARED or not key.startswith(f"{POSTMASTER}@")
    }


def _is_taken(pattern: Pattern, users: set[str]) -> bool:
    return pattern.kind is PatternKind.EXACT and _key(pattern) in users


def _key(pattern: Pattern) -> str:
    return Address(pattern.local, pattern.domain).key
