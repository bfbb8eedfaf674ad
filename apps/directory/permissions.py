"""Who may do what. The one place that interprets role grants.

`powers_of` reads a person's grants in one statement; what they allow stands in `TABLE`. The sets of
what somebody may see or change (`users(powers)` and so on) are narrowed by ids in the database, so
that what belongs to another tenant is not there for whoever asks. Doors for administrators find
everything in these sets, and say of what is in none of them what they say of what does not exist.

Two rules hold above the table. Nobody acts on a person whose roles reach beyond the own ones
(`may_act_on`): a helpdesk that resets an operator's password would be an operator. And nobody gives
out, or takes back, a role that the own ones do not cover (`may_grant`).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from django.db.models import Q, QuerySet

from apps.audit.queries import Scope as AuditScope
from apps.directory.models import (
    Alias,
    Domain,
    Organization,
    Role,
    RoleGrant,
    State,
    User,
)
from apps.runtime.rows import fetch


class Ability(Enum):
    """What a role may allow; the value is what people read."""

    SEE_USERS = "see users"
    CREATE_USERS = "create users"
    CHANGE_USERS = "change users' names"
    SET_QUOTAS = "set users' quotas"
    RENAME_USERS = "give users another address"
    SUSPEND_USERS = "suspend, lock and resume users"
    REMOVE_USERS = "remove users"
    RESTORE_USERS = "restore removed users"
    RESET_PASSWORDS = "reset passwords"
    RESET_FACTORS = "reset second factors"
    END_SESSIONS = "sign users out"
    CHANGE_REPLIES = "set users' absence replies and end their forwards"
    ACT_AS_USERS = "act as a user, where that is switched on"
    READ_MAIL = "read others' mail"
    READ_AUDIT = "read the audit log"
    SEE_DOMAINS = "see domains and their aliases"
    CHANGE_ALIASES = "add and remove aliases"
    CHANGE_POLICIES = "change a domain's policies"
    TRACE_MAIL = "see what became of a message"
    RUN_QUEUE = "act on mail that waits"
    RUN_QUARANTINE = "look into the quarantine, release and delete"
    RUN_WEBHOOKS = "have events sent to other servers"
    ADD_DOMAINS = "add domains"
    SUSPEND_DOMAINS = "suspend, lock and resume domains"
    REMOVE_DOMAINS = "remove domains"
    SEE_ORGANIZATIONS = "see the organisation and its limits"
    CHANGE_ORGANIZATIONS = "add, rename, suspend and remove organisations"
    SET_LIMITS = "set an organisation's limits"
    MAKE_HELPDESKS = "make helpdesks"
    MAKE_DOMAIN_ADMINS = "make domain administrators"
    MAKE_RESELLERS = "make resellers"
    MAKE_OPERATORS = "make operators"


class Answer(Enum):
    """What a role says to an ability."""

    YES = "yes"
    NO = "no"
    IF_GRANTED = "if granted"  # RoleGrant.may_reset


ROLES: Final = (Role.OPERATOR, Role.RESELLER, Role.DOMAIN_ADMIN, Role.HELPDESK)
_YES, _NO, _IF = Answer.YES, Answer.NO, Answer.IF_GRANTED

# In the order of ROLES. An operator's answer holds everywhere, another's within what it was given:
# an organisation with all its domains, or a domain with its alias domains.
TABLE: Final = {
    Ability.SEE_USERS: (_YES, _YES, _YES, _YES),
    Ability.CREATE_USERS: (_YES, _YES, _YES, _YES),
    Ability.CHANGE_USERS: (_YES, _YES, _YES, _YES),
    Ability.SET_QUOTAS: (_YES, _YES, _YES, _NO),
    Ability.RENAME_USERS: (_YES, _YES, _YES, _NO),
    Ability.SUSPEND_USERS: (_YES, _YES, _YES, _NO),
    Ability.REMOVE_USERS: (_YES, _YES, _YES, _NO),
    Ability.RESTORE_USERS: (_YES, _YES, _YES, _NO),
    Ability.RESET_PASSWORDS: (_YES, _YES, _YES, _IF),
    Ability.RESET_FACTORS: (_YES, _YES, _YES, _IF),
    Ability.END_SESSIONS: (_YES, _YES, _YES, _IF),
    Ability.CHANGE_REPLIES: (_YES, _YES, _YES, _NO),
    Ability.ACT_AS_USERS: (_YES, _NO, _YES, _NO),
    Ability.READ_MAIL: (_NO, _NO, _NO, _NO),
    Ability.READ_AUDIT: (_YES, _YES, _YES, _NO),
    Ability.SEE_DOMAINS: (_YES, _YES, _YES, _YES),
    Ability.CHANGE_ALIASES: (_YES, _YES, _YES, _NO),
    Ability.CHANGE_POLICIES: (_YES, _YES, _YES, _NO),
    Ability.TRACE_MAIL: (_YES, _YES, _YES, _YES),
    Ability.RUN_QUEUE: (_YES, _YES, _YES, _NO),
    Ability.RUN_QUARANTINE: (_YES, _YES, _YES, _NO),
    Ability.RUN_WEBHOOKS: (_YES, _YES, _YES, _NO),
    Ability.ADD_DOMAINS: (_YES, _YES, _NO, _NO),
    Ability.SUSPEND_DOMAINS: (_YES, _YES, _NO, _NO),
    Ability.REMOVE_DOMAINS: (_YES, _YES, _NO, _NO),
    Ability.SEE_ORGANIZATIONS: (_YES, _YES, _NO, _NO),
    Ability.CHANGE_ORGANIZATIONS: (_YES, _NO, _NO, _NO),
    Ability.SET_LIMITS: (_YES, _NO, _NO, _NO),
    Ability.MAKE_HELPDESKS: (_YES, _YES, _YES, _NO),
    Ability.MAKE_DOMAIN_ADMINS: (_YES, _YES, _YES, _NO),
    Ability.MAKE_RESELLERS: (_YES, _NO, _NO, _NO),
    Ability.MAKE_OPERATORS: (_YES, _NO, _NO, _NO),
}

MAKERS: Final = {
    Role.HELPDESK: Ability.MAKE_HELPDESKS,
    Role.DOMAIN_ADMIN: Ability.MAKE_DOMAIN_ADMINS,
    Role.RESELLER: Ability.MAKE_RESELLERS,
    Role.OPERATOR: Ability.MAKE_OPERATORS,
}

# Nobody does these to oneself from an administrator's page: there, no old password is asked for.
NOT_TO_ONESELF: Final = frozenset(
    {
        Ability.SUSPEND_USERS,
        Ability.REMOVE_USERS,
        Ability.RESET_PASSWORDS,
        Ability.RESET_FACTORS,
        Ability.ACT_AS_USERS,
    }
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role with its scope.

    Args:
        organization_id: an organisation with all its domains; None for an operator and a domain.
        domain_id: a domain, with its alias domains.
        home_id: the organisation of that domain.
    """

    role: Role
    organization_id: int | None = None
    domain_id: int | None = None
    home_id: int | None = None
    may_reset: bool = False

    def allows(self, ability: Ability) -> bool:
        """What the table says."""
        answer = TABLE[ability][ROLES.index(self.role)]
        return answer is Answer.YES or (answer is Answer.IF_GRANTED and self.may_reset)

    def covers(self, other: "Grant") -> bool:
        """Whether all that the other allows, this one does too."""
        if self.role is Role.OPERATOR:
            return True
        if ROLES.index(self.role) > ROLES.index(other.role) or (
            self.role is Role.HELPDESK and other.may_reset and not self.may_reset
        ):
            return False
        if self.organization_id is not None:
            return self.organization_id in (other.organization_id, other.home_id)
        return self.domain_id is not None and self.domain_id == other.domain_id


@dataclass(frozen=True, slots=True)
class Powers:
    """Somebody's grants that are in force; without any, nobody is an administrator."""

    user_id: int
    grants: tuple[Grant, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.grants)

    @property
    def is_operator(self) -> bool:
        """Whether they reach everywhere."""
        return any(grant.role is Role.OPERATOR for grant in self.grants)

    def may(self, ability: Ability, where: Organization | Domain | User | None = None) -> bool:
        """Whether a grant allows it there; None: somewhere.

        A user is where its domain is (`select_related("domain")`): without one, or removed, it is
        in an operator's hands alone. Whether it may be done to this very person, `may_act_on` says.
        """
        return any(
            grant.allows(ability) and (where is None or _reaches(grant, where))
            for grant in self.grants
        )

    def covers(self, grants: Iterable[Grant]) -> bool:
        """Whether each of the grants is within a single one of these."""
        return all(any(mine.covers(other) for mine in self.grants) for other in grants)


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation with all its domains; or a domain, no alias of one, with its alias domains.

    Args:
        home_id: the organisation of that domain.
    """

    organization_id: int | None = None
    domain_id: int | None = None
    home_id: int | None = None

    def is_within(self, other: "Place") -> bool:
        """Whether the other holds all that this one does."""
        if other.organization_id is not None:
            return other.organization_id in (self.organization_id, self.home_id)
        return self.domain_id is not None and self.domain_id == other.domain_id


def within(powers: Powers, places: Iterable[Place]) -> Powers:
    """What is left of somebody's powers in some places alone: never more than they have there.

    Of an operator's grant, what a reseller may do: what concerns the whole installation belongs to
    no place. A reseller's grant may so come to be in a domain, which no grant that is given out is.
    """
    met = {_meeting(grant, place) for grant in powers.grants for place in places}
    kept = sorted((grant for grant in met if grant is not None), key=repr)
    return Powers(powers.user_id, tuple(kept))


def _meeting(grant: Grant, place: Place) -> Grant | None:
    if grant.role is Role.OPERATOR:
        return Grant(Role.RESELLER, place.organization_id, place.domain_id, place.home_id)
    if grant.organization_id is None:
        held = Place(None, grant.domain_id, grant.home_id)
        return grant if held.is_within(place) else None
    if grant.organization_id == place.organization_id:
        return grant
    if place.domain_id is None or grant.organization_id != place.home_id:
        return None
    return replace(grant, organization_id=None, domain_id=place.domain_id, home_id=place.home_id)


def _reaches(grant: Grant, where: Organization | Domain | User) -> bool:
    if grant.role is Role.OPERATOR:
        return True
    if isinstance(where, Organization):
        return grant.organization_id == where.pk
    domain = where.domain if isinstance(where, User) else where
    if domain is None:
        return False
    if grant.organization_id is not None:
        return grant.organization_id == domain.organization_id
    return grant.domain_id is not None and grant.domain_id in (domain.pk, domain.alias_of_id)


# At each page that has a menu, and each request to the console.
_POWERS: Final = """
SELECT g.role, g.organization_id, g.domain_id, d.organization_id, g.may_reset,
ud.state, uo.state, o.state, d.state, od.state
FROM directory_rolegrant g JOIN directory_user u ON u.id = g.user_id
LEFT JOIN directory_domain ud ON ud.id = u.domain_id
LEFT JOIN directory_organization uo ON uo.id = ud.organization_id
LEFT JOIN directory_organization o ON o.id = g.organization_id
LEFT JOIN directory_domain d ON d.id = g.domain_id
LEFT JOIN directory_organization od ON od.id = d.organization_id
WHERE g.user_id = %s AND u.state = 'active' AND u.kind = 'person'"""
_AWAKE: Final = {State.ACTIVE.value, None}


def powers_of(user: User) -> Powers:
    """What the user may do to others, now; one statement.

    Nothing, while the user, its domain or its organisation is not active. A grant sleeps while the
    domain or the organisation that it is for is not: so a reseller whose organisation is suspended
    does nothing in it, wherever the reseller lives. What they gave to others does not end with
    them: it is the organisation's.
    """
    found = (_grant(*row[:5]) for row in fetch(_POWERS, [user.pk]) if _AWAKE.issuperset(row[5:]))
    return Powers(user.pk, tuple(grant for grant in found if grant is not None))


def grants_of(users: Iterable[int] | QuerySet[User, Any]) -> list[Grant]:
    """What these users have been given, also what sleeps; one statement."""
    rows = RoleGrant.objects.filter(user__in=users).values_list(*_COLUMNS).distinct()
    return [grant for grant in (_grant(*row) for row in rows) if grant is not None]


_COLUMNS: Final = ("role", "organization_id", "domain_id", "domain__organization_id", "may_reset")


def _grant(
    role: str, organization: int | None, domain: int | None, home: int | None, may_reset: bool
) -> Grant | None:
    if role == Role.RESELLER and organization is None:
        return None  # the database has room for it; it means nothing
    return Grant(Role(role), organization, domain, home, may_reset)


def may_act_on(powers: Powers, ability: Ability, user: User) -> bool:
    """Whether it may be done to this person (`select_related("domain")`); one statement.

    Not if the person's own grants, also sleeping ones, reach beyond those of who acts; by a
    helpdesk's grant, not if there are any. Some things nobody does to oneself.
    """
    return may_act_with(powers, ability, user, grants_of([user.pk]))


def may_act_with(powers: Powers, ability: Ability, user: User, theirs: list[Grant]) -> bool:
    """The same where the person's grants are known: for a page that asks for many abilities."""
    if ability in NOT_TO_ONESELF and user.pk == powers.user_id:
        return False
    mine = [grant for grant in powers.grants if grant.allows(ability) and _reaches(grant, user)]
    if not mine:
        return False
    if theirs and all(grant.role is Role.HELPDESK for grant in mine):
        return False
    return powers.covers(theirs)


def acts_on_each(
    powers: Powers, abilities: Collection[Ability], ids: Collection[int]
) -> dict[int, set[Ability]]:
    """Which of these may be done to each of some living users, for a list; two statements."""
    people = User.objects.living().filter(pk__in=ids).select_related("domain")
    rows = RoleGrant.objects.filter(user__in=ids).order_by().values_list("user_id", *_COLUMNS)
    grants: dict[int, list[Grant]] = {}
    for user_id, *columns in rows:
        grant = _grant(*columns)
        if grant is not None:
            grants.setdefault(user_id, []).append(grant)
    found: dict[int, set[Ability]] = {}
    for user in people:
        theirs = grants.get(user.pk, [])
        found[user.pk] = {one for one in abilities if may_act_with(powers, one, user, theirs)}
    return found


def may_act_on_all(powers: Powers, users: QuerySet[User]) -> bool:
    """Whether nobody among them has a grant that reaches beyond those of who acts; one statement.

    For what is done to a domain or an organisation, and so to everybody in it.
    """
    return powers.is_operator or powers.covers(grants_of(users.values("pk")))


def may_grant(
    powers: Powers, role: Role, where: Organization | Domain | None, *, may_reset: bool = False
) -> bool:
    """Whether the role may be given to others, or taken from them: by who has it there, or more.

    Args:
        where: an organisation or a domain; None for an operator's role.
        may_reset: of a helpdesk.
    """
    if not powers.may(MAKERS[role], where):
        return False
    if may_reset and not powers.may(Ability.RESET_PASSWORDS, where):
        return False
    if isinstance(where, Organization):
        return powers.covers([Grant(role, where.pk, may_reset=may_reset)])
    if isinstance(where, Domain):
        return powers.covers([Grant(role, None, where.pk, where.organization_id, may_reset)])
    return powers.is_operator


def organizations(
    powers: Powers, ability: Ability = Ability.SEE_ORGANIZATIONS
) -> QuerySet[Organization]:
    """The organisations in which somebody may do that."""
    found = Organization.objects.all()
    where = _scope(powers, ability)
    return found if where is None else found.filter(pk__in=where.organizations)


def owners(powers: Powers, organization_ids: Collection[int]) -> dict[int, str]:
    """The names of organisations by their ids, of those in sight: a role in one domain does not
    tell whose it is; one statement."""
    return dict(organizations(powers).filter(pk__in=organization_ids).values_list("pk", "name"))


def domains(powers: Powers, ability: Ability = Ability.SEE_DOMAINS) -> QuerySet[Domain]:
    """The domains in which somebody may do that; with each its alias domains."""
    found = Domain.objects.all()
    where = _scope(powers, ability)
    if where is None:
        return found
    return found.filter(
        Q(organization__in=where.organizations)
        | Q(pk__in=where.domains)
        | Q(alias_of__in=where.domains)
    )


def users(powers: Powers, ability: Ability = Ability.SEE_USERS) -> QuerySet[User]:
    """The living users to whom somebody may do that, as far as it is a matter of where they are."""
    found = User.objects.living()
    if _scope(powers, ability) is None:
        return found
    return found.filter(domain__in=domains(powers, ability).values("pk"))


def aliases(powers: Powers, ability: Ability = Ability.SEE_DOMAINS) -> QuerySet[Alias]:
    """The aliases in the domains in which somebody may do that."""
    found = Alias.objects.all()
    if _scope(powers, ability) is None:
        return found
    return found.filter(domain__in=domains(powers, ability).values("pk"))


def audit_scope(powers: Powers) -> AuditScope | None:
    """Whose acts somebody may read of; None for all."""
    where = _scope(powers, Ability.READ_AUDIT)
    if where is None:
        return None
    return AuditScope(organizations=where.organizations, domains=where.domains)


@dataclass(frozen=True, slots=True)
class _Scope:
    organizations: list[int]
    domains: list[int]


def _scope(powers: Powers, ability: Ability) -> _Scope | None:
    """The ids within which an ability is given; None for everywhere."""
    given = [grant for grant in powers.grants if grant.allows(ability)]
    if any(grant.role is Role.OPERATOR for grant in given):
        return None
    return _Scope(
        sorted({grant.organization_id for grant in given if grant.organization_id is not None}),
        sorted({grant.domain_id for grant in given if grant.domain_id is not None}),
    )


def is_operator(user: User) -> bool:
    """Whether the user runs the whole installation, and may do so now."""
    return powers_of(user).is_operator
