"""Lists as files: what is in sight, by the filters of the lists, some hundred rows a statement."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Prefetch

from apps.audit import queries as audit
from apps.console import tracelist, userfilter
from apps.console.addresses import aliaslist
from apps.console.auditlog import Asked
from apps.console.domains import domainlist
from apps.console.quarantine import keptlist
from apps.console.queue import waiting
from apps.directory import permissions
from apps.directory.models import AliasTarget
from apps.directory.permissions import Ability, Powers, audit_scope
from apps.provisioning.aliaslists import pattern_of
from apps.provisioning.bulk.cells import shown_size
from apps.runtime.keyset import Column, Order, batches, walk

Row = list[object]


@dataclass(frozen=True, slots=True)
class Export:
    """A list that can be had as a file. The names of its columns are those that an import knows."""

    needs: Ability
    columns: tuple[str, ...]
    rows: Callable[[Powers, dict[str, str]], Iterator[Row]]


def _users(powers: Powers, asked: dict[str, str]) -> Iterator[Row]:
    found = userfilter.chosen(powers, userfilter.Wanted.of(asked))
    names = ("key", "address", "name", "quota", "kind", "state", "has_factor", "usage__size")
    for row in walk(found.values(*names, "created_at"), Order(Column("key", str))):
        yield [
            *(row["address"], row["name"], shown_size(row["quota"]), row["kind"], row["state"]),
            *("on" if row["has_factor"] else "off", row["usage__size"] or 0),
            _day(row["created_at"]),
        ]


def _aliases(powers: Powers, asked: dict[str, str]) -> Iterator[Row]:
    targets = Prefetch("targets", AliasTarget.objects.order_by("pk"))
    found = aliaslist.chosen(powers, aliaslist.Wanted.of(asked)).select_related("domain")
    for alias in walk(found.prefetch_related(targets), Order(Column("pk"))):
        to = " ".join(target.address for target in alias.targets.all())
        yield [str(pattern_of(alias)), to, alias.state, _day(alias.created_at)]


def _domains(powers: Powers, asked: dict[str, str]) -> Iterator[Row]:
    found = domainlist.chosen(powers, domainlist.Wanted.of(asked))
    for rows in batches(found.select_related("alias_of"), Order(Column("name", str))):
        owners = permissions.owners(powers, {row.organization_id for row in rows})
        for domain in rows:
            owner = owners.get(domain.organization_id, "")
            target = "" if domain.alias_of is None else domain.alias_of.name
            yield [domain.name, owner, target, domain.kind, domain.state, _day(domain.created_at)]


def _audit(powers: Powers, asked: dict[str, str]) -> Iterator[Row]:
    for row in audit.export(Asked.of(asked).wanted, scope=audit_scope(powers)):
        at = f"{row.at:%Y-%m-%dT%H:%M:%SZ}"
        yield [
            *(at, row.actor, row.acting_for, row.door, row.via, row.address, row.action),
            *(row.subject, row.details),
        ]


def _quarantine(powers: Powers, asked: dict[str, str]) -> Iterator[Row]:
    for one in keptlist.lines(powers, keptlist.Wanted.of(asked)):
        yield [
            *(f"{one.kept_at:%Y-%m-%dT%H:%M:%SZ}", one.state, one.to, one.author, one.sender),
            *(one.subject, one.badge, one.rule, one.why, f"{one.points:g}"),
            "yes" if one.is_wanted else "no",
        ]


def _queue(powers: Powers, asked: dict[str, str]) -> Iterator[Row]:
    for one in waiting.lines(powers, waiting.Wanted.of(asked)):
        yield [
            *(one.key, _moment(one.received_at), one.sender, one.to, one.more, one.destination),
            *(one.badge, one.size, one.tries, _moment(one.next), one.why.words, one.why.raw),
        ]


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


EXPORTS: Final = {
    "traces": Export(
        Ability.TRACE_MAIL,
        (
            *("Time", "Trace", "Direction", "From", "To", "Recipients", "Subject", "Outcome"),
            *("Cause", "Server", "Points", "Took"),
        ),
        tracelist.exported,
    ),
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
    "quarantine": Export(
        Ability.RUN_QUARANTINE,
        (
            *("Kept", "State", "For", "Author", "Sent by", "Subject", "Reason", "Rule", "Why"),
            *("Points", "Probably wanted"),
        ),
        _quarantine,
    ),
    "queue": Export(
        Ability.RUN_QUEUE,
        (
            *("Message", "Received", "From", "To", "Other recipients", "Destination", "State"),
            *("Size", "Tries", "Next try", "Last reply", "As it was said"),
        ),
        _queue,
    ),
    "audit": Export(
        Ability.READ_AUDIT,
        ("Time", "Who", "As", "Door", "Token", "Client", "What", "Subject", "Details"),
        _audit,
    ),
}
