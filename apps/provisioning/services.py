"""Making and removing domains, users and aliases, with all that hangs on them.

The one door for the command line, the console and the interface for programs. Texts come in as
people write them (`Alice@Bücher.example`) and are normalised here. Passwords are hashed before a
transaction begins; what belongs together (a user, its mailboxes, its account of space) is made in
one.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.directory import passwords, subjects
from apps.directory.models import (
    Alias,
    Domain,
    Kind,
    Organization,
    State,
    StsMode,
    User,
    UserState,
)
from apps.directory.passwords import Secrets
from apps.directory.services import (
    aliases,
    dkim,
    domains,
    links,
    roles,
    signinrules,
    stspolicies,
    transports,
    users,
)
from apps.directory.services.names import POSTMASTER, is_own_postmaster
from apps.directory.services.organizations import KEEP, Limit
from apps.directory.services.signinrules import SignInRules
from apps.mailstore.origin import Origin
from apps.mailstore.services import mailboxes
from apps.mime.address import Address
from apps.reports import services as reports
from apps.scan.services import quarantine
from apps.wire.errors import InUse, InvalidName, NotFound

KEEP_DAYS = 30  # in which a removed user can be restored
_CHUNK = 500  # rows at a time when much is removed


def add_domain(
    name: str,
    organization: str | Organization | None = None,
    alias_of: str | None = None,
    *,
    unlimited: bool = False,
    keys: dkim.NewKeys | None = None,
) -> Domain:
    """Host a domain; it gets keys that sign its mail, whose records are to be published, and a
    shared box for the mail to its postmaster that nobody else takes.

    Args:
        organization: the tenant it belongs to, made if new; None is the installation's own.
        alias_of: a hosted domain all whose addresses shall be valid in this one too.
        unlimited: an operator's word: what the organisation may hold does not count.
        keys: made before, for who is in a transaction already.

    Raises:
        InvalidName, AlreadyExists, NotFound, InUse, LimitReached
    """
    keys = keys or dkim.prepare()
    with transaction.atomic():
        domain = domains.create(
            name=name, organization=organization, alias_of=alias_of, unlimited=unlimited
        )
        dkim.keep(domain, keys)
        if domain.alias_of_id is None:
            add_postmaster(domain)
    return domain


def add_postmaster(domain: Domain) -> None:
    """Give a domain the box for the mail to its postmaster that nobody else takes."""
    address = Address(POSTMASTER, domain.name)
    if User.objects.filter(key=address.key).exists():
        return  # an operator had that address before the domain was hosted here
    user = users.create(
        address=address,
        secrets=passwords.seal(None),
        name="Postmaster",
        quota=0,
        kind=Kind.SHARED,
        unlimited=True,  # it takes no place
    )
    mailboxes.create_defaults(user.pk)


def change_domain(
    name: str,
    *,
    separator: str | None = None,
    default_quota: Limit = KEEP,
    adds_sender: bool | None = None,
    reception: domains.Reception | None = None,
    sign_in: SignInRules | None = None,
    sts_mode: StsMode | None = None,
    digest: str | None = None,
) -> Domain:
    """Change the separator of details, the quota of new users (bytes, 0 for no limit, None for the
    installation's), whether mail whose From is not its sender's gets a Sender field in place of
    being refused, what becomes of incoming mail whose sender is in doubt, what its people's sign-in
    demands, how often they get digests, or what its MTA-STS policy asks of senders.

    Raises:
        InvalidName, NotFound
        InUse: `reception`, `sign_in`, `sts_mode` or `digest` of an alias domain.
    """
    with transaction.atomic():
        domain = domains.change(
            name=name,
            separator=separator,
            default_quota=default_quota,
            adds_sender=adds_sender,
            reception=reception,
            digest=digest,
        )
        if sts_mode is not None:
            domain = stspolicies.change(name=name, mode=sts_mode)
        return domain if sign_in is None else signinrules.change(name=name, rules=sign_in)


def suspend_domain(name: str, *, receives: bool = False) -> Domain:
    """Refuse sign-in of a domain's users, and mail for them unless it `receives`, until
    `resume_domain`."""
    return domains.set_state(name=name, state=State.LOCKED if receives else State.SUSPENDED)


def resume_domain(name: str) -> Domain:
    """Let a suspended domain work again."""
    return domains.set_state(name=name, state=State.ACTIVE)


def remove_domain(name: str, *, force: bool = False) -> None:
    """Stop hosting a domain.

    With `force` its users become tombstones (see `remove_user`) and its aliases go: one by one and
    in chunks, so that no transaction is large; the domain is suspended first, and a removal that
    was interrupted is finished by asking again.

    Raises:
        InvalidName, NotFound
        InUse: it has users or aliases and `force` is not set; it has alias domains; the last
            operator's address is in it.
    """
    domain = domains.find(name)
    if domain.alias_domains.exists():
        raise InUse(f"alias domains of {domain.name}", text=f"{domain.name} has alias domains")
    if force:
        _empty(domain)
    elif domain.aliases.exists() or any(
        not is_own_postmaster(user) for user in domain.users.order_by("key")[:2]
    ):
        raise InUse(f"content of {domain.name}", text=f"{domain.name} has users or aliases")
    reports.forget_domain(domain.pk)
    with transaction.atomic():
        for user in domain.users.filter(key=Address(POSTMASTER, domain.name).key):
            if is_own_postmaster(user):
                users.bury(user)
        transports.forget_sender(domain.name)
        quarantine.leave_domain(domain.name)
        domains.delete(domain)


def _empty(domain: Domain) -> None:
    domains.set_state(name=domain.name, state=State.SUSPENDED)
    while batch := list(domain.users.order_by("pk")[:_CHUNK]):
        for user in batch:
            users.bury(user)
    while aliases.delete_some(domain, _CHUNK):
        pass


def add_user(
    address: str | Address,
    password: str | None = None,
    name: str = "",
    quota: int | None = None,
    kind: Kind = Kind.PERSON,
    *,
    is_admin: bool = False,
    must_change: bool = False,
    unlimited: bool = False,
) -> tuple[User, str | None]:
    """Add a user with default mailboxes.

    Args:
        password: None invents one. A shared mailbox or a resource has none.
        quota: bytes, 0 for no limit, None for the domain's or the installation's default.
        is_admin: administers the own domain, and gets its postmaster's mail.
        must_change: the web asks for another password at the first sign-in.
        unlimited: as of `add_domain`.

    Returns:
        The user, and the invented password (the only time it is seen) or None.

    Raises:
        InvalidAddress, InvalidName, NotFound, AlreadyExists, InUse, LimitReached
    """
    wanted = users.user_address(str(address))
    invented: str | None = None
    if kind != Kind.PERSON:
        if password is not None:
            raise InvalidName("password", text="Only a person has a password")
    elif password is None:
        password = invented = passwords.generate()
    secrets = passwords.seal(password)
    with transaction.atomic():
        add = _add_person if kind == Kind.PERSON else partial(_add_box, kind)
        user = add(wanted, secrets, name, quota, unlimited=unlimited)
        if must_change:
            users.ask_new_password(user=user)
        record("user.add", **subjects.of_user(user), detail={"kind": kind, "quota": user.quota})
        if is_admin:
            make_domain_admin(user)
    return user, invented


def add_hashed(
    *,
    address: Address,
    secrets: Secrets,
    name: str = "",
    quota: int | None = None,
    must_change: bool = False,
    unlimited: bool = False,
) -> User:
    """Add a person whose password was hashed before; within the caller's transaction, of which it
    takes back its own part if it fails.

    Raises:
        As `add_user`.
    """
    with transaction.atomic():
        user = _add_person(address, secrets, name, quota, unlimited=unlimited)
        if must_change:
            users.ask_new_password(user=user)
        detail = {"kind": Kind.PERSON, "quota": user.quota}
        record("user.add", **subjects.of_user(user), detail=detail)
    return user


def _add_box(
    kind: Kind,
    address: Address,
    secrets: Secrets,
    name: str,
    quota: int | None,
    *,
    unlimited: bool,
) -> User:
    user = users.create(
        address=address, secrets=secrets, name=name, quota=quota, kind=kind, unlimited=unlimited
    )
    mailboxes.create_defaults(user.pk)
    return user


def _add_person(
    address: Address, secrets: Secrets, name: str, quota: int | None, *, unlimited: bool
) -> User:
    box = users.lock_own_postmaster(address)
    if box is not None:
        return users.take_over_postmaster(
            user=box, secrets=secrets, name=name, quota=quota, unlimited=unlimited
        )
    return _add_box(Kind.PERSON, address, secrets, name, quota, unlimited=unlimited)


def set_password(
    user: User, password: str | None = None, *, must_change: bool = False
) -> str | None:
    """Replace a person's password and end all sessions of the old one.

    Args:
        password: None invents one.
        must_change: the web asks for another one at the next sign-in.

    Returns:
        The invented password or None. `user` is brought up to date, for Django's
        `update_session_auth_hash`.

    Raises:
        InvalidName: no password can look like that, or the user is no person.
        NotFound: the user was removed meanwhile.
        InUse: an app password was made meanwhile.
    """
    if user.kind != Kind.PERSON:
        raise InvalidName("password", text="Only a person has a password")
    invented = passwords.generate() if password is None else None
    secrets = passwords.seal(password if invented is None else invented, users.next_basis(user.pk))
    users.set_secrets(user_id=user.pk, secrets=secrets, must_change=must_change)
    user.refresh_from_db()
    return invented


def change_user(
    address: str, *, name: str | None = None, quota: int | None = None, unlimited: bool = False
) -> User:
    """Change a user's name or quota (bytes, 0 for no limit).

    Args:
        unlimited: as of `add_domain`.

    Raises:
        InvalidAddress, InvalidName, NotFound, LimitReached
    """
    user = users.find(address)
    users.change(user=user, name=name, quota=quota, unlimited=unlimited)
    return user


def suspend_user(address: str, *, receives: bool = False) -> User:
    """Refuse a user's sign-in, and mail unless it `receives`, until `resume_user`."""
    user = users.find(address)
    users.set_state(user=user, state=UserState.LOCKED if receives else UserState.SUSPENDED)
    return user


def resume_user(address: str) -> User:
    """Let a suspended user work again."""
    user = users.find(address)
    users.set_state(user=user, state=UserState.ACTIVE)
    return user


def remove_user(address: str) -> User:
    """Take a user's address and sign-in away; the mail is kept as long as the tombstone.

    Raises:
        InvalidAddress, NotFound
        InUse: it is the last operator.
    """
    user = users.find(address)
    users.bury(user)
    return user


def restore_user(address: str, *, unlimited: bool = False) -> User:
    """Bring back the user that was removed last from this address, with its mail and password.

    Args:
        unlimited: as of `add_domain`.

    Raises:
        LimitReached: the organisation holds all that it may.
        NotFound: there is no such tombstone, or the domain is not hosted here any more.
        AlreadyExists: the address has a new owner.
    """
    found = users.find_tombstone(users.user_address(address))
    return users.raise_tombstone(found, unlimited=unlimited)


def purge_removed(keep_days: int = KEEP_DAYS) -> int:
    """Let go of users that were removed longer ago; return how many rows went for good.

    Two steps, so that no transaction is large: a tombstone that is old enough loses its mailboxes
    softly, `mailstore` purges those in pieces some days later, and a tombstone without mailboxes
    goes. Until its mailboxes are lost, a user can be restored.
    """
    old = User.objects.filter(
        state=UserState.REMOVED, removed_at__lt=timezone.now() - timedelta(days=keep_days)
    )
    gone = 0
    for user_id in list(old.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            user = users.lock_tombstone(user_id)
            if user is None:
                continue  # restored meanwhile
            if user.mailboxes.exists():
                mailboxes.delete_all(user_id=user_id, origin=Origin("purge", None))
            else:
                users.delete(user)
                gone += 1
    return gone


def add_alias(pattern: str, targets: Sequence[str]) -> Alias:
    """Add an alias: `sales@…`, `sales-*@…`, `/sales-[0-9]+/@…` or `@…` (catch-all), for up to 100
    targets.

    Raises:
        InvalidAddress, NotFound, AlreadyExists, InUse, LimitReached
    """
    return aliases.create(pattern=aliases.Pattern.parse(pattern), targets=targets)


def remove_alias(pattern: str) -> None:
    """Remove an alias.

    Raises:
        InvalidAddress, NotFound
    """
    aliases.delete(aliases.Pattern.parse(pattern))


def make_domain_admin(user: User, domain: str | None = None) -> None:
    """Let a user administer a domain: its own one if none is named.

    Raises:
        InvalidName, NotFound
    """
    found = user.domain if domain is None else domains.find(domain)
    if found is None:
        raise NotFound("no domain", text="This user is in no domain of ours")
    roles.grant_domain_admin(user, found)


def create_operator(address: str, password: str | None, name: str = "") -> tuple[User, str | None]:
    """Add a person who runs the installation. The address may be in a hosted domain or outside.

    An outside address receives no mail here, but signs in, and postmaster's mail has a home.

    Returns:
        The user, and the invented password if `password` is None.

    Raises:
        InvalidAddress, InvalidName, AlreadyExists, InUse
    """
    wanted = users.user_address(address)
    invented = passwords.generate() if password is None else None
    secrets = passwords.seal(password if invented is None else invented)
    with transaction.atomic():
        user = _add_operator(wanted, secrets, name)
    return user, invented


def _add_operator(address: Address, secrets: Secrets, name: str) -> User:
    if Domain.objects.filter(name=address.domain).exists():
        user = _add_person(address, secrets, name, None, unlimited=True)
    else:
        user = users.create_outside(address=address, secrets=secrets, name=name)
        mailboxes.create_defaults(user.pk)
    record("user.add", **subjects.of_user(user), detail={"kind": user.kind, "quota": user.quota})
    roles.grant_operator(user)
    return user


def make_setup_link() -> str | None:
    """Return the token of a link that makes the first operator, None once there is one.

    It works once, for 24 hours; a link that was printed before ends.
    """
    return links.make_setup()


def setup_link_works(token: str) -> bool:
    """Whether `use_setup_link` would take the token now."""
    return links.setup_works(token)


def use_setup_link(token: str, address: str, password: str, name: str = "") -> User:
    """Make the first operator. If anything is refused, the link goes on working.

    Raises:
        NotFound: the link does not work (any more).
        InvalidAddress, InvalidName, AlreadyExists, InUse
    """
    if not links.setup_works(token):  # before a stranger makes us hash
        raise NotFound("setup link", text="This link does not work any more")
    wanted = users.user_address(address)
    secrets = passwords.seal(password)
    with transaction.atomic():
        links.take_setup(token)
        return _add_operator(wanted, secrets, name)
