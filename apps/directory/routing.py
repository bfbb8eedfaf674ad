"""Where mail for an address goes: the one place that knows.

For an address in a domain of ours, the first that matches wins:

1. an alias domain stands for its target domain, with everything below;
2. a user with exactly this address;
3. an alias with exactly this address;
4. the same two without the detail: `alice+lists@` is `alice@` (the domain says which separator);
5. a rewritten sender (SRS0=…) of mail that we forwarded: mail for it goes back to who sent that;
6. a wildcard alias, the one with the most letters first; then a regular expression, the oldest
   first;
7. the domain's catch-all;
8. in a relay domain, the other server, as far as it is known to have the address.

`postmaster@` and `abuse@` of every domain of ours always arrive (RFC 5321 section 4.5.1, RFC 2142):
what the rules find, else the domain's administrators, else the operators, else the domain's own
postmaster box.

Aliases may lead to aliases, and users may have their mail sent on, up to 10 deep and 100 addresses
in all; a user that is reached on two ways gets one copy. Mail that a user has sent on to where
nobody is (any more), or round in a circle, stays in that user's mailbox. Targets outside are handed
back; nothing here asks the DNS or another server.

An address of a user, by far the most frequent question, costs one constant statement. The rest
costs a few small ones for each level of aliases, however many addresses are asked at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from apps.directory.homes import LocalUser, homes_of
from apps.directory.matching import Status
from apps.directory.models import Domain
from apps.directory.postmasters import POSTMASTER, ROLES, operators, role_holders
from apps.directory.walking import Walk, walk
from apps.mime.address import Address
from apps.runtime.rows import fetch
from apps.wire.errors import (
    AccountSuspended,
    LoopDetected,
    MailError,
    RelayDenied,
    UnknownRecipient,
)

__all__ = [
    "REFUSALS",
    "LocalUser",
    "Resolution",
    "Status",
    "owners",
    "owners_of",
    "resolve",
    "resolve_many",
    "resolve_postmaster",
    "result_of",
]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where an address leads. Only LOCAL has users; LOCAL and REMOTE have remote addresses.

    Args:
        lost: addresses that an alias or forward names and nobody has (any more): the rest works.
        is_relayed: the address itself is at the other server of a relay domain.
        is_asked: as that, and that server is to be asked for it before mail is taken.
    """

    status: Status
    users: tuple[LocalUser, ...] = ()
    remote: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    is_relayed: bool = False
    is_asked: bool = False

    @property
    def is_elsewhere(self) -> bool:
        """Whether the address itself is on another server."""
        return self.status is Status.REMOTE or self.is_relayed


# What a client hears who may not send there.
REFUSALS: Final[dict[Status, type[MailError]]] = {
    Status.REMOTE: RelayDenied,
    Status.UNKNOWN: UnknownRecipient,
    Status.SUSPENDED: AccountSuspended,
    Status.LOOP: LoopDetected,
}


# The domain's own postmaster box is a last resort, never a match: see `role_holders`. Who is locked
# receives: only sign-in asks for more.
_EXACT: Final = """
SELECT u.id, u.address
FROM directory_user u
JOIN directory_domain d ON d.id = u.domain_id
JOIN directory_organization o ON o.id = d.organization_id
WHERE u.key = %s AND u.state IN ('active', 'locked') AND d.state IN ('active', 'locked')
AND o.state IN ('active', 'locked')
AND (u.kind <> 'shared' OR u.key NOT LIKE 'postmaster@%%') AND u.forwarding = ''"""


def resolve(address: Address) -> Resolution:
    """Say where mail for one address goes."""
    rows = fetch(_EXACT, [address.key])
    if rows:
        return Resolution(Status.LOCAL, (LocalUser(*rows[0]),))
    return resolve_many([address])[0]


def resolve_many(addresses: Sequence[Address]) -> list[Resolution]:
    """Say it for many, in their order, with no more statements than for one."""
    return [result_of(one) for one in walk(addresses)]


def owners(address: Address) -> tuple[LocalUser, ...]:
    """Whose address it is: the users to whom the rules and aliases lead, wherever they have their
    mail sent on. Nobody's, if it is elsewhere, suspended or a loop."""
    rows = fetch(_EXACT, [address.key])
    if rows:
        return (LocalUser(*rows[0]),)
    return owners_of([address])[address]


def owners_of(addresses: Sequence[Address]) -> dict[Address, tuple[LocalUser, ...]]:
    """The same for many, with no more statements than for one; but for those of postmasters whom
    no rule names, which cost theirs each."""
    return {one.root: _owners(one) for one in walk(addresses)}


def forwarders_of(addresses: Sequence[Address]) -> dict[Address, dict[str, LocalUser]]:
    """For each address the users who have mail for it sent on, by where: addresses outside as
    `Resolution.remote` has them. Those that aliases alone lead to are nobody's."""
    return {one.root: {} if one.is_endless else one.forwarders() for one in walk(addresses)}


def result_of(one: Walk) -> Resolution:
    """Say where a walk led. What is too deep or too wide goes to nobody, rather than to some."""
    found = Resolution(Status.LOOP) if one.is_endless else _found(one)
    return found if found.users or found.remote else _last_resort(one.root) or found


def _owners(one: Walk) -> tuple[LocalUser, ...]:
    found = [] if one.is_endless else one.owners()
    if found:
        return tuple(found)
    last = None if _reaches(one) else _last_resort(one.root)
    return last.users if last is not None else ()


def _reaches(one: Walk) -> bool:
    return not one.is_endless and bool(one.users() or one.remote())


def _found(one: Walk) -> Resolution:
    users, remote, answer = one.users(), one.remote(), one.answer
    if users or remote:
        return Resolution(
            Status.REMOTE if answer.status is Status.REMOTE else Status.LOCAL,
            tuple(users),
            tuple(remote),
            tuple(str(address) for address in one.lost),
            is_relayed=answer.relay is not None,
            is_asked=answer.is_asked,
        )
    problems = one.problems()
    if Status.SUSPENDED in problems:
        return Resolution(Status.SUSPENDED)
    # One target met twice is a loop only if nothing else was met.
    return Resolution(Status.LOOP if problems == {Status.LOOP} else Status.UNKNOWN)


def _last_resort(address: Address) -> Resolution | None:
    """Where postmaster's mail goes when the rules found an alias, and the alias nobody."""
    if not address.key.startswith(tuple(f"{role}@" for role in ROLES)):
        return None
    home = homes_of({address.domain}).get(address.domain)
    if home is None:
        return None
    holders = role_holders([home])[home.domain_id]
    return Resolution(Status.LOCAL, tuple(holders)) if holders else None


def resolve_postmaster() -> Resolution:
    """Say where mail for `<postmaster>` without a domain goes (RFC 5321 section 4.5.1): to the
    operators, else to the postmaster of this host's own domain, else of the oldest domain."""
    everywhere = operators()
    if everywhere:
        return Resolution(Status.LOCAL, tuple(everywhere))
    name = _home_domain()
    return Resolution(Status.UNKNOWN) if name is None else resolve(Address(POSTMASTER, name))


def _home_domain() -> str | None:
    labels = settings.MAIL_HOSTNAME.split(".")
    parents = [".".join(labels[start:]) for start in range(len(labels))]
    hosted = Domain.objects.filter(name__in=parents).values_list("name", flat=True)
    nearest = max(hosted, key=len, default=None)
    if nearest is not None:
        return nearest
    return Domain.objects.order_by("pk").values_list("name", flat=True).first()
