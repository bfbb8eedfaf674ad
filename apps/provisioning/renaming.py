"""Other addresses for users and other names for domains, with all that repeats them.

Nothing of anybody's mail is touched, nobody is signed out, and UIDs are what they were: mailboxes,
passwords and rights hang on the user's id (docs/renaming.md says what follows, and what stays).
"""

from dataclasses import dataclass

from django.db import transaction

from apps.directory import dkim as dkim_keys
from apps.directory.dkim import KeyRow
from apps.directory.models import DkimState, Domain, User
from apps.directory.services import dkim, domainnames, renaming, users
from apps.directory.services.dkim import NewKeys
from apps.directory.services.domains import domain_name
from apps.directory.services.names import POSTMASTER
from apps.mailstore.services import ownernames
from apps.provisioning.services import add_postmaster
from apps.scan.services import quarantine


@dataclass(frozen=True, slots=True)
class RenamedUser:
    """A user under the new address.

    Args:
        before: the old address.
        alias: whether the old one leads to the new one now.
        followed: how many aliases and groups name the new address.
    """

    user: User
    before: str
    alias: bool
    followed: int


@dataclass(frozen=True, slots=True)
class RenamedDomain:
    """A domain under the new name.

    Args:
        before: the old name.
        alias: whether that is an alias domain now.
        users: how many have a new address.
        followed: how many targets of aliases name new addresses.
        keys: whose records are to be in the DNS of the new name.
    """

    domain: Domain
    before: str
    alias: bool
    users: int
    followed: int
    keys: list[KeyRow]


def rename_user(
    old: str, new: str, *, keeps_alias: bool = True, other_organization: bool = False
) -> RenamedUser:
    """Give a user another address, in this or another hosted domain.

    Args:
        keeps_alias: the old address becomes an alias that leads to the new one.
        other_organization: the new domain may belong to another organisation; who may not say so
            must not be let. Roles and delegations in the old one end.

    Raises:
        InvalidAddress, NotFound
        AlreadyExists: somebody has the new address, or an alias that leads not to this user alone.
        InUse: the new domain is an alias domain or another organisation's; the user is a domain's
            own postmaster box.
    """
    wanted = users.user_address(new)
    with transaction.atomic():
        user = users.find(old)
        done = renaming.rename(user=user, address=wanted, other_organization=other_organization)
        if done.has_moved:
            ownernames.follow(user_id=user.pk, before=done.key_before, after=done.user.key)
        left = done.domain_before
        if left is not None and done.key_before == f"{POSTMASTER}@{left.name}":
            add_postmaster(left)
        alias = renaming.leave_alias(done) if keeps_alias else None
    return RenamedUser(done.user, done.before, alias is not None, done.followed)


def rename_domain(
    old: str,
    new: str,
    *,
    keeps_alias: bool = True,
    unlimited: bool = False,
    keys: NewKeys | None = None,
) -> RenamedDomain:
    """Give a domain, and so all its users, another name.

    Args:
        keeps_alias: the old name becomes an alias domain, so that its addresses go on to work.
        unlimited: an operator's word: what the organisation may hold does not count.
        keys: made before, for who is in a transaction already.

    Raises:
        InvalidName, NotFound
        AlreadyExists: the new name is hosted here, and is not an alias domain of this one.
        InUse: the old name is an alias domain.
        LimitReached: the organisation may have no domain more.
    """
    before, after = domain_name(old), domain_name(new)
    keys = keys or dkim.prepare()
    with transaction.atomic():
        done = domainnames.rename(
            name=before, new=after, keys=keys, keeps_old=keeps_alias, unlimited=unlimited
        )
        ownernames.follow_domain(before=before, after=after)
        quarantine.rename_domain(before, after)
    published = {DkimState.ACTIVE, DkimState.PENDING}
    rows = [key for key in dkim_keys.keys_of(after) if key.state in published]
    return RenamedDomain(
        done.domain, before, done.alias is not None, done.users, done.followed, rows
    )
