"""A domain with another name is the same domain, and the old name leads to it."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.audit.models import AuditRecord
from apps.delivery import accept
from apps.directory import dkim, routing, transports
from apps.directory.authority import Authority, authority
from apps.directory.models import (
    DkimKey,
    DkimState,
    Domain,
    Kind,
    Organization,
    RelayCheck,
    Role,
    RoleGrant,
    TransportScope,
    User,
)
from apps.directory.services import dkim as keys
from apps.directory.services import relay, users
from apps.directory.services import transports as ways
from apps.directory.services.transports import Server
from apps.mailstore.models import Entry, Mailbox, Subscription
from apps.mailstore.services import mailboxes
from apps.mime.address import Address
from apps.provisioning import queries, renaming, services
from apps.scan.models import Quarantined, Reason
from apps.wire.errors import AlreadyExists, InUse, InvalidName, LimitReached, MailError, NotFound
from tests.conftest import PASSWORD
from tests.support.mail import RAW, drain, local, submission


def led_to(address: str) -> list[str]:
    found = routing.resolve(Address.parse(address))
    return sorted([*(user.address for user in found.users), *found.remote])


def names() -> dict[str, str | None]:
    return {row.name: row.alias_of for row in queries.domains()}


def rename(old: str = "example.test", new: str = "new.test", **more: Any) -> renaming.RenamedDomain:
    return renaming.rename_domain(old, new, **more)


def test_it_is_the_same_domain_with_the_same_users(alice: User, bob: User) -> None:
    domain = alice.domain
    assert domain is not None
    boxes = sorted(Mailbox.objects.values_list("pk", "user", "uidvalidity"))
    services.add_alias("sales@example.test", ["Bob@example.test"])

    done = rename(new="New.Test")

    assert done.domain.pk == domain.pk
    assert names() == {"new.test": None, "example.test": "new.test"}
    assert (done.users, done.followed, done.alias) == (3, 1, True)
    row = User.objects.get(pk=alice.pk)
    assert (row.key, row.address, row.domain_id) == ("alice@new.test", "alice@new.test", domain.pk)
    assert row.credential_version == alice.credential_version
    assert sorted(Mailbox.objects.values_list("pk", "user", "uidvalidity")) == boxes
    assert [row.pattern for row in queries.aliases()] == ["sales@new.test"]
    assert [row.address for row in queries.members("sales@new.test")] == ["Bob@new.test"]


def test_mail_to_old_addresses_arrives_and_people_write_as_them(alice: User) -> None:
    rename()

    assert led_to("Alice+lists@example.test") == led_to("alice@new.test") == ["alice@new.test"]
    assert authority(alice.pk, Address.parse("alice@example.test")) is Authority.OWN
    assert led_to("postmaster@example.test") == ["postmaster@new.test"]
    assert User.objects.get(key="postmaster@new.test").kind == Kind.SHARED


def test_mail_on_its_way_arrives_whether_or_not_the_name_is_kept(alice: User) -> None:
    accept.accept([submission(local(alice), RAW)])
    rename(keeps_alias=False)

    drain()

    assert Entry.objects.filter(mailbox__user=alice).count() == 1


def test_without_an_alias_domain_the_old_name_is_not_ours(alice: User) -> None:
    done = rename(keeps_alias=False)

    assert not done.alias
    assert names() == {"new.test": None}
    assert routing.resolve(Address.parse("alice@example.test")).status is routing.Status.REMOTE
    services.add_domain("example.test")


def test_it_is_renamed_back_and_changes_places(alice: User) -> None:
    before = {key.selector: bytes(key.secret) for key in DkimKey.objects.all()}
    rename()
    rename("new.test", "example.test")

    assert names() == {"example.test": None, "new.test": "example.test"}
    assert User.objects.get(pk=alice.pk).key == "alice@example.test"
    old = DkimKey.objects.filter(domain__name="example.test")
    assert {key.selector: bytes(key.secret) for key in old} == before
    assert len(dkim.signers("example.test")) == len(dkim.signers("new.test")) == 2


def test_changing_places_without_an_alias_leaves_one_domain(alice: User) -> None:
    services.add_domain("new.test", alias_of="example.test")
    published = set(DkimKey.objects.filter(domain__name="new.test").values_list("pk", flat=True))

    rename(keeps_alias=False)

    assert names() == {"new.test": None}
    assert set(DkimKey.objects.values_list("pk", flat=True)) == published


def test_keys_stay_with_the_name_they_are_published_under(alice: User) -> None:
    old = {one.selector for one in dkim.signers("example.test")}

    done = rename()

    assert {one.selector for one in dkim.signers("example.test")} == old
    assert {one.domain for one in dkim.signers("new.test")} == {"new.test"}
    assert [key.record for key in done.keys] == [
        f"{one.selector}._domainkey.new.test" for one in dkim.keys_of("new.test")
    ]
    assert len(done.keys) == 2
    keys.rotate("new.test")
    assert DkimKey.objects.filter(domain__name="new.test", state=DkimState.PENDING).count() == 2


def test_other_alias_domains_go_along(alice: User) -> None:
    services.add_domain("third.test", alias_of="example.test")

    rename()

    assert names() == {"new.test": None, "example.test": "new.test", "third.test": "new.test"}
    assert led_to("alice@third.test") == ["alice@new.test"]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("nowhere.test", "new.test", NotFound),
        ("alias.test", "new.test", InUse),
        ("example.test", "other.test", AlreadyExists),
        ("example.test", "other-alias.test", AlreadyExists),
        ("example.test", "example.test", InvalidName),
        ("example.test", "EXAMPLE.test", InvalidName),
        ("example.test", "localhost", InvalidName),
        ("example.test", "[192.0.2.1]", InvalidName),
        ("example.test", "a\r\nb.test", InvalidName),
        ("example.test", "a%s.test", InvalidName),
        ("example.test", f"{'a' * 64}.test", InvalidName),
    ],
)
def test_it_refuses_what_cannot_be(
    alice: User, other_domain: Domain, old: str, new: str, error: type[MailError]
) -> None:
    services.add_domain("alias.test", alias_of="example.test")
    services.add_domain("other-alias.test", alias_of="other.test")

    with pytest.raises(error):
        rename(old, new)
    assert User.objects.get(pk=alice.pk).key == "alice@example.test"
    assert not AuditRecord.objects.filter(action="domain.rename").exists()


def test_no_address_becomes_too_long(domain: Domain) -> None:
    services.add_user(f"{'x' * 64}@example.test", PASSWORD)

    with pytest.raises(InvalidName, match="too long"):
        rename(new=".".join(["a" * 63, "b" * 63, "c" * 58, "test"]))


def test_an_operator_under_the_new_name_comes_home_or_is_in_the_way(alice: User) -> None:
    operator, _ = services.create_operator("root@new.test", PASSWORD)
    rename()
    assert User.objects.get(pk=operator.pk).domain == alice.domain

    services.create_operator("alice@third.test", PASSWORD)
    with pytest.raises(AlreadyExists, match="alice@third"):
        rename("new.test", "third.test")
    services.add_alias("desk@new.test", ["alice@new.test"])
    services.create_operator("desk@fourth.test", PASSWORD)
    with pytest.raises(AlreadyExists, match="desk@fourth"):
        rename("new.test", "fourth.test")


def test_who_was_removed_comes_back_under_the_new_name(alice: User) -> None:
    services.remove_user("alice@example.test")
    rename()

    with pytest.raises(NotFound):
        services.restore_user("alice@example.test")
    back = services.restore_user("alice@new.test")
    assert (back.pk, back.key, back.domain) == (alice.pk, "alice@new.test", alice.domain)


def test_a_tombstone_is_not_raised_in_an_alias_domain(alice: User, other_domain: Domain) -> None:
    services.remove_domain("example.test", force=True)
    services.add_domain("example.test", alias_of="other.test")

    with pytest.raises(InUse, match="alias domain"):
        services.restore_user("alice@example.test")


def test_a_relay_domain_takes_its_recipients_and_its_server_along(domain: Domain) -> None:
    relay.set_relay(domain=domain, check=RelayCheck.LIST)
    relay.add(domain=domain, recipients=["carol"])
    server = Server(host="10.0.0.7", port=2525)
    ways.put(scope=TransportScope.RECIPIENT, domain="example.test", server=server)

    rename()

    found = routing.resolve(Address.parse("carol@example.test"))
    assert (found.remote, found.is_relayed) == (("carol@new.test",), True)
    assert transports.next_hop("", "new.test").host == "10.0.0.7"
    assert transports.next_hop("", "example.test").kind == "mx"


def smarthost(domain: str, host: str) -> None:
    ways.put(scope=TransportScope.SENDER, domain=domain, server=Server(host=host))


def test_the_smarthost_takes_mail_of_both_names(domain: Domain) -> None:
    smarthost("example.test", "one.test")
    rename()
    for name in ("example.test", "new.test"):
        assert transports.next_hop(name, "far.test").host == "one.test"

    smarthost("new.test", "two.test")
    rename("new.test", "example.test", keeps_alias=False)
    assert transports.next_hop("example.test", "far.test").host == "one.test"
    assert transports.next_hop("new.test", "far.test").kind == "mx"


def test_its_administrators_see_what_is_held(alice: User) -> None:
    Quarantined.objects.create(
        user=alice,
        trace_id="0190a0a0-0000-7000-8000-000000000000",
        queue_id="0190a0a0-0000-7000-8000-000000000000",
        size=1,
        sender="",
        address="alice@example.test",
        original="alice@example.test",
        domain="example.test",
        door="mx",
        received_at=0,
        reason=Reason.SPAM,
        kept_at=0,
    )
    rename()

    assert Quarantined.objects.get().domain == "new.test"


def test_roles_and_subscriptions_follow(alice: User, bob: User) -> None:
    services.make_domain_admin(alice)
    mailboxes.subscribe_shared(user_id=bob.pk, name="Other Users/alice@example.test/INBOX")
    mailboxes.subscribe_shared(user_id=bob.pk, name="Other Users/alice@xexample.test/INBOX")

    rename()

    grants = RoleGrant.objects.filter(user=alice, role=Role.DOMAIN_ADMIN)
    assert grants.values_list("domain__name", flat=True).get() == "new.test"
    assert sorted(
        Subscription.objects.filter(user=bob, name__contains="@").values_list("name")
    ) == [
        ("Other Users/alice@new.test/INBOX",),
        ("Other Users/alice@xexample.test/INBOX",),
    ]


def test_international_names_are_kept_as_labels(alice: User) -> None:
    done = rename(new="Bücher.test")

    assert done.domain.name == "xn--bcher-kva.test"
    assert users.find("alice@bücher.test").pk == alice.pk
    rename("bücher.test", "example.test")
    assert users.find("alice@example.test").pk == alice.pk


def test_the_old_name_takes_a_place_in_the_organisation(alice: User) -> None:
    Organization.objects.update(max_domains=1)

    with pytest.raises(LimitReached):
        rename()
    rename(keeps_alias=False)
    rename("new.test", "example.test", unlimited=True)
    rename()  # the two change places: no more domains than before


def test_it_is_recorded(alice: User) -> None:
    rename()

    row = AuditRecord.objects.get(action="domain.rename")
    assert (row.subject, row.domain_id, row.user_id) == ("example.test", alice.domain_id, None)
    assert row.detail == {"name": "new.test", "alias": True, "users": 2}


def test_the_statements_do_not_grow_with_the_users(
    alice: User, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    for number in range(30):
        services.add_user(f"user{number}@example.test", PASSWORD)
        services.add_alias(f"alias{number}@example.test", [f"user{number}@example.test"])

    with django_assert_max_num_queries(60):  # type: ignore[attr-defined]
        rename()
