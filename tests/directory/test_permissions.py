"""What roles allow, where, and on whom."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from apps.audit import queries
from apps.audit.services import record
from apps.directory import permissions
from apps.directory.models import Domain, Kind, Organization, Role, RoleGrant, State, User
from apps.directory.permissions import (
    ROLES,
    TABLE,
    Ability,
    Answer,
    Grant,
    Powers,
    is_operator,
    may_act_on,
    may_act_on_all,
    may_grant,
    powers_of,
)
from apps.provisioning import services as provisioning

PASSWORD = "correct horse battery"


@pytest.fixture
def domain(db: None) -> Domain:
    return provisioning.add_domain("example.test", organization="A")


@pytest.fixture
def other_domain(db: None) -> Domain:
    return provisioning.add_domain("other.test", organization="B")


@pytest.fixture
def second(domain: Domain) -> Domain:
    """Another domain of the same organisation."""
    return provisioning.add_domain("second.test", organization="A")


@pytest.fixture
def carol(second: Domain) -> User:
    return provisioning.add_user("carol@second.test", PASSWORD)[0]


@pytest.fixture
def operator(db: None) -> User:
    return provisioning.create_operator("root@elsewhere.test", PASSWORD)[0]


def give(
    user: User, role: Role, where: Domain | Organization | None = None, *, may_reset: bool = False
) -> Powers:
    user.grants.create(
        role=role,
        domain=where if isinstance(where, Domain) else None,
        organization=where if isinstance(where, Organization) else None,
        may_reset=may_reset,
    )
    return powers_of(user)


def names(powers: Powers, ability: Ability = Ability.SEE_USERS) -> set[str]:
    found = permissions.users(powers, ability).exclude(kind=Kind.SHARED)
    return set(found.values_list("key", flat=True))


def acts(powers: Powers) -> set[str]:
    """The acts of this test's own that may be read of."""
    found = queries.page(scope=permissions.audit_scope(powers)).rows
    return {row.action for row in found} & {"ours", "theirs", "nobody's"}


def test_the_table_answers_for_each_role_and_ability() -> None:
    assert set(TABLE) == set(Ability)
    assert {len(row) for row in TABLE.values()} == {len(ROLES)}
    assert set(ROLES) == set(Role)


def test_the_page_of_roles_says_what_the_table_says() -> None:
    page = (Path(__file__).parents[2] / "docs/roles.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]

    assert rows[1:] == [
        [ability.value, *(answer.value for answer in answers)] for ability, answers in TABLE.items()
    ]


def test_nobody_reads_mail_by_a_role() -> None:
    assert set(TABLE[Ability.READ_MAIL]) == {Answer.NO}


def test_only_operators_and_domain_administrators_act_as_users() -> None:
    able = {
        role
        for role, answer in zip(ROLES, TABLE[Ability.ACT_AS_USERS], strict=True)
        if answer is not Answer.NO
    }

    assert able == {Role.OPERATOR, Role.DOMAIN_ADMIN}


def test_whoever_has_no_role_has_no_powers(alice: User, domain: Domain) -> None:
    powers = powers_of(alice)

    assert not powers
    assert not any(powers.may(ability) for ability in Ability)
    assert not permissions.users(powers).exists()
    assert not permissions.domains(powers).exists()
    assert not permissions.aliases(powers).exists()
    assert not permissions.organizations(powers).exists()
    assert acts(powers) == set()
    assert not may_act_on(powers, Ability.SEE_USERS, alice)


def test_an_operator_reaches_everything(
    operator: User, alice: User, eve: User, other_domain: Domain
) -> None:
    powers = powers_of(operator)

    assert is_operator(operator)
    assert names(powers) == {"alice@example.test", "eve@other.test", "root@elsewhere.test"}
    assert powers.may(Ability.ADD_DOMAINS)
    assert powers.may(Ability.REMOVE_DOMAINS, other_domain)
    assert powers.may(Ability.SET_LIMITS, other_domain.organization)
    assert may_act_on(powers, Ability.RESET_PASSWORDS, eve)


def test_a_domain_administrator_stays_in_the_domain(
    alice: User, bob: User, carol: User, eve: User, domain: Domain, second: Domain
) -> None:
    powers = give(alice, Role.DOMAIN_ADMIN, domain)

    assert names(powers) == {"alice@example.test", "bob@example.test"}
    assert may_act_on(powers, Ability.RESET_PASSWORDS, bob)
    assert not may_act_on(powers, Ability.RESET_PASSWORDS, carol)
    assert not may_act_on(powers, Ability.RESET_PASSWORDS, eve)
    assert powers.may(Ability.CHANGE_POLICIES, domain)
    assert not powers.may(Ability.CHANGE_POLICIES, second)
    assert not powers.may(Ability.ADD_DOMAINS, domain.organization)
    assert not powers.may(Ability.SEE_ORGANIZATIONS, domain.organization)


def test_a_domains_second_names_are_its_administrators_too(alice: User, domain: Domain) -> None:
    alias = provisioning.add_domain("alias.test", alias_of="example.test")
    powers = give(alice, Role.DOMAIN_ADMIN, domain)

    assert set(permissions.domains(powers)) == {domain, alias}
    assert powers.may(Ability.CHANGE_ALIASES, alias)


def test_an_organisations_administrator_has_all_its_domains_and_none_else(
    alice: User, carol: User, eve: User, domain: Domain, second: Domain
) -> None:
    powers = give(alice, Role.DOMAIN_ADMIN, domain.organization)

    assert names(powers) == {"alice@example.test", "carol@second.test"}
    assert set(permissions.domains(powers)) == {domain, second}
    assert may_act_on(powers, Ability.SUSPEND_USERS, carol)
    assert not may_act_on(powers, Ability.SUSPEND_USERS, eve)


def test_a_reseller_adds_domains_in_its_organisation_and_sets_no_limits_of_its_own(
    alice: User, domain: Domain, other_domain: Domain
) -> None:
    powers = give(alice, Role.RESELLER, domain.organization)

    assert powers.may(Ability.ADD_DOMAINS, domain.organization)
    assert not powers.may(Ability.ADD_DOMAINS, other_domain.organization)
    assert not powers.may(Ability.SET_LIMITS)
    assert not powers.may(Ability.CHANGE_ORGANIZATIONS)
    assert list(permissions.organizations(powers)) == [domain.organization]


def test_a_reseller_of_a_domain_is_nothing(alice: User, domain: Domain) -> None:
    assert not give(alice, Role.RESELLER, domain)


@pytest.mark.parametrize("may_reset", [False, True])
def test_a_helpdesk_resets_if_it_may(
    alice: User, bob: User, domain: Domain, may_reset: bool
) -> None:
    powers = give(alice, Role.HELPDESK, domain, may_reset=may_reset)

    for ability in (Ability.RESET_PASSWORDS, Ability.RESET_FACTORS, Ability.END_SESSIONS):
        assert may_act_on(powers, ability, bob) is may_reset
    assert powers.may(Ability.CREATE_USERS, domain)
    assert not powers.may(Ability.SUSPEND_USERS)
    assert not powers.may(Ability.READ_AUDIT)
    assert not powers.may(Ability.SET_QUOTAS)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.DOMAIN_ADMIN, Role.HELPDESK])
def test_a_helpdesk_touches_nobody_with_a_role(
    alice: User, bob: User, domain: Domain, role: Role
) -> None:
    powers = give(alice, Role.HELPDESK, domain, may_reset=True)
    give(bob, role, None if role == Role.OPERATOR else domain)

    assert not may_act_on(powers, Ability.RESET_PASSWORDS, bob)
    assert not may_act_on(powers, Ability.RESET_FACTORS, bob)
    assert not may_act_on(powers, Ability.CHANGE_USERS, bob)


def test_nobody_acts_on_an_operator_but_operators(
    alice: User, bob: User, carol: User, operator: User, domain: Domain
) -> None:
    give(bob, Role.OPERATOR)

    assert not may_act_on(give(alice, Role.DOMAIN_ADMIN, domain), Ability.RESET_PASSWORDS, bob)
    reseller = give(carol, Role.RESELLER, domain.organization)
    assert not may_act_on(reseller, Ability.SUSPEND_USERS, bob)
    assert may_act_on(powers_of(operator), Ability.RESET_PASSWORDS, bob)


def test_an_administrator_touches_no_user_who_administers_elsewhere(
    alice: User, bob: User, domain: Domain, second: Domain, other_domain: Domain
) -> None:
    powers = give(alice, Role.DOMAIN_ADMIN, domain)

    for where in (second, other_domain, domain.organization, other_domain.organization):
        grant = give(bob, Role.DOMAIN_ADMIN, where).grants
        assert grant
        assert not may_act_on(powers, Ability.RESET_PASSWORDS, bob)
        assert not may_act_on(powers, Ability.ACT_AS_USERS, bob)
        RoleGrant.objects.filter(user=bob).delete()
    give(bob, Role.DOMAIN_ADMIN, domain)
    assert may_act_on(powers, Ability.RESET_PASSWORDS, bob)


def test_a_domain_administrator_does_not_act_on_its_reseller(
    alice: User, bob: User, domain: Domain
) -> None:
    give(bob, Role.RESELLER, domain.organization)
    admin = give(alice, Role.DOMAIN_ADMIN, domain)

    assert not may_act_on(admin, Ability.RESET_PASSWORDS, bob)
    assert may_act_on(powers_of(bob), Ability.RESET_PASSWORDS, alice)
    assert not may_act_on(powers_of(bob), Ability.ACT_AS_USERS, alice)


def test_sleeping_roles_protect_their_holder(alice: User, bob: User, domain: Domain) -> None:
    """Or who resets a suspended operator's password waits until somebody lets it work again."""
    powers = give(alice, Role.DOMAIN_ADMIN, domain)
    provisioning.create_operator("root@elsewhere.test", PASSWORD)
    give(bob, Role.OPERATOR)
    provisioning.suspend_user("bob@example.test")

    assert not powers_of(bob)
    assert not may_act_on(powers, Ability.RESET_PASSWORDS, bob)


def test_nobody_resets_the_own_password_as_an_administrator(alice: User, domain: Domain) -> None:
    powers = give(alice, Role.DOMAIN_ADMIN, domain)

    assert not may_act_on(powers, Ability.RESET_PASSWORDS, alice)
    assert not may_act_on(powers, Ability.ACT_AS_USERS, alice)
    assert may_act_on(powers, Ability.CHANGE_USERS, alice)


def test_what_is_done_to_a_domain_is_done_to_all_in_it(
    alice: User, bob: User, carol: User, domain: Domain
) -> None:
    powers = give(carol, Role.RESELLER, domain.organization)
    assert may_act_on_all(powers, domain.users.all())

    give(bob, Role.OPERATOR)

    assert not may_act_on_all(powers, domain.users.all())
    assert may_act_on_all(powers_of(bob), domain.users.all())


def test_an_operator_from_outside_is_nobodys_user(
    operator: User, alice: User, domain: Domain
) -> None:
    powers = give(alice, Role.RESELLER, domain.organization)

    assert "root@elsewhere.test" not in names(powers)
    assert not may_act_on(powers, Ability.CHANGE_USERS, operator)


def test_nobody_gives_more_than_there_is(
    alice: User, bob: User, domain: Domain, second: Domain, other_domain: Domain
) -> None:
    admin = give(alice, Role.DOMAIN_ADMIN, domain)
    reseller = give(bob, Role.RESELLER, domain.organization)

    assert may_grant(admin, Role.HELPDESK, domain, may_reset=True)
    assert may_grant(admin, Role.DOMAIN_ADMIN, domain)
    assert not may_grant(admin, Role.DOMAIN_ADMIN, second)
    assert not may_grant(admin, Role.DOMAIN_ADMIN, domain.organization)
    assert not may_grant(admin, Role.RESELLER, domain.organization)
    assert may_grant(reseller, Role.DOMAIN_ADMIN, domain.organization)
    assert may_grant(reseller, Role.DOMAIN_ADMIN, second)
    assert not may_grant(reseller, Role.DOMAIN_ADMIN, other_domain)
    assert not may_grant(reseller, Role.RESELLER, domain.organization)
    assert not may_grant(reseller, Role.OPERATOR, None)


def test_a_helpdesk_makes_nobody_anything(alice: User, domain: Domain) -> None:
    powers = give(alice, Role.HELPDESK, domain, may_reset=True)

    for role in Role:
        assert not may_grant(powers, role, None if role == Role.OPERATOR else domain)


def suspend_user(user: User) -> None:
    provisioning.suspend_user(user.key)


def suspend_domain(user: User) -> None:
    provisioning.suspend_domain("other.test")


def suspend_organization(user: User) -> None:
    Organization.objects.filter(name="B").update(state=State.SUSPENDED)


def lock_organization(user: User) -> None:
    Organization.objects.filter(name="B").update(state=State.LOCKED)


@pytest.mark.parametrize(
    "end", [suspend_user, suspend_domain, suspend_organization, lock_organization]
)
def test_whoever_is_suspended_has_no_powers(
    eve: User, domain: Domain, end: Callable[[User], None]
) -> None:
    assert give(eve, Role.DOMAIN_ADMIN, domain)

    end(eve)

    assert not powers_of(eve)
    assert not is_operator(eve)


def test_a_grant_sleeps_with_what_it_is_for(eve: User, domain: Domain) -> None:
    assert give(eve, Role.RESELLER, domain.organization)
    provisioning.suspend_domain("example.test")
    assert powers_of(eve).may(Ability.SUSPEND_DOMAINS, domain)  # and so it can be resumed

    Organization.objects.filter(name="A").update(state=State.SUSPENDED)

    assert not powers_of(eve)


def test_a_shared_mailbox_has_no_powers(domain: Domain) -> None:
    office, _ = provisioning.add_user("office@example.test", kind=Kind.SHARED)

    assert not give(office, Role.DOMAIN_ADMIN, domain)


def test_removing_a_user_ends_its_roles(alice: User, domain: Domain) -> None:
    give(alice, Role.DOMAIN_ADMIN, domain)

    provisioning.remove_user("alice@example.test")
    restored = provisioning.restore_user("alice@example.test")

    assert not powers_of(restored)


def test_aliases_and_records_are_in_scope_too(
    alice: User, eve: User, domain: Domain, other_domain: Domain
) -> None:
    provisioning.add_alias("sales@example.test", ["alice@example.test"])
    provisioning.add_alias("sales@other.test", ["eve@other.test"])
    record("ours", organization_id=domain.organization_id, domain_id=domain.pk)
    record("theirs", organization_id=other_domain.organization_id, domain_id=other_domain.pk)
    record("nobody's")

    of_domain = give(alice, Role.DOMAIN_ADMIN, domain)
    of_organization = give(eve, Role.RESELLER, other_domain.organization)

    assert [found.domain for found in permissions.aliases(of_domain)] == [domain]
    assert [found.domain for found in permissions.aliases(of_organization)] == [other_domain]
    assert acts(of_domain) == {"ours"}
    assert acts(of_organization) == {"theirs"}


def test_a_helpdesk_reads_no_audit(alice: User, domain: Domain) -> None:
    record("ours", organization_id=domain.organization_id, domain_id=domain.pk)

    assert acts(give(alice, Role.HELPDESK, domain, may_reset=True)) == set()


def test_sight_differs_by_ability(alice: User, domain: Domain, second: Domain, carol: User) -> None:
    give(alice, Role.HELPDESK, second)
    powers = give(alice, Role.DOMAIN_ADMIN, domain)

    assert names(powers) == {"alice@example.test", "carol@second.test"}
    assert names(powers, Ability.SUSPEND_USERS) == {"alice@example.test"}


def test_powers_cost_one_statement_however_many_grants(
    alice: User,
    bob: User,
    domain: Domain,
    second: Domain,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for where in (domain, second, domain.organization):
        give(alice, Role.DOMAIN_ADMIN, where)
        give(bob, Role.HELPDESK, where)

    context: CaptureQueriesContext
    with django_assert_num_queries(1) as context:
        powers = powers_of(alice)
    assert len(powers.grants) == 3, context.captured_queries
    with django_assert_num_queries(1):
        assert may_act_on(powers, Ability.RESET_PASSWORDS, bob)
    with django_assert_num_queries(1):
        assert len(permissions.users(powers)) == 4  # with two postmasters


def test_the_statement_about_powers_finds_what_its_twin_does(
    alice: User, bob: User, eve: User, domain: Domain, second: Domain, operator: User
) -> None:
    give(alice, Role.DOMAIN_ADMIN, second)
    give(alice, Role.HELPDESK, domain, may_reset=True)
    give(alice, Role.RESELLER, domain.organization)
    give(bob, Role.HELPDESK, eve.domain)
    give(eve, Role.RESELLER, domain.organization)
    office, _ = provisioning.add_user("office@example.test", kind=Kind.SHARED)
    give(office, Role.DOMAIN_ADMIN, domain)
    everybody = list(User.objects.all())

    assert len(powers_of(alice).grants) == 3
    for one in (domain, second, eve.domain, domain.organization):
        assert one is not None
        for state in (State.SUSPENDED, State.LOCKED, State.ACTIVE):
            type(one)._default_manager.filter(pk=one.pk).update(state=state)
            for user in everybody:
                assert set(powers_of(user).grants) == twin(user), (user, one, state)


def twin(user: User) -> set[Grant]:
    """What `powers_of` reads, by the ORM."""
    grants = RoleGrant.objects.filter(user=user.pk, user__state="active", user__kind=Kind.PERSON)
    rows = grants.values_list(
        "role",
        "organization_id",
        "domain_id",
        "domain__organization_id",
        "may_reset",
        "user__domain__state",
        "user__domain__organization__state",
        "organization__state",
        "domain__state",
        "domain__organization__state",
    )
    awake = [row for row in rows if {State.ACTIVE, None}.issuperset(row[5:])]
    return {Grant(Role(row[0]), *row[1:5]) for row in awake}
