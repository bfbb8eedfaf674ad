"""Lists as files: what is in sight, by the filters of the lists, some hundred rows a statement."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Prefetch

from apps.audit import queries as audit
from apps.console import userfilter
from apps.console.addresses import aliaslist
from apps.console.auditlog import Asked
from apps.console.domains import domainlist
from apps.directory.models import AliasTarget
from apps.directory.permissions import Ability, Powers, audit_scope
from apps.provisioning.bulk.cells import shown_size

_AT_ONCE: Final = 500
Row = list[object]


@dataclass(frozen=True, slots=True)
class Export:
    """A list that can be had as a file. The names of its columns are those that an import knows."""

    needs: Ability
    columns: tuple[str, ...]
    rows: Callable[[Powers, dict[str, str]], Iterator[Row]]


def _users(powers: Powers, asked: dict[str, str]) -> Iterator[Row]:
    found = userfilter.chosen(powers, userfilter.Wanted.of(asked)).order_by("key")
    names = ("key", "address", "name", "quota", "kind", "state", "has_factor", "usage__size")
    after = ""
    while rows := list(found.filter(key__gt=after).values_list(*names, "created_at")[:_AT_ONCE]):
        for _, address, name, quota, kind, state, has_factor, used, made in rows:
            factor = "on" if has_factor else "off"
            yield [
                *(address, name, shown_size(quota), kind, state, factor, used or 0, _day(made)),
            ]
        after = rows[-1][0]


def _aliases(powers: Powers, asked: dict[str, str]) -> Iterator[Row]:
    targets = Prefetch("targets", AliasTarget.objects.order_by("pk"))
    found = aliaslist.chosen(powers, aliaslist.Wanted.of(asked)).order_by("pk")
    after = 0
    while rows := list(
        found.filter(pk__gt=after).select_related("domain").prefetch_related(targets)[:_AT_ONCE]
    ):
        for alias in rows:
            to = " ".join(target.address for target in alias.targets.all())
            yield [str(aliaslist.pattern_of(alias)), to, alias.state, _day(alias.created_at)]
        after = rows[-1].pk


def _domains(powers: Powers, asked: dict[str, str]) -> Iterator[Row]:
    found = domainlist.chosen(powers, domainlist.Wanted.of(asked)).order_by("name")
    after = ""
    while rows := list(found.filter(name__gt=after).select_related("alias_of")[:_AT_ONCE]):
        owners = domainlist.known_owners(powers, rows)
        for domain in rows:
            owner = owners.get(domain.organization_id, "")
            target = "" if domain.alias_of is None else domain.alias_of.name
            yield [domain.name, owner, target, domain.kind, domain.state, _day(domain.created_at)]
        after = rows[-1].name


def _audit(powers: Powers, asked: dict[str, str]) -> Iterator[Row]:
    for row in audit.export(Asked.of(asked).wanted, scope=audit_scope(powers)):
        at = f"{row.at:%Y-%m-%dT%H:%M:%SZ}"
        yield [
            *(at, row.actor, row.acting_for, row.door, row.address, row.action, row.subject),
            row.details,
        ]


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


EXPORTS: Final = {
    "users": Export(
        Ability.SEE_USERS,
        ("Address", "Name", "Space", "Kind", "State", "Two-step", "Used bytes", "Since"),
        _users,
    ),
    "aliases": Export(Ability.SEE_DOMAINS, ("Address", "Targets", "State", "Since"), _aliases),
    "domains": Export(
        Ability.SEE_DOMAINS,
        ("Domain", "Organisation", "Alias of", "Kind", "State", "Since"),
        _domains,
    ),
    "audit": Export(
        Ability.READ_AUDIT,
        ("Time", "Who", "As", "Door", "Client", "What", "Subject", "Details"),
        _audit,
    ),
}
