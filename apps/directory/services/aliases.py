"""Aliases: the only door through which their rows change.

A pattern is `sales@example.org` (exact), `sales-*@example.org` (wildcard) or `@example.org`, also
written `*@example.org` (catch-all). Targets are any addresses; those outside are kept for remote
delivery.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from apps.directory.models import Alias, AliasTarget, Domain, PatternKind
from apps.directory.services.domains import domain_name
from apps.directory.services.names import lock_domain, refuse_taken_by_user
from apps.mime.address import Address, AddressError
from apps.wire.errors import AlreadyExists, InUse, InvalidAddress, LimitReached, NotFound

MAX_TARGETS = 100  # of one alias; also what one address may become in the end
MAX_WILDCARDS = 100  # in one domain: each is tried for every unknown local part
MAX_STARS = 4  # in one pattern


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an alias matches: a casefolded local part ("" matches all) in a domain."""

    kind: PatternKind
    local: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Read `sales@…`, `sales-*@…`, `*@…` or `@…`; raise InvalidAddress."""
        text = text.strip()
        if text.startswith(("@", "*@")):
            return cls(PatternKind.CATCH_ALL, "", domain_name(text.lstrip("*")[1:]))
        address = parse_address(text)
        local = address.key.removesuffix(f"@{address.domain}")
        if "*" not in local:
            return cls(PatternKind.EXACT, local, address.domain)
        if local.count("*") > MAX_STARS:
            raise InvalidAddress("stars", text=f"A pattern has at most {MAX_STARS} asterisks")
        if not local.strip("*"):
            return cls(PatternKind.CATCH_ALL, "", address.domain)
        return cls(PatternKind.WILDCARD, local, address.domain)

    def __str__(self) -> str:
        return str(Address(self.local, self.domain)) if self.local else f"@{self.domain}"


def parse_address(text: str) -> Address:
    """Return an address that may stand in an alias.

    Raises:
        InvalidAddress
    """
    try:
        address = Address.parse(text.strip(), strict=True)
    except AddressError as error:
        raise InvalidAddress(str(error), text=f"Not a usable address: {error}") from None
    if address.is_literal:
        raise InvalidAddress("literal", text="An alias stands in a domain, not at an IP address")
    return address


def create(*, pattern: Pattern, targets: Sequence[str]) -> Alias:
    """Add an alias with its targets.

    Raises:
        NotFound: the pattern's domain is not hosted here.
        AlreadyExists: an alias or a user has it.
        InUse: the domain is an alias domain.
        LimitReached: too many targets, or wildcards in the domain.
        InvalidAddress: a target is no address.
    """
    addresses = _targets(targets)
    with transaction.atomic():
        domain = lock_domain(pattern.domain)
        if domain.alias_of_id is not None:
            raise InUse("alias domain", text=f"{domain.name} is an alias domain and has no aliases")
        _refuse_taken(domain, pattern)
        try:
            with transaction.atomic():
                alias = Alias.objects.create(domain=domain, kind=pattern.kind, local=pattern.local)
        except IntegrityError:
            raise AlreadyExists(
                f"alias {pattern}", text=f"The alias {pattern} exists already"
            ) from None
        AliasTarget.objects.bulk_create(
            AliasTarget(alias=alias, address=address) for address in addresses
        )
    return alias


def _targets(texts: Sequence[str]) -> list[str]:
    addresses = list(dict.fromkeys(str(parse_address(text)) for text in texts))
    if not addresses:
        raise InvalidAddress("no target", text="An alias has at least one target")
    if len(addresses) > MAX_TARGETS:
        raise LimitReached(
            f"{len(addresses)} targets", text=f"An alias has at most {MAX_TARGETS} targets"
        )
    if any("*" in address for address in addresses):
        raise InvalidAddress("pattern as target", text="A target is an address, not a pattern")
    return addresses


def _refuse_taken(domain: Domain, pattern: Pattern) -> None:
    if pattern.kind is PatternKind.EXACT:
        refuse_taken_by_user(Address(pattern.local, pattern.domain))
    elif (
        pattern.kind is PatternKind.WILDCARD
        and domain.aliases.filter(kind=PatternKind.WILDCARD).count() >= MAX_WILDCARDS
    ):
        raise LimitReached(
            f"wildcards in {domain.name}",
            text=f"A domain has at most {MAX_WILDCARDS} wildcard aliases",
        )


def delete(pattern: Pattern) -> None:
    """Remove an alias.

    Raises:
        NotFound
    """
    _, per_model = Alias.objects.filter(domain__name=pattern.domain, local=pattern.local).delete()
    if not per_model.get(Alias._meta.label):
        raise NotFound(f"alias {pattern}", text=f"There is no alias {pattern}")


def delete_some(domain: Domain, limit: int) -> int:
    """Remove up to `limit` aliases of a domain; return how many there were."""
    ids = list(domain.aliases.order_by("pk").values_list("pk", flat=True)[:limit])
    with transaction.atomic():
        Alias.objects.filter(pk__in=ids).delete()
    return len(ids)
