"""Domains and the organisations they belong to: the only door through which their rows change."""

from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Domain, Organization, State, Sternness, User
from apps.directory.services import capacity, operators, organizations
from apps.directory.services.names import lock_domain
from apps.directory.services.organizations import KEEP, Keep, Limit
from apps.events.bus import publish_on_commit
from apps.events.types import EVERYBODY, UserChanged
from apps.mime.address import AddressError, normalise_domain
from apps.wire.errors import AlreadyExists, InUse, InvalidName, NotFound

DEFAULT_ORGANIZATION = "Default"
_TO_STATE = {
    State.ACTIVE: "domain.resume",
    State.SUSPENDED: "domain.suspend",
    State.LOCKED: "domain.lock",
}
_COLUMNS = {"every": "digest", "separator": "detail_separator"}
SEPARATORS = "+-_=#."  # one of them, or none, divides a user's address from a detail


def domain_name(text: str) -> str:
    """Return the stored form of a domain name: lower-case A-labels.

    Raises:
        InvalidName: not a domain name with at least two labels.
    """
    try:
        name = normalise_domain(text.strip())
    except AddressError as error:
        raise InvalidName(str(error), text=f"Not a domain name: {error}") from None
    if name.startswith("[") or "." not in name or name.rpartition(".")[2].isdigit():
        raise InvalidName("no domain name", text="A domain name has at least two labels")
    return name


def find(text: str) -> Domain:
    """Return the domain of that name.

    Raises:
        InvalidName, NotFound
    """
    name = domain_name(text)
    found = Domain.objects.filter(name=name).first()
    if found is None:
        raise NotFound(f"domain {name}", text=f"The domain {name} is not hosted here")
    return found


def find_own(text: str) -> Domain:
    """Return the domain of that name, of which something is to be set.

    Raises:
        InvalidName, NotFound
        InUse: it stands for another one, whose settings count.
    """
    found = find(text)
    if found.alias_of is not None:
        target = found.alias_of.name
        raise InUse("alias domain", text=f"{found.name} stands for {target}: set it there")
    return found


def create(
    *,
    name: str,
    organization: str | Organization | None = None,
    alias_of: str | None = None,
    unlimited: bool = False,
) -> Domain:
    """Host a domain. An alias domain belongs to the organisation of the domain it stands for.

    Args:
        organization: by its name, one that there is not is made.
        unlimited: an operator's word: what the organisation may hold does not count.

    Raises:
        LimitReached: the organisation holds all that it may.
        InvalidName, AlreadyExists
        NotFound: the domain it shall be an alias of.
        InUse: that one is an alias domain itself.
    """
    stored = domain_name(name)
    with transaction.atomic():
        target = lock_domain(domain_name(alias_of)) if alias_of else None
        if target is not None and target.alias_of_id is not None:
            raise InUse("alias of alias", text=f"{target.name} is an alias domain itself")
        owner = target.organization if target else _organization(organization)
        if not unlimited:
            capacity.take_domain(owner.pk)
        try:
            with transaction.atomic():
                domain = Domain.objects.create(name=stored, organization=owner, alias_of=target)
        except IntegrityError:
            raise AlreadyExists(
                f"domain {stored}", text=f"The domain {stored} is hosted here already"
            ) from None
        if target is None:
            _adopt(domain)
        detail = {"organization": owner.name} | ({"alias_of": target.name} if target else {})
        record("domain.add", **subjects.of_domain(domain), detail=detail)
    return domain


def _organization(wanted: str | Organization | None) -> Organization:
    if isinstance(wanted, Organization):
        return wanted
    name = organizations.organization_name(DEFAULT_ORGANIZATION if wanted is None else wanted)
    found = Organization.objects.filter(name=name).first()
    if found is not None:
        return found
    try:
        return organizations.create(name=name)
    except AlreadyExists:  # made at this moment
        return organizations.find(name)


def _adopt(domain: Domain) -> None:
    """An operator may have had an address here before the domain was: now it is a local one."""
    User.objects.filter(domain=None, key__endswith=f"@{domain.name}").update(domain=domain)


def set_state(*, name: str, state: State) -> Domain:
    """Suspend a domain, or let it work again. Nothing of its users is touched.

    Raises:
        InvalidName, NotFound
        InUse: no operator could sign in any more.
    """
    domain = find(name)
    with transaction.atomic():
        if state != State.ACTIVE:
            operators.keep_one(Q(user__domain=domain))
        Domain.objects.filter(pk=domain.pk).update(state=state)
        publish_on_commit(UserChanged(EVERYBODY))
        record(_TO_STATE[state], **subjects.of_domain(domain))
    domain.state = state
    return domain


DIGESTS: Final = ("", "daily", "weekly", "never")
"""How often users of a domain get digests of held mail; "" is what the setting says."""


@dataclass(frozen=True)
class Reception:
    """What a domain wants done with mail whose sender is in doubt, as `models.Domain` has it; None
    leaves a thing as it is."""

    dmarc_policy: Sternness | None = None
    list_policy: Sternness | None = None
    greylists: bool | None = None


def change(
    *,
    name: str,
    separator: str | None = None,
    default_quota: Limit = KEEP,
    adds_sender: bool | None = None,
    reception: Reception | None = None,
    digest: str | None = None,
) -> Domain:
    """Change how a domain works; None leaves a thing as it is, but for the quota.

    Args:
        separator: one of `SEPARATORS`, "" for no details.
        default_quota: bytes of a new user, 0 for no limit, None for the installation's.
        adds_sender: mail whose From is not its sender's gets a Sender field, and is not refused.
        reception: what to do with mail whose sender is in doubt.
        digest: one of `DIGESTS`.

    Raises:
        InvalidName, NotFound
        InUse: `reception` or `digest` of an alias domain, which has that of the domain it stands
            for.
    """
    domain = find(name)
    said: dict[str, object] = {}  # what nobody asks for is not written: another may, just now
    if separator is not None:
        if separator and (len(separator) != 1 or separator not in SEPARATORS):
            raise InvalidName("separator", text=f"A separator is one of {SEPARATORS} or nothing")
        domain.detail_separator = said["separator"] = separator
    if not isinstance(default_quota, Keep):
        quota = None if default_quota is None else checked_quota(default_quota)
        domain.default_quota = said["default_quota"] = quota
    if adds_sender is not None:
        domain.adds_sender = said["adds_sender"] = adds_sender
    if digest is not None:
        # "digest" is a word of secrets, of which no record tells
        domain.digest = said["every"] = _checked_digest(digest)
    if (reception, digest) != (None, None) and domain.alias_of is not None:
        target = domain.alias_of.name
        raise InUse("alias domain", text=f"{domain.name} stands for {target}: set it there")
    for field, value in vars(reception or Reception()).items():
        if value is not None:
            said[field] = value
            setattr(domain, field, value)
    if not said:
        return domain
    with transaction.atomic():
        domain.save(update_fields=[_COLUMNS.get(name, name) for name in said])
        record("domain.change", **subjects.of_domain(domain), detail=said)
    return domain


def _checked_digest(digest: str) -> str:
    if digest not in DIGESTS:
        raise InvalidName("digest", text="Digests come daily, weekly or never")
    return digest


def checked_quota(quota: int) -> int:
    """Return a quota that the database can hold; raise InvalidName."""
    if not 0 <= quota < 2**63:
        raise InvalidName(f"quota {quota}", text="A quota is a number of bytes, 0 for no limit")
    return quota


def delete(domain: Domain) -> None:
    """Delete a domain that nothing needs any more, with the grants in it.

    Raises:
        InUse: it has users, aliases or alias domains.
    """
    with transaction.atomic():
        lock_domain(domain.name)
        if domain.aliases.exists():
            raise InUse(f"aliases in {domain.name}", text=f"{domain.name} has aliases")
        record("domain.remove", **subjects.of_domain(domain))
        try:
            domain.delete()
        except ProtectedError:
            raise InUse(
                f"users in {domain.name}", text=f"{domain.name} has users or alias domains"
            ) from None
