"""Aliases that name an address which is another one now."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from apps.directory.models import AliasTarget
from apps.mime.address import Address

_CHUNK: Final = 1_000  # rows of one statement


def follow(organization_id: int, addresses: Mapping[str, str]) -> int:
    """Let the aliases of an organisation name new addresses in place of old ones, within the
    caller's transaction; return how many targets that were.

    Other organisations' aliases stay as they are: what one of them wrote is not for us to change.

    Args:
        addresses: by the old one's `Address.key`.
    """
    domains = {Address.parse(key).domain for key in addresses}
    if len(domains) != 1:
        raise ValueError("the old addresses are of one domain")
    (domain,) = domains
    return _rewrite(organization_id, domain, lambda one: addresses.get(one.key))


def follow_domain(organization_id: int, old: str, new: str) -> int:
    """The same for all addresses of a domain that has another name now."""
    return _rewrite(organization_id, old, lambda one: str(Address(one.local, new)))


def _rewrite(organization_id: int, domain: str, rule: Callable[[Address], str | None]) -> int:
    rows = AliasTarget.objects.filter(
        alias__domain__organization=organization_id, address__endswith=f"@{domain}"
    ).order_by("pk")
    moving = [(row, to) for row in rows if (to := rule(Address.parse(row.address))) is not None]
    has = _left({row.alias_id for row, _ in moving}, {row.pk for row, _ in moving})
    changed: list[AliasTarget] = []
    double: list[AliasTarget] = []
    for row, to in moving:
        key = Address.parse(to).key
        (double if key in has[row.alias_id] else changed).append(row)
        row.address = to
        has[row.alias_id].add(key)
    for chunk in _chunks([row.pk for row in double]):
        AliasTarget.objects.filter(pk__in=chunk).delete()
    AliasTarget.objects.bulk_update(changed, ["address"], batch_size=_CHUNK)
    return len(moving)


def _left(alias_ids: Collection[int], going: Collection[int]) -> dict[int, set[str]]:
    """The keys that each alias has beside the targets that change."""
    has: dict[int, set[str]] = {one: set() for one in alias_ids}
    for chunk in _chunks(sorted(alias_ids)):
        rows = AliasTarget.objects.filter(alias__in=chunk)
        for pk, alias_id, address in rows.values_list("pk", "alias_id", "address"):
            if pk not in going:
                has[alias_id].add(Address.parse(address).key)
    return has


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
