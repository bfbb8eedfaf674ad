"""Where mail goes: the rules in their order, chains and loops, postmaster, tenants."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from apps.directory.models import Alias, Domain, Organization, State, User
from apps.directory.routing import (
    LocalUser,
    Resolution,
    Status,
    resolve,
    resolve_many,
    resolve_postmaster,
)
from apps.mime.address import Address
from apps.provisioning import services as provisioning

PASSWORD = "correct horse battery"
UNKNOWN = Resolution(Status.UNKNOWN)


def route(text: str) -> Resolution:
    return resolve(Address.parse(text))


def who(text: str) -> list[str]:
    """The local parts of the users who get a copy."""
    return [user.address.removesuffix("@example.test") for user in route(text).users]


def local(*users: User) -> Resolution:
    return Resolution(Status.LOCAL, tuple(LocalUser(user.pk, user.address) for user in users))


def add(pattern: str, *targets: str) -> None:
    provisioning.add_alias(
        pattern if "@" in pattern else f"{pattern}@example.test",
        [target if "@" in target else f"{target}@example.test" for target in targets],
    )


def test_it_finds_a_user(alice: User) -> None:
    assert route("alice@example.test") == local(alice)
    assert route("ALICE@Example.Test") == local(alice)
    assert route('"alice"@example.test.') == local(alice)


def test_it_asks_one_question_for_a_user(alice: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        route("alice@example.test")
    assert len(queries) == 1


def test_it_knows_nobody_else(alice: User) -> None:
    assert route("nobody@example.test") == UNKNOWN
    assert route("alic@example.test") == UNKNOWN
    assert route("%@example.test") == UNKNOWN
    assert route("_____@example.test") == UNKNOWN
    assert route('"removed#1"@example.test') == UNKNOWN


def test_it_hands_back_what_is_not_hosted_here(alice: User) -> None:
    assert route("Bob@elsewhere.test") == Resolution(Status.REMOTE, remote=("Bob@elsewhere.test",))
    assert route("alice@sub.example.test").status is Status.REMOTE
    assert route("alice@[192.0.2.1]").status is Status.REMOTE
    assert route("postmaster@elsewhere.test").status is Status.REMOTE


def test_it_does_not_host_the_address_of_an_operator_outside(db: None) -> None:
    provisioning.create_operator("root@elsewhere.test", PASSWORD)

    assert route("root@elsewhere.test").status is Status.REMOTE


def test_it_delivers_to_an_operator_whose_domain_came_later(db: None) -> None:
    user, _ = provisioning.create_operator("root@late.test", PASSWORD)
    provisioning.add_domain("late.test")

    assert route("root@late.test") == local(user)


def test_it_knows_international_addresses(db: None) -> None:
    provisioning.add_domain("bücher.example")
    user, _ = provisioning.add_user("JÖRG@bücher.example", PASSWORD)

    for text in ("jörg@bücher.example", "Jo\u0308rg@XN--BCHER-KVA.example"):
        assert route(text) == local(user)


def test_it_takes_a_subaddress_for_its_user(alice: User) -> None:
    assert route("alice+lists@example.test") == local(alice)
    assert route("ALICE+a+b@example.test") == local(alice)
    assert route("alice+@example.test") == local(alice)
    assert route("+alice@example.test") == UNKNOWN
    assert route("nobody+lists@example.test") == UNKNOWN


@pytest.mark.parametrize(
    ("separator", "finds", "misses"), [("-", "alice-x", "alice+x"), ("", "alice", "alice+x")]
)
def test_it_divides_at_the_separator_of_the_domain(
    alice: User, separator: str, finds: str, misses: str
) -> None:
    Domain.objects.update(detail_separator=separator)

    assert who(finds + "@example.test") == ["alice"]
    assert who(misses + "@example.test") == []


def test_it_follows_an_alias_to_all_its_targets(alice: User, bob: User) -> None:
    add("sales", "bob", "alice", "Carol@elsewhere.test")

    assert route("SALES@example.test") == Resolution(
        Status.LOCAL,
        (LocalUser(bob.pk, bob.address), LocalUser(alice.pk, alice.address)),
        ("Carol@elsewhere.test",),
    )


def test_it_is_local_when_an_alias_leads_outside_only(domain: Domain) -> None:
    add("gone", "carol@elsewhere.test")

    assert route("gone@example.test") == Resolution(Status.LOCAL, remote=("carol@elsewhere.test",))


def test_it_keeps_the_order_of_the_rules(alice: User, bob: User) -> None:
    for name in ("exact", "detail", "long", "short", "rest"):
        provisioning.add_user(f"{name}@example.test", PASSWORD)
    add("@example.test", "rest")
    add("a*", "short")
    add("alice-*", "long")
    add("alice+exact", "exact")
    add("role", "detail")

    assert who("alice@example.test") == ["alice"]
    assert who("alice+exact@example.test") == ["exact"]
    assert who("alice+other@example.test") == ["alice"]
    assert who("role@example.test") == ["detail"]
    assert who("role+x@example.test") == ["detail"]
    assert who("alice-x@example.test") == ["long"]
    assert who("alice-x+y@example.test") == ["long"]
    assert who("anybody@example.test") == ["short"]
    assert who("zoe@example.test") == ["rest"]
    assert who("zoe+x@example.test") == ["rest"]


@pytest.mark.parametrize(
    ("pattern", "matches", "misses"),
    [
        ("sales-*", ["sales-", "sales-x", "SALES-x+y"], ["sales", "xsales-x"]),
        ("*-bot", ["a-bot", "-bot"], ["bot", "a-bots"]),
        ("a*z", ["az", "abcz"], ["a", "z", "aza"]),
        ("a*b*c", ["abc", "axbxc", "abbc"], ["ac", "acb", "ab"]),
        ("ab*ba", ["abba", "abxba"], ["aba"]),
        ("*x*x*", ["xx", "axbxc"], ["x"]),
    ],
)
def test_it_matches_wildcards(
    alice: User, pattern: str, matches: list[str], misses: list[str]
) -> None:
    add(pattern, "alice")

    assert [name for name in matches if not who(f"{name}@example.test")] == []
    assert [name for name in misses if who(f"{name}@example.test")] == []


def test_it_decides_between_equally_long_wildcards_by_name(alice: User, bob: User) -> None:
    add("*ab", "bob")
    add("ab*", "alice")

    assert who("abxab@example.test") == ["bob"]


def test_it_lets_an_alias_domain_stand_for_its_target(alice: User) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    add("sales", "alice")
    add("x-*", "alice")

    for name in ("alice", "alice+x", "sales", "x-y", "postmaster"):
        assert route(f"{name}@alias.test").status is Status.LOCAL
        assert route(f"{name}@alias.test") == route(f"{name}@example.test")
    assert route("nobody@alias.test") == UNKNOWN


def test_it_follows_aliases_to_aliases_ten_deep(alice: User) -> None:
    add("a10", "alice")
    for number in range(10, 0, -1):
        add(f"a{number - 1}", f"a{number}")

    assert who("a1@example.test") == ["alice"]
    assert route("a0@example.test") == Resolution(Status.LOOP)


def test_it_gives_one_copy_to_who_is_reached_twice(alice: User, bob: User) -> None:
    add("all", "alice", "ALICE+x", "team", "bob")
    add("team", "bob", "alice")

    assert who("all@example.test") == ["alice", "bob"]


def test_it_stops_at_a_loop_and_serves_the_others(alice: User) -> None:
    add("a", "b", "alice")
    add("b", "a")

    assert who("a@example.test") == ["alice"]
    assert who("b@example.test") == ["alice"]


def test_it_says_when_there_is_only_a_loop(domain: Domain) -> None:
    add("a", "b")
    add("b", "a")
    add("self", "self")
    add("@example.test", "missing")

    for name in ("a", "b", "self"):
        assert route(f"{name}@example.test") == Resolution(Status.LOOP)
    # The catch-all leads to an address that the catch-all takes.
    assert route("x@example.test").status is Status.LOOP


def test_it_gives_too_many_targets_to_nobody(alice: User) -> None:
    add("all", *(f"part{number}" for number in range(4)))
    for number in range(4):
        add(f"part{number}", *(f"u{number}-{n}@elsewhere.test" for n in range(24)))
    assert len(route("all@example.test").remote) == 96

    add("more", "all", "x0@elsewhere.test", "x1@elsewhere.test", "x2@elsewhere.test", "alice")
    assert route("more@example.test") == Resolution(Status.LOOP)


def test_it_names_the_targets_that_are_lost(alice: User) -> None:
    add("team", "alice", "gone")

    assert route("team@example.test") == Resolution(
        Status.LOCAL, (LocalUser(alice.pk, alice.address),), lost=("gone@example.test",)
    )


def test_it_knows_nobody_when_all_targets_are_lost(domain: Domain) -> None:
    add("team", "gone", "gone-too")

    assert route("team@example.test") == UNKNOWN


def suspend_user(user: User) -> None:
    provisioning.suspend_user(user.address)


def suspend_domain(user: User) -> None:
    provisioning.suspend_domain("example.test")


def suspend_organization(user: User) -> None:
    Organization.objects.update(state=State.SUSPENDED)


@pytest.mark.parametrize("suspend", [suspend_user, suspend_domain, suspend_organization])
def test_it_says_what_is_suspended(alice: User, suspend: Callable[[User], None]) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    add("sales", "alice")
    add("@example.test", "alice")
    suspend(alice)

    for text in ("alice@example.test", "alice+x@example.test", "sales@example.test"):
        assert route(text) == Resolution(Status.SUSPENDED)
    assert route("alice@alias.test") == Resolution(Status.SUSPENDED)


def test_it_leaves_the_target_alone_when_its_alias_domain_is_suspended(alice: User) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    provisioning.suspend_domain("alias.test")

    assert route("alice@alias.test") == Resolution(Status.SUSPENDED)
    assert route("alice@example.test") == local(alice)


def test_it_leaves_a_suspended_alias_to_no_other_rule(alice: User) -> None:
    add("sales", "alice")
    add("@example.test", "alice")
    Alias.objects.filter(local="sales").update(state=State.SUSPENDED)

    assert route("sales@example.test") == Resolution(Status.SUSPENDED)


def test_it_serves_the_others_when_one_target_is_suspended(alice: User, bob: User) -> None:
    add("team", "alice", "bob")
    provisioning.suspend_user("bob@example.test")

    assert who("team@example.test") == ["alice"]


def test_it_forgets_a_removed_user(alice: User, bob: User) -> None:
    provisioning.remove_user("alice@example.test")
    assert route("alice@example.test") == UNKNOWN
    alice.refresh_from_db()
    assert route(f'"alice@example.test#{alice.pk}"@example.test') == UNKNOWN

    add("@example.test", "bob")
    assert who("alice@example.test") == ["bob"]


ROLES = ["postmaster", "abuse", "Postmaster", "ABUSE", "postmaster+x"]


@pytest.mark.parametrize("role", ROLES)
def test_it_always_delivers_to_postmaster_and_abuse(domain: Domain, role: str) -> None:
    assert who(f"{role}@example.test") == ["postmaster"]
    provisioning.add_domain("alias.test", alias_of="example.test")
    assert who(f"{role}@alias.test") == ["postmaster"]

    operator, _ = provisioning.create_operator("root@elsewhere.test", PASSWORD)
    assert route(f"{role}@example.test") == local(operator)

    provisioning.add_user("carol@example.test", PASSWORD, is_admin=True)
    assert who(f"{role}@example.test") == ["carol"]

    provisioning.add_user("rest@example.test", PASSWORD)
    add("@example.test", "rest")
    assert who(f"{role}@example.test") == ["rest"]

    provisioning.add_user("dora@example.test", PASSWORD)
    add("abuse", "dora")
    add("postmaster", "dora")
    assert who(f"{role}@example.test") == ["dora"]


def test_it_prefers_a_user_called_postmaster(domain: Domain) -> None:
    provisioning.add_user("carol@example.test", PASSWORD, is_admin=True)
    provisioning.add_user("postmaster@example.test", PASSWORD)

    assert who("postmaster@example.test") == ["postmaster"]
    assert who("abuse@example.test") == ["carol"]


def test_it_finds_administrators_of_the_whole_organisation(
    domain: Domain, other_domain: Domain, eve: User
) -> None:
    eve.grants.create(role="domain_admin", organization=domain.organization)

    assert route("postmaster@example.test") == local(eve)


def test_it_delivers_postmaster_mail_when_everything_else_fails(alice: User) -> None:
    add("postmaster", "gone")
    assert who("postmaster@example.test") == ["postmaster"]

    add("abuse", "abuse")
    assert who("abuse@example.test") == ["postmaster"]

    provisioning.suspend_domain("example.test")
    assert who("postmaster@example.test") == ["postmaster"]

    operator, _ = provisioning.create_operator("root@elsewhere.test", PASSWORD)
    assert route("abuse@example.test") == local(operator)


def test_it_passes_over_suspended_administrators(domain: Domain) -> None:
    provisioning.add_user("carol@example.test", PASSWORD, is_admin=True)
    provisioning.suspend_user("carol@example.test")

    assert who("postmaster@example.test") == ["postmaster"]


def test_it_takes_postmaster_without_domain_to_the_operators(domain: Domain) -> None:
    one, _ = provisioning.create_operator("root@elsewhere.test", PASSWORD)
    two, _ = provisioning.create_operator("admin@example.test", PASSWORD)

    assert resolve_postmaster() == local(one, two)


def test_it_takes_postmaster_without_domain_home(
    other_domain: Domain, domain: Domain, settings: Settings
) -> None:
    settings.MAIL_HOSTNAME = "mail.example.test"
    assert resolve_postmaster() == route("postmaster@example.test")

    settings.MAIL_HOSTNAME = "mail.elsewhere.test"
    assert resolve_postmaster() == route("postmaster@other.test")


def test_it_has_no_postmaster_before_the_first_domain(db: None) -> None:
    assert resolve_postmaster() == UNKNOWN


def test_it_keeps_tenants_apart(alice: User, eve: User) -> None:
    """Eve's domain may lead to Alice, who asked for nothing; it cannot take anything from her."""
    provisioning.add_alias("alice@other.test", ["alice@example.test"])
    provisioning.add_alias("@other.test", ["eve@other.test"])
    provisioning.add_alias("*e@other.test", ["eve@other.test"])

    assert route("alice@example.test") == local(alice)
    assert route("bob@example.test") == UNKNOWN
    assert route("alice@other.test") == local(alice)
    assert route("eve@example.test") == UNKNOWN
    assert "eve" not in str(route("postmaster@example.test"))


MANY = [
    "alice@example.test",
    "Bob+x@example.test",
    "sales@example.test",
    "x-1@example.test",
    "nobody@example.test",
    "postmaster@example.test",
    "eve@other.test",
    "carol@elsewhere.test",
    "alice@example.test",
    "loop@example.test",
]


def test_it_answers_many_at_once_as_one_by_one(alice: User, bob: User, eve: User) -> None:
    add("sales", "bob", "eve@other.test")
    add("x-*", "sales", "alice")
    add("loop", "loop")
    addresses = [Address.parse(text) for text in MANY]

    assert resolve_many(addresses) == [resolve(address) for address in addresses]
    assert resolve_many([]) == []


def test_it_asks_no_more_for_many_than_for_one(alice: User, bob: User) -> None:
    for number in range(50):
        add(f"list{number}", "alice", "bob", f"x{number}@elsewhere.test")

    def statements(count: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            resolve_many([Address.parse(f"list{n}@example.test") for n in range(count)])
        return len(queries)

    assert statements(50) == statements(1) <= 8


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("alice@example.test", 1),
        ("alice+x@example.test", 4),
        ("nobody@example.test", 4),
        ("someone@elsewhere.test", 2),
    ],
)
def test_it_asks_few_questions(alice: User, text: str, most: int) -> None:
    with CaptureQueriesContext(connection) as queries:
        route(text)
    assert len(queries) <= most
