"""Aliases that name an address which is another one now.

Those of the same organisation follow; other organisations' stay as they are: what one of them wrote
is not for us to change.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.db.models import QuerySet, Value
from django.db.models.functions import Concat, Length, Substr

from apps.directory.models import AliasTarget
from apps.mime.address import Address

_CHUNK: Final = 500  # rows of one statement


def renamed(column: str, before: str, after: str) -> Concat:
    """A column whose text ends with the name of a domain, with another name in its place."""
    return Concat(Substr(column, 1, Length(column) - len(before)), Value(after))


def follow(organization_id: int, before: str, after: str) -> int:
    """Let the aliases of an organisation name a new address in place of an old one, within the
    caller's transaction; return how many targets that were.

    Args:
        before: the old one's `Address.key`.
        after: the new one as it is written.
    """
    rows = _keys(_at(organization_id, Address.parse(before).domain), before)
    new = Address.parse(after)
    has = {alias_id for _, alias_id in _keys(_at(organization_id, new.domain), new.key)}
    fresh: list[int] = []
    double: list[int] = []
    for pk, alias_id in rows:
        (double if alias_id in has else fresh).append(pk)
        has.add(alias_id)  # it may have had the old one in two spellings
    _delete(double)
    for chunk in _chunks(fresh):
        AliasTarget.objects.filter(pk__in=chunk).update(address=after)
    return len(rows)


def follow_domain(organization_id: int, before: str, after: str) -> int:
    """The same for all addresses of a domain that has another name now."""
    old, new = _at(organization_id, before), _at(organization_id, after)
    has = {(alias_id, Address.parse(one).key) for _, alias_id, one in _texts(new)}
    rows = _texts(old) if has else []
    double = [
        pk
        for pk, alias_id, text in rows
        if (alias_id, Address(Address.parse(text).local, after).key) in has
    ]
    _delete(double)
    return len(double) + old.update(address=renamed("address", before, after))


def _at(organization_id: int, domain: str) -> QuerySet[AliasTarget]:
    return AliasTarget.objects.filter(
        alias__domain__organization=organization_id, address__endswith=f"@{domain}"
    )


def _texts(rows: QuerySet[AliasTarget]) -> list[tuple[Any, ...]]:
    return list(rows.order_by("pk").values_list("pk", "alias_id", "address"))


def _keys(rows: QuerySet[AliasTarget], key: str) -> list[tuple[int, int]]:
    """Those that are an address, in whatever case they are written: row and alias."""
    return [(pk, alias) for pk, alias, text in _texts(rows) if Address.parse(text).key == key]


def _delete(ids: Sequence[int]) -> None:
    for chunk in _chunks(ids):
        AliasTarget.objects.filter(pk__in=chunk).delete()


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
