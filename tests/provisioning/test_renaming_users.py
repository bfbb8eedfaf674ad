"""A user with another address is the same user, and the old address leads to it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditRecord
from apps.delivery import accept
from apps.directory import authentication, routing
from apps.directory.authority import Authority, authority
from apps.directory.models import Alias, Delegation, Domain, Kind, Organization, RoleGrant, User
from apps.directory.services import apppasswords, delegations, forwards
from apps.directory.services.aliases import Pattern
from apps.mailstore.models import Entry, Mailbox, Subscription
from apps.mailstore.origin import Origin
from apps.mailstore.services import mailboxes, sharing
from apps.mime.address import Address
from apps.provisioning import queries, renaming, services
from apps.wire.errors import (
    AlreadyExists,
    AuthenticationFailed,
    InUse,
    InvalidAddress,
    MailError,
    NotFound,
)
from tests.conftest import PASSWORD
from tests.support.mail import RAW, drain, local, submission


def led_to(address: str) -> list[str]:
    """Where mail for an address goes."""
    found = routing.resolve(Address.parse(address))
    return sorted([*(user.address for user in found.users), *found.remote])


def targets(pattern: str) -> list[str]:
    return [row.address for row in queries.members(pattern)]


def sign_in(address: str) -> int:
    return authentication.authenticate(
        username=address, password=PASSWORD, address="192.0.2.1", door="imap"
    ).user_id


def rename(old: str, new: str, **more: bool) -> renaming.RenamedUser:
    return renaming.rename_user(old, new, **more)


def test_it_is_the_same_user_under_another_address(alice: User) -> None:
    boxes = sorted(Mailbox.objects.filter(user=alice).values_list("pk", "uidvalidity"))

    done = rename("alice@example.test", "Alicia@Example.test")

    row = User.objects.get(pk=alice.pk)
    assert (row.key, row.address) == ("alicia@example.test", "Alicia@example.test")
    assert (done.before, done.alias, done.followed) == ("alice@example.test", True, 0)
    assert sorted(Mailbox.objects.filter(user=alice).values_list("pk", "uidvalidity")) == boxes
    assert sign_in("alicia@example.test") == alice.pk
    with pytest.raises(AuthenticationFailed):  # no name of anybody's any more
        sign_in("alice@example.test")


def test_nobody_is_signed_out(alice: User) -> None:
    rename("alice@example.test", "alicia@example.test")

    assert User.objects.get(pk=alice.pk).credential_version == alice.credential_version


def test_mail_to_the_old_address_arrives(alice: User) -> None:
    rename("alice@example.test", "alicia@example.test")

    assert led_to("alice@example.test") == led_to("Alice+lists@example.test")
    assert led_to("alice@example.test") == ["alicia@example.test"]


def test_mail_on_its_way_arrives_whether_or_not_an_alias_is_left(alice: User) -> None:
    accept.accept([submission(local(alice), RAW)])
    rename("alice@example.test", "alicia@example.test", keeps_alias=False)

    drain()

    assert Entry.objects.filter(mailbox__user=alice).count() == 1


def test_the_user_goes_on_to_write_as_the_old_address(alice: User, bob: User) -> None:
    delegations.grant(owner=alice, delegate=bob, send_as=True, send_on_behalf=False)
    rename("alice@example.test", "alicia@example.test")

    for name in ("alice", "alicia"):
        address = Address.parse(f"{name}@example.test")
        assert authority(alice.pk, address) is Authority.OWN
        assert authority(bob.pk, address) is Authority.SEND_AS


def test_without_an_alias_the_old_address_is_free(alice: User) -> None:
    done = rename("alice@example.test", "alicia@example.test", keeps_alias=False)

    assert not done.alias
    assert led_to("alice@example.test") == []
    assert authority(alice.pk, Address.parse("alice@example.test")) is Authority.NONE
    services.add_user("alice@example.test", PASSWORD)


def test_it_renames_back(alice: User) -> None:
    rename("alice@example.test", "alicia@example.test")
    rename("alicia@example.test", "alice@example.test")

    assert User.objects.get(pk=alice.pk).key == "alice@example.test"
    assert [str(Pattern.parse(row.pattern)) for row in queries.aliases()] == ["alicia@example.test"]
    assert targets("alicia@example.test") == ["alice@example.test"]


def test_an_old_address_leads_on_in_one_step_however_often(alice: User) -> None:
    for number in range(15):
        before = f"alice{number - 1}@example.test" if number else "alice@example.test"
        rename(before, f"alice{number}@example.test")

    assert led_to("alice@example.test") == ["alice14@example.test"]
    assert targets("alice@example.test") == ["alice14@example.test"]
    assert targets("alice7@example.test") == ["alice14@example.test"]


def test_another_spelling_leaves_no_alias(alice: User) -> None:
    done = rename("alice@example.test", "ALICE@example.test")

    assert not done.alias
    assert User.objects.get(pk=alice.pk).address == "ALICE@example.test"
    assert not Alias.objects.exists()
    assert rename("alice@example.test", "ALICE@example.test").user.pk == alice.pk


def test_an_alias_of_ones_own_gives_way(alice: User) -> None:
    services.add_alias("alicia@example.test", ["Alice@example.test"])

    rename("alice@example.test", "alicia@example.test")

    assert [row.pattern for row in queries.aliases()] == ["alice@example.test"]
    assert led_to("alicia@example.test") == ["alicia@example.test"]


@pytest.mark.parametrize(
    "wanted",
    [
        ["bob@example.test"],
        ["alice@example.test", "bob@example.test"],
        ["alice@elsewhere.test"],
        ["alice+news@example.test"],
    ],
)
def test_an_alias_that_leads_elsewhere_stays(alice: User, bob: User, wanted: list[str]) -> None:
    services.add_alias("team@example.test", wanted)

    with pytest.raises(AlreadyExists, match="alias"):
        rename("alice@example.test", "team@example.test")
    assert sorted(targets("team@example.test")) == sorted(wanted)
    assert User.objects.get(pk=alice.pk).key == "alice@example.test"


def test_nobody_is_renamed_onto_another(alice: User, bob: User) -> None:
    with pytest.raises(AlreadyExists, match="user bob"):
        rename("alice@example.test", "BOB@example.test")
    with pytest.raises(AlreadyExists, match="postmaster"):
        rename("alice@example.test", "postmaster@example.test")


@pytest.mark.parametrize(
    ("new", "error"),
    [
        ("alicia@nowhere.test", NotFound),
        ("alicia@alias.test", InUse),
        ("alice+news@example.test", InvalidAddress),
        ("al*@example.test", InvalidAddress),
        ("alicia@[192.0.2.1]", InvalidAddress),
        ("alicia", InvalidAddress),
        ("a\r\nb@example.test", InvalidAddress),
        ("\u202eecila@example.test", InvalidAddress),
        (f"{'x' * 65}@example.test", InvalidAddress),
        ("alicia@other.test", InUse),
    ],
)
def test_it_refuses_what_is_no_address_for_a_user(
    alice: User, new: str, error: type[MailError]
) -> None:
    services.add_domain("alias.test", alias_of="example.test")
    services.add_domain("other.test", organization="Other")

    with pytest.raises(error):
        rename("alice@example.test", new)
    assert User.objects.get(pk=alice.pk).key == "alice@example.test"
    assert not AuditRecord.objects.filter(action="user.rename").exists()


def test_it_finds_nobody_by_a_name_that_is_none(domain: Domain) -> None:
    with pytest.raises(NotFound):
        rename("nobody@example.test", "somebody@example.test")
    with pytest.raises(InUse, match="postmaster"):
        rename("postmaster@example.test", "desk@example.test")


def test_groups_keep_their_members_without_an_alias(alice: User, bob: User) -> None:
    services.add_alias("team@example.test", ["Alice@example.test", "bob@example.test"])
    services.add_alias("both@example.test", ["alice@example.test", "alicia@example.test"])

    done = rename("alice@example.test", "alicia@example.test", keeps_alias=False)

    assert done.followed == 2
    assert targets("team@example.test") == ["alicia@example.test", "bob@example.test"]
    assert targets("both@example.test") == ["alicia@example.test"]


def test_another_organisations_aliases_stay_as_they_were_written(alice: User) -> None:
    services.add_domain("other.test", organization="Other")
    services.add_alias("friend@other.test", ["alice@example.test"])

    rename("alice@example.test", "alicia@example.test")

    assert targets("friend@other.test") == ["alice@example.test"]
    assert led_to("friend@other.test") == ["alicia@example.test"]


def test_a_forward_to_ones_own_new_address_keeps_the_mail(alice: User) -> None:
    forwards.add(user=alice, target="alicia@example.test", keeps_copy=False)

    rename("alice@example.test", "alicia@example.test")

    assert led_to("alice@example.test") == ["alicia@example.test"]
    assert led_to("alicia@example.test") == ["alicia@example.test"]


def test_it_moves_to_another_domain_of_the_organisation(alice: User, other_domain: Domain) -> None:
    services.make_domain_admin(alice)

    done = rename("alice@example.test", "alice@other.test")

    assert done.user.domain == other_domain
    assert led_to("alice@example.test") == ["alice@other.test"]
    assert RoleGrant.objects.filter(user=alice).exists()
    assert sign_in("alice@other.test") == alice.pk


def test_another_organisation_has_to_be_meant(alice: User, bob: User) -> None:
    services.add_domain("other.test", organization="Other")
    services.make_domain_admin(alice)
    delegations.grant(owner=alice, delegate=bob, send_as=True, send_on_behalf=False)

    with pytest.raises(InUse, match="organisation"):
        rename("alice@example.test", "alice@other.test")
    rename("alice@example.test", "alice@other.test", other_organization=True)

    assert not RoleGrant.objects.filter(user=alice).exists()
    assert not Delegation.objects.exists()
    assert led_to("alice@example.test") == ["alice@other.test"]
    assert Organization.objects.get(domains__users=alice).name == "Other"


def test_an_operator_keeps_the_installation_wherever_the_address_is(domain: Domain) -> None:
    services.create_operator("root@elsewhere.test", PASSWORD)

    done = rename("root@elsewhere.test", "root@example.test", other_organization=True)

    assert (done.alias, done.user.domain) == (False, domain)
    assert RoleGrant.objects.get(user=done.user).role == "operator"


def test_who_was_postmaster_leaves_a_box_behind(domain: Domain) -> None:
    user, _ = services.add_user("postmaster@example.test", PASSWORD)

    rename("postmaster@example.test", "pat@example.test")
    assert led_to("postmaster@example.test") == ["pat@example.test"]
    services.remove_alias("postmaster@example.test")

    assert led_to("postmaster@example.test") == ["postmaster@example.test"]
    box = User.objects.get(key="postmaster@example.test")
    assert (box.kind, box.pk != user.pk) == (Kind.SHARED, True)


def test_an_app_password_goes_on_to_work(alice: User) -> None:
    _, text = apppasswords.create(user=alice, name="telephone")

    rename("alice@example.test", "alicia@example.test")

    found = authentication.authenticate(
        username="alicia@example.test", password=text, address="192.0.2.1", door="imap"
    )
    assert found.user_id == alice.pk


def test_a_delegates_mailbox_stays_subscribed(alice: User, bob: User) -> None:
    inbox = Mailbox.objects.get(user=alice, name="INBOX")
    sharing.grant(
        mailbox_id=inbox.pk, to="bob@example.test", rights="lrs", origin=Origin("test", None)
    )
    mailboxes.subscribe_shared(user_id=bob.pk, name="Other Users/alice@example.test/INBOX")
    mailboxes.subscribe_shared(user_id=bob.pk, name="Other Users/xalice@example.test/INBOX")

    rename("alice@example.test", "al%2fcia@example.test")

    names = Subscription.objects.filter(user=bob, name__startswith="Other Users/")
    assert sorted(names.values_list("name", flat=True)) == [
        "Other Users/al%252fcia@example.test/INBOX",
        "Other Users/xalice@example.test/INBOX",
    ]


def test_it_is_recorded(alice: User) -> None:
    services.add_alias("alicia@example.test", ["alice@example.test"])
    last = AuditRecord.objects.latest("pk").pk
    rename("alice@example.test", "alicia@example.test")

    rows = AuditRecord.objects.filter(pk__gt=last).order_by("pk")
    assert [(row.action, row.subject, row.user_id, row.domain_id) for row in rows] == [
        ("alias.remove", "alicia@example.test", None, alice.domain_id),
        ("user.rename", "alice@example.test", alice.pk, alice.domain_id),
        ("alias.add", "alice@example.test", None, alice.domain_id),
    ]
    assert rows[1].detail == {"address": "alicia@example.test"}


def test_the_organisation_that_is_left_can_read_of_it(alice: User) -> None:
    services.add_domain("other.test", organization="Other")

    rename("alice@example.test", "alice@other.test", other_organization=True)

    rows = AuditRecord.objects.filter(action="user.rename").order_by("pk")
    assert len({row.organization_id for row in rows}) == 2


def test_the_statements_do_not_grow_with_the_domain(alice: User) -> None:
    def statements(old: str, new: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            rename(old, new)
        return len(captured)

    few = statements("alice@example.test", "alicia@example.test")
    for number in range(20):
        services.add_alias(f"group{number}@example.test", ["alicia@example.test"])
    assert statements("alicia@example.test", "alice@example.test") <= few + 8
