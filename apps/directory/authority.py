"""By what right a user writes as an address. The one place that reads delegations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from apps.directory.models import Delegation, Domain, Kind, User
from apps.directory.routing import owners, owners_of
from apps.mime.address import Address


class Authority(IntEnum):
    """By what right a user writes as an address; more is better."""

    NONE = 0
    ON_BEHALF = 1  # of its owner, and the mail says so: Sender (RFC 5322 section 3.6.2)
    SEND_AS = 2  # its owner lets the user write as if it were the owner
    OWN = 3


def authority(user_id: int, address: Address) -> Authority:
    """Say by what right a user writes as an address.

    OWN is whoever gets its mail: so the own address, with any detail after the separator, in alias
    domains too; an alias, a wildcard or a catch-all that leads to the user, alone or with others;
    postmaster's address of a domain for its administrators. A user whose mail is sent on elsewhere
    keeps that right. Never an address of a domain that is not hosted here.

    SEND_AS and ON_BEHALF come of a delegation by its owner, where it belongs to that owner alone:
    who stands in for one member of a group does not speak for the group.
    """
    found = {user.user_id for user in owners(address)}
    if user_id in found:
        return Authority.OWN
    if len(found) != 1:
        return Authority.NONE
    return _lent(user_id, found).get(found.pop(), Authority.NONE)


def authority_of_many(user_id: int, addresses: Sequence[Address]) -> dict[Address, Authority]:
    """The same for many, in a few statements, however many they are."""
    owned = {
        address: {user.user_id for user in found} for address, found in owners_of(addresses).items()
    }
    alone = {next(iter(found)) for found in owned.values() if len(found) == 1} - {user_id}
    lent = _lent(user_id, alone) if alone else {}
    return {
        address: Authority.OWN
        if user_id in found
        else lent.get(next(iter(found)), Authority.NONE)
        if len(found) == 1
        else Authority.NONE
        for address, found in owned.items()
    }


def _lent(user_id: int, owner_ids: Iterable[int]) -> dict[int, Authority]:
    """What owners let a user do in their name; who lets it do nothing is left out."""
    grants = Delegation.objects.filter(
        owner_id__in=owner_ids, delegate_id=user_id, delegate__kind=Kind.PERSON
    )
    return {
        grant.owner_id: Authority.SEND_AS if grant.may_send_as else Authority.ON_BEHALF
        for grant in grants
        if grant.may_send_as or grant.may_send_on_behalf
    }


def may_send_as(user_id: int, address: Address) -> bool:
    """Whether a user may write as an address without saying who writes."""
    return authority(user_id, address) >= Authority.SEND_AS


@dataclass(frozen=True, slots=True)
class Writer:
    """A user as the one who writes.

    `adds_sender`: its domain's policy for mail whose From is not the user's: to name the user in
    Sender, in place of refusing it. `domains` are the names of that domain.
    """

    address: Address
    adds_sender: bool
    domains: frozenset[str]

    def may_borrow(self, address: Address) -> bool:
        """Whether the policy covers an author: of the own domain, or one that is not hosted here.

        Another customer's address is never borrowed: mail of ours in its name would be believed.
        """
        if not self.adds_sender:
            return False
        hosted = Domain.objects.filter(name=address.domain).exists()
        return address.domain in self.domains or not hosted


def writer(user_id: int) -> Writer | None:
    """The user as the one who writes; None if there is no such user."""
    user = User.objects.select_related("domain").filter(pk=user_id).first()
    if user is None:
        return None
    domain = user.domain
    names: Iterable[str] = ()
    if domain is not None:
        names = [domain.name, *domain.alias_domains.values_list("name", flat=True)]
    adds_sender = domain is not None and domain.adds_sender
    return Writer(Address.parse(user.address), adds_sender, frozenset(names))


def delegations(*, owner: User | None = None, delegate: User | None = None) -> list[Delegation]:
    """The delegations by an owner, to a delegate, or all; in order of the addresses."""
    wanted: Mapping[str, User] = {
        name: user for name, user in (("owner", owner), ("delegate", delegate)) if user is not None
    }
    rows = Delegation.objects.select_related("owner", "delegate").filter(**wanted)
    return list(rows.order_by("owner__key", "delegate__key"))
