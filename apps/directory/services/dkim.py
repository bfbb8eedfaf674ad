"""The life of DKIM keys: the only door through which their rows change.

Keys are made with the domain, one of RSA and one of Ed25519, and sign at once: what nobody can
verify yet counts as unsigned (RFC 6376 section 6.1), and whoever has published the records need not
wait. Rotation makes the next two, which take over when their records are in the DNS; each kind on
its own, because a name server may take one and refuse the other.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.directory import dkim, subjects
from apps.directory.models import DkimKey, DkimState, Domain
from apps.directory.services import domains
from apps.directory.services.names import lock_domain
from apps.mailauth.keys import Algorithm, NewKey, generate
from apps.runtime import sealing
from apps.wire.errors import InUse, NotFound

# Beyond BOUNCE_AFTER, when the last mail that a key signed leaves us: others verify it late, too.
LINGER: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class NewKeys:
    """Keys that no domain has yet: making them takes its time, and no transaction."""

    keys: tuple[NewKey, ...]


def prepare(algorithms: Collection[Algorithm] = tuple(Algorithm)) -> NewKeys:
    """Make keys, outside any transaction."""
    return NewKeys(tuple(generate(one) for one in algorithms))


def keep(domain: Domain, new: NewKeys) -> list[DkimKey]:
    """Give keys to a domain; in the caller's transaction, which locked or made the domain.

    Those of a kind that it has none of sign; others are pending. Each gets a selector that the
    domain never had: `m202611r` is RSA of November 2026.
    """
    had = DkimKey.objects.filter(domain=domain)
    taken = set(had.values_list("selector", flat=True))
    signing = set(had.filter(state=DkimState.ACTIVE).values_list("algorithm", flat=True))
    made = []
    for key in new.keys:
        selector = _selector(key.algorithm, taken)
        taken.add(selector)
        secret = sealing.seal(key.secret, context=dkim.context(domain.name, selector))
        made.append(
            DkimKey(
                domain=domain,
                selector=selector,
                algorithm=key.algorithm.value,
                state=DkimState.PENDING if key.algorithm.value in signing else DkimState.ACTIVE,
                secret=secret,
                public=key.public,
            )
        )
    return DkimKey.objects.bulk_create(made)


def _selector(algorithm: Algorithm, taken: Collection[str]) -> str:
    first = f"m{timezone.now():%Y%m}{algorithm.value[0]}"
    selector, number = first, 1
    while selector in taken:
        number += 1
        selector = f"{first}{number}"
    return selector


def rotate(name: str, keys: NewKeys | None = None) -> list[DkimKey]:
    """Make the next keys of a domain; what signs goes on until their records are in the DNS.

    Args:
        keys: made before, for who is in a transaction already.

    Raises:
        InvalidName, NotFound
        InUse: the last ones still wait for theirs.
    """
    stored = domains.find(name).name
    new = keys or prepare()
    with transaction.atomic():
        domain = lock_domain(stored)  # the keys are sealed for the name: it may be another's now
        if DkimKey.objects.filter(domain=domain, state=DkimState.PENDING).exists():
            raise InUse(
                f"pending keys of {domain.name}",
                text=f"{domain.name} has keys that wait for their DNS records: publish or discard"
                " those first",
            )
        made = keep(domain, new)
        detail = {"selectors": [key.selector for key in made]}
        record("dkim.rotate", **subjects.of_domain(domain), detail=detail)
    return made


def discard(name: str) -> int:
    """Drop the keys of a domain that wait for their records; return how many there were.

    Raises:
        InvalidName, NotFound
    """
    domain = domains.find(name)
    with transaction.atomic():
        lock_domain(domain.name)
        gone = DkimKey.objects.filter(domain=domain, state=DkimState.PENDING).delete()[0]
        if gone:
            record("dkim.discard", **subjects.of_domain(domain), detail={"keys": gone})
    return gone


def activate(name: str, selectors: Collection[str]) -> list[DkimKey]:
    """Let pending keys sign; those of the same kind that did are retiring from now on.

    The caller knows that the records are in the DNS, or wants it all the same. A key that is no
    more pending is left as it is.

    Raises:
        InvalidName, NotFound
    """
    domain = domains.find(name)
    now = timezone.now()
    with transaction.atomic():
        lock_domain(domain.name)
        keys = list(
            DkimKey.objects.filter(
                domain=domain, state=DkimState.PENDING, selector__in=selectors
            ).select_related("domain")
        )
        for key in keys:
            DkimKey.objects.filter(
                domain=domain, state=DkimState.ACTIVE, algorithm=key.algorithm
            ).update(state=DkimState.RETIRING, changed_at=now)
            DkimKey.objects.filter(pk=key.pk).update(state=DkimState.ACTIVE, changed_at=now)
            key.state, key.changed_at = DkimState.ACTIVE, now
        if keys:
            detail = {"selectors": [key.selector for key in keys]}
            record("dkim.activate", **subjects.of_domain(domain), detail=detail)
    return keys


def retire(now: datetime) -> int:
    """Retire keys whose last mail has arrived or bounced: the private key is gone for good."""
    age = timedelta(seconds=settings.BOUNCE_AFTER) + LINGER
    with transaction.atomic():
        old = DkimKey.objects.select_for_update(of=("self",), no_key=True).filter(
            state=DkimState.RETIRING, changed_at__lt=now - age
        )
        keys = list(old.select_related("domain").order_by("pk"))
        for key in keys:
            about = subjects.of_domain(key.domain)
            record("dkim.retire", **about, detail={"selector": key.selector})
        return DkimKey.objects.filter(pk__in=[key.pk for key in keys]).update(
            state=DkimState.RETIRED, secret=b"", changed_at=now
        )


def supply(limit: int) -> int:
    """Give keys to domains that have none of a kind that signs, as those from before there were
    keys, and those whose key was erased.

    Returns:
        How many domains got some; at most `limit`.
    """
    without: dict[int, list[Algorithm]] = {}
    for algorithm in Algorithm:
        signing = DkimKey.objects.filter(state=DkimState.ACTIVE, algorithm=algorithm.value)
        bare = Domain.objects.exclude(pk__in=signing.values("domain")).order_by("pk")
        for key in bare.values_list("pk", flat=True)[:limit]:
            without.setdefault(key, []).append(algorithm)
    return sum(_supply_one(key, without[key]) for key in sorted(without)[:limit])


def _supply_one(pk: int, algorithms: Sequence[Algorithm]) -> bool:
    new = prepare(algorithms)
    with transaction.atomic():
        domain = Domain.objects.select_for_update(no_key=True).filter(pk=pk).first()
        if domain is None:
            return False
        made = complete(domain, new)
        if made:
            detail = {"selectors": [key.selector for key in made]}
            record("dkim.add", **subjects.of_domain(domain), detail=detail)
    return bool(made)


def complete(domain: Domain, new: NewKeys) -> list[DkimKey]:
    """Give a domain those of the keys of whose kind none signs; as `keep`."""
    signing = set(
        DkimKey.objects.filter(domain=domain, state=DkimState.ACTIVE).values_list(
            "algorithm", flat=True
        )
    )
    missing = tuple(one for one in new.keys if one.algorithm.value not in signing)
    return keep(domain, NewKeys(missing))


def erase(name: str, selector: str) -> None:
    """Take a key out of service at once, because somebody else may have it: it is retired, its
    private key gone. The pending one of its kind takes its place, else `supply` makes another.

    Raises:
        InvalidName
        NotFound: no such domain, or it has no such key.
    """
    domain = domains.find(name)
    now = timezone.now()
    with transaction.atomic():
        lock_domain(domain.name)
        key = DkimKey.objects.filter(domain=domain, selector=selector).first()
        if key is None:
            raise NotFound(f"key {selector}", text=f"{domain.name} has no key {selector}")
        DkimKey.objects.filter(pk=key.pk).update(
            state=DkimState.RETIRED, secret=b"", changed_at=now
        )
        if key.state == DkimState.ACTIVE:
            DkimKey.objects.filter(
                domain=domain, state=DkimState.PENDING, algorithm=key.algorithm
            ).update(state=DkimState.ACTIVE, changed_at=now)
        record("dkim.erase", **subjects.of_domain(domain), detail={"selector": selector})
