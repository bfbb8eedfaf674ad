"""Aliases: the only door through which their rows change.

A pattern is `sales@example.org` (exact), `sales-*@example.org` (wildcard),
`/sales-[0-9]+/@example.org` (a regular expression for the whole local part) or `@example.org`, also
written `*@example.org` (catch-all). Targets are any addresses, here or outside. An
alias with several is what people call a group, so targets can be added and removed one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from apps.audit.services import record
from apps.directory import expressions, subjects
from apps.directory.expressions import ExpressionError
from apps.directory.models import Alias, AliasTarget, Domain, PatternKind, State
from apps.directory.services.domains import domain_name
from apps.directory.services.names import lock_domain, refuse_taken_by_user
from apps.mime.address import Address, AddressError
from apps.wire.errors import (
    AlreadyExists,
    InUse,
    InvalidAddress,
    InvalidName,
    LimitReached,
    NotFound,
)

MAX_TARGETS = 100  # of one alias; also what one address may become in the end
# In one domain: each is tried for every unknown local part, and an expression may cost a
# millisecond.
MOST = {PatternKind.WILDCARD: 100, PatternKind.REGEX: 50}
MAX_STARS = 4  # in one pattern


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an alias matches: a casefolded local part ("" matches all) in a domain."""

    kind: PatternKind
    local: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Read `sales@…`, `sales-*@…`, `/sales-[0-9]+/@…`, `*@…` or `@…`; raise InvalidAddress."""
        text = text.strip()
        if text.startswith("/"):
            return cls._expression(text)
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

    @classmethod
    def _expression(cls, text: str) -> "Pattern":
        # Kept with its slashes: no exact pattern has both, so the two are never taken for another.
        expression, slash, domain = text[1:].rpartition("/@")
        if not slash:
            raise InvalidAddress("slash", text="A regular expression is written /…/@example.org")
        try:
            expressions.check(expression)
        except ExpressionError as error:
            raise InvalidAddress(
                f"expression: {error}", text=f"Not a usable regular expression: {error}"
            ) from None
        return cls(PatternKind.REGEX, f"/{expression}/", domain_name(domain))

    def __str__(self) -> str:
        if self.kind is PatternKind.REGEX:
            return f"{self.local}@{self.domain}"
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
        about = subjects.of_domain(domain, str(pattern))
        record("alias.add", **about, detail={"targets": addresses})
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
    most = MOST.get(pattern.kind)
    if most is not None and domain.aliases.filter(kind=pattern.kind).count() >= most:
        raise LimitReached(
            f"{pattern.kind} in {domain.name}",
            text=f"A domain has at most {most} aliases of this kind",
        )


def add_targets(*, pattern: Pattern, targets: Sequence[str]) -> list[str]:
    """Add targets that an alias does not have yet; return all it has.

    Raises:
        NotFound, InvalidAddress, LimitReached
    """
    wanted = _targets(targets)
    with transaction.atomic():
        alias = _lock(pattern)
        has = _stored_targets(alias)
        fresh = [address for address in wanted if address not in has]
        if len(has) + len(fresh) > MAX_TARGETS:
            raise LimitReached(
                f"{len(has) + len(fresh)} targets",
                text=f"An alias has at most {MAX_TARGETS} targets",
            )
        AliasTarget.objects.bulk_create(
            AliasTarget(alias=alias, address=address) for address in fresh
        )
        about = subjects.of_domain(alias.domain, str(pattern))
        record("alias.change", **about, detail={"added": fresh})
    return [*has, *fresh]


def set_targets(*, pattern: Pattern, targets: Sequence[str]) -> list[str]:
    """Give an alias these targets and no others; return them. Those that it has stay as they are
    written, and nothing happens, nor is anything recorded, if it has them all already.

    Raises:
        NotFound, InvalidAddress, LimitReached
    """
    wanted = {Address.parse(one).key: one for one in _targets(targets)}
    with transaction.atomic():
        alias = _lock(pattern)
        has = {Address.parse(one).key: one for one in _stored_targets(alias)}
        fresh = [address for key, address in wanted.items() if key not in has]
        gone = [address for key, address in has.items() if key not in wanted]
        if fresh or gone:
            alias.targets.filter(address__in=gone).delete()
            AliasTarget.objects.bulk_create(
                AliasTarget(alias=alias, address=address) for address in fresh
            )
            about = subjects.of_domain(alias.domain, str(pattern))
            record("alias.change", **about, detail={"added": fresh, "removed": gone})
        return _stored_targets(alias)


def remove_targets(*, pattern: Pattern, targets: Sequence[str]) -> list[str]:
    """Remove targets of an alias, in whatever case they are written; return what is left.

    Raises:
        NotFound: the alias, or one of the targets.
        InUse: none would be left; `delete` is for that.
        InvalidAddress
    """
    unwanted = {parse_address(text).key for text in targets}
    with transaction.atomic():
        alias = _lock(pattern)
        has = {address: Address.parse(address).key for address in _stored_targets(alias)}
        missing = unwanted - set(has.values())
        if missing:
            raise NotFound(
                f"target {sorted(missing)[0]}", text=f"{sorted(missing)[0]} is not in {pattern}"
            )
        left = [address for address, key in has.items() if key not in unwanted]
        if not left:
            raise InUse(f"targets of {pattern}", text=f"{pattern} would have no target left")
        alias.targets.exclude(address__in=left).delete()
        about = subjects.of_domain(alias.domain, str(pattern))
        record("alias.change", **about, detail={"removed": [one for one in has if one not in left]})
    return left


def set_state(*, pattern: Pattern, state: State) -> Alias:
    """Let an alias rest, so that its mail is refused, or work again. Nothing happens, and nothing
    is recorded, if it is so already.

    Raises:
        NotFound
        InvalidName: nobody signs in as an alias, so it cannot be locked.
    """
    if state == State.LOCKED:
        raise InvalidName("locked alias", text="An alias works, or is suspended")
    with transaction.atomic():
        alias = _lock(pattern)
        if alias.state != state:
            Alias.objects.filter(pk=alias.pk).update(state=state)
            alias.state = state
            about = subjects.of_domain(alias.domain, str(pattern))
            if state == State.ACTIVE:
                record("alias.resume", **about)
            else:
                record("alias.suspend", **about)
    return alias


def _lock(pattern: Pattern) -> Alias:
    """Lock and return an alias, within the caller's transaction; raise NotFound."""
    wanted = Alias.objects.select_for_update(of=("self",), no_key=True)
    alias = wanted.filter(domain__name=pattern.domain, local=pattern.local).first()
    if alias is None:
        raise NotFound(f"alias {pattern}", text=f"There is no alias {pattern}")
    return alias


def _stored_targets(alias: Alias) -> list[str]:
    return list(alias.targets.order_by("pk").values_list("address", flat=True))


def delete(pattern: Pattern) -> None:
    """Remove an alias.

    Raises:
        NotFound
    """
    with transaction.atomic():
        alias = _lock(pattern)
        about = subjects.of_domain(alias.domain, str(pattern))
        record("alias.remove", **about, detail={"targets": _stored_targets(alias)})
        alias.delete()


def delete_some(domain: Domain, limit: int) -> int:
    """Remove up to `limit` aliases of a domain; return how many there were."""
    ids = list(domain.aliases.order_by("pk").values_list("pk", flat=True)[:limit])
    with transaction.atomic():
        Alias.objects.filter(pk__in=ids).delete()
    return len(ids)
