"""The demo's accounts: made through the services, and told with their passwords.

Passwords are known on purpose: they stand in the documentation, and a demo refuses to listen
anywhere but on loopback (`mailhost/env.py`).
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Q

from apps.demo.people import MAIN, Account, People
from apps.directory.models import Domain, User
from apps.directory.services import users
from apps.mailstore import queries
from apps.mailstore.models import SpecialUse
from apps.mailstore.services import mailboxes
from apps.provisioning import services as provisioning
from apps.provisioning.queries import aliases

NEARLY_FULL: Final = "oskar"
_FULL_SHARE = 0.97


@dataclass(frozen=True, slots=True)
class Row:
    """An account as it is told."""

    address: str
    password: str
    name: str
    is_main: bool
    is_suspended: bool


def password_of(key: str) -> str:
    """The password of the account with that key."""
    return f"{key}-demo-mail"


def rows(people: People) -> list[Row]:
    """All accounts, the main one first."""
    return [
        Row(
            account.person.address,
            password_of(account.person.key),
            account.person.name,
            account.person.key == MAIN,
            account.is_suspended,
        )
        for account in people.accounts
    ]


def strangers(people: People) -> list[str]:
    """A few domains and users that are not the demo's: somebody's real installation."""
    names = [name for _, domains in people.organizations for name in domains]
    ours = Q(key__in=[account.person.address for account in people.accounts]) | Q(
        key__in=[f"postmaster@{name}" for name in names]
    )
    found = list(User.objects.exclude(ours).order_by("key").values_list("address", flat=True)[:3])
    return found or list(
        Domain.objects.exclude(name__in=names).order_by("name").values_list("name", flat=True)[:3]
    )


def main_user(people: People) -> User | None:
    """The account that the link opens; None before there is a demo."""
    return User.objects.filter(key=people[MAIN].address).first()


def made_on(people: People) -> date | None:
    """When the demo was made; None if there is none, or not all of it.

    All mail comes in one transaction, after the accounts: who has some has all.
    """
    user = main_user(people)
    if user is None:
        return None
    inbox = next(
        (box for box in queries.mailboxes(user.pk) if box.special_use == SpecialUse.INBOX), None
    )
    if inbox is None or inbox.counters.uidnext <= 1 or user.domain is None:
        return None
    return user.domain.organization.created_at.date()


def make(people: People) -> dict[str, User]:
    """Make organisations, domains, users, folders and aliases, as far as they are missing; the
    users by key."""
    hosted = set(Domain.objects.values_list("name", flat=True))
    for organization, names in people.organizations:
        for name in names:
            if name not in hosted:
                provisioning.add_domain(name, organization)
    there = dict(User.objects.values_list("key", "pk"))
    for account in people.accounts:
        if account.person.address not in there:
            _add(account)
    _add_aliases(people)
    addresses = {account.person.address: account.person.key for account in people.accounts}
    made = User.objects.filter(key__in=addresses)
    found = {addresses[user.key]: user for user in made}
    for account in people.accounts:
        _add_folders(account, found[account.person.key])
    return found


def _add(account: Account) -> None:
    person, secret = account.person, password_of(account.person.key)
    if account.role == "operator":
        provisioning.create_operator(person.address, secret, person.name)
        return
    provisioning.add_user(person.address, secret, person.name, is_admin=account.role == "admin")


def _add_aliases(people: People) -> None:
    there = {row.pattern for row in aliases()}
    for alias in people.aliases:
        if alias.pattern not in there:
            provisioning.add_alias(alias.pattern, alias.targets)


def _add_folders(account: Account, user: User) -> None:
    there = {box.name for box in queries.mailboxes(user.pk)}
    for name in account.folders:
        if mailboxes.normal(name) not in there:
            mailboxes.create(user_id=user.pk, name=name)


def finish(people: People) -> None:
    """What only makes sense once the mail is there: who is suspended, who is nearly full."""
    for account in people.accounts:
        if account.is_suspended:
            provisioning.suspend_user(account.person.address)
    nearly_full = users.find(people[NEARLY_FULL].address)
    used = queries.usage(nearly_full.pk).size
    provisioning.change_user(nearly_full.address, quota=int(used / _FULL_SHARE) + 1)
