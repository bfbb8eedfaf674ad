"""The page of a user: its tabs, and what is done on them."""

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditRecord
from apps.directory.models import (
    AccessToken,
    AppPassword,
    Delegation,
    Domain,
    Forward,
    Kind,
    Role,
    SendLimit,
    User,
    UserState,
)
from apps.directory.services import apppasswords, delegations, forwards, tokens
from apps.mailqueue.models import QueuedRecipient
from apps.mailstore.models import Mailbox, MailboxRight
from apps.provisioning import services as provisioning
from apps.sieve.models import Vacation
from tests.console.conftest import PASSWORD, browser, holder

TABS = ("", "addresses/", "devices/", "sharing/", "replies/", "limits/", "activity/")


def at(user: User, tab: str = "") -> str:
    return f"/admin/users/{user.pk}/{tab}"


def said(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode().partition('id="main"')[2]


def told(user: User) -> int:
    """How many letters are on their way to somebody."""
    return QueuedRecipient.objects.filter(address__iexact=user.address).count()


@pytest.fixture
def desk(domain: Domain) -> User:
    """A helpdesk that may not reset."""
    return holder("desk@example.test", Role.HELPDESK, domain)


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_costs_the_same_for_much_as_for_little(admin: User, alice: User, tab: str) -> None:
    client = browser(admin)
    counts = []
    for more in range(2):
        for number in range(2 + 10 * more):
            name = f"{more}x{number}"
            provisioning.add_alias(f"a{name}@example.test", [alice.address, "x@y.test"])
            apppasswords.create(user=alice, name=name)
            tokens.issue(user=alice, name=name)
            box, _ = provisioning.add_user(f"b{name}@example.test", None, kind=Kind.SHARED)
            delegations.grant(owner=box, delegate=alice, send_as=True, send_on_behalf=False)
        said(client, at(alice, tab))
        with CaptureQueriesContext(connection) as found:
            said(client, at(alice, tab))
        counts.append(len(found))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("tab", TABS)
def test_a_helpdesk_sees_and_does_not_act(desk: User, alice: User, tab: str) -> None:
    client = browser(desk)
    if tab == "devices/":
        assert client.get(at(alice, tab)).status_code == 404
        return

    page = said(client, at(alice, tab))

    forms = re.findall(r'<form method="post"[^>]*>', page)
    assert forms == ([f'<form method="post" action="{at(alice)}">'] if not tab else [])  # its name


def test_an_alias_is_added_and_taken_away(admin: User, alice: User) -> None:
    client = browser(admin)
    values = {"what": "add", "address": "wonder@example.test"}

    assert client.post(at(alice, "addresses/"), values).status_code == 302
    page = said(client, at(alice, "addresses/"))
    assert "wonder@example.test" in page
    again = client.post(at(alice, "addresses/"), values)
    assert (again.status_code, b"exists already" in again.content) == (422, True)

    number = re.search(r'name="alias" value="(\d+)"', page)
    assert number is not None
    client.post(at(alice, "addresses/"), {"what": "remove", "alias": number[1]})
    assert 'name="alias"' not in said(client, at(alice, "addresses/"))


def test_who_is_in_a_group_is_taken_out_of_it(admin: User, alice: User, bob: User) -> None:
    group = provisioning.add_alias("crew@example.test", ["Alice@example.test", bob.address])

    browser(admin).post(at(alice, "addresses/"), {"what": "remove", "alias": str(group.pk)})

    assert list(group.targets.values_list("address", flat=True)) == [bob.address]


@pytest.mark.parametrize("address", ["x@other.test", "*@other.test", "@other.test", "x", "a@b@c"])
def test_no_alias_of_another_tenant(
    admin: User, alice: User, other_domain: Domain, address: str
) -> None:
    theirs = provisioning.add_alias("crew@other.test", [alice.address])
    client = browser(admin)

    assert "crew@other.test" not in said(client, at(alice, "addresses/"))
    for what in ({"what": "add", "address": address}, {"what": "remove", "alias": str(theirs.pk)}):
        assert client.post(at(alice, "addresses/"), what).status_code in (404, 422)
    assert theirs.targets.count() == 1


def test_an_alias_of_somebody_else_is_not_removed_here(admin: User, alice: User, bob: User) -> None:
    theirs = provisioning.add_alias("bobby@example.test", [bob.address])

    answer = browser(admin).post(
        at(alice, "addresses/"), {"what": "remove", "alias": str(theirs.pk)}
    )

    assert answer.status_code == 404
    assert theirs.targets.count() == 1


def test_a_password_of_a_program_is_revoked_and_its_owner_told(helpdesk: User, alice: User) -> None:
    one, _ = apppasswords.create(user=alice, name="Telephone")
    token, _ = tokens.issue(user=alice, name="Robot")
    client, letters = browser(helpdesk), told(alice)
    assert "Telephone" in said(client, at(alice, "devices/"))

    client.post(at(alice, "devices/"), {"what": "app", "id": str(one.pk)})
    client.post(at(alice, "devices/"), {"what": "token", "id": str(token.pk)})

    assert not AppPassword.objects.filter(user=alice).exists()
    assert not AccessToken.objects.filter(user=alice).exists()
    assert told(alice) == letters + 2
    assert AuditRecord.objects.filter(action="apppassword.remove", actor=helpdesk.address).exists()


def test_a_password_is_revoked_on_its_owners_page_alone(
    admin: User, alice: User, bob: User, eve: User, desk: User
) -> None:
    theirs, _ = apppasswords.create(user=bob, name="Telephone")
    foreign, _ = apppasswords.create(user=eve, name="Telephone")
    client = browser(admin)

    for number in (theirs.pk, foreign.pk, 0, "x", "9" * 30, "-1", ""):
        answer = client.post(at(alice, "devices/"), {"what": "app", "id": str(number)})
        assert answer.status_code == 404
    for user in (eve, bob):
        answer = browser(desk).post(at(user, "devices/"), {"what": "app", "id": str(theirs.pk)})
        assert answer.status_code == 404
    assert AppPassword.objects.count() == 2


def test_somebody_writes_in_anothers_name(admin: User, alice: User, bob: User) -> None:
    client, letters = browser(admin), told(alice)

    client.post(
        at(alice, "sharing/"), {"what": "grant", "delegate": "Bob@example.test", "how": "as"}
    )
    lent = Delegation.objects.get(owner=alice)
    assert (lent.delegate, lent.may_send_as, lent.may_send_on_behalf) == (bob, True, False)
    assert bob.address in said(client, at(alice, "sharing/"))

    client.post(at(alice, "sharing/"), {"what": "revoke", "delegate": str(bob.pk)})
    assert not Delegation.objects.exists()
    assert told(alice) == letters + 2


@pytest.mark.parametrize("delegate", ["eve@other.test", "nobody@example.test", "x", "%s {0}"])
def test_nobody_out_of_sight_writes(admin: User, alice: User, eve: User, delegate: str) -> None:
    answer = browser(admin).post(
        at(alice, "sharing/"), {"what": "grant", "delegate": delegate, "how": "as"}
    )

    assert answer.status_code == 422
    assert not Delegation.objects.exists()


def test_a_helpdesk_lends_nothing_and_takes_nothing_back(
    helpdesk: User, alice: User, bob: User
) -> None:
    delegations.grant(owner=alice, delegate=bob, send_as=True, send_on_behalf=False)
    client = browser(helpdesk)

    for values in (
        {"what": "grant", "delegate": helpdesk.address, "how": "as"},
        {"what": "revoke", "delegate": str(bob.pk)},
    ):
        assert client.post(at(alice, "sharing/"), values).status_code in (403, 422)
    assert Delegation.objects.count() == 1


def test_what_is_shared_is_counted_not_named_and_can_be_taken_back(
    admin: User, alice: User, bob: User
) -> None:
    box = Mailbox.objects.filter(user=alice).first()
    assert box is not None
    Mailbox.objects.filter(pk=box.pk).update(name="Divorce")
    MailboxRight.objects.create(mailbox=box, user=bob, rights="lr")
    client = browser(admin)

    page = said(client, at(alice, "sharing/"))
    assert "Divorce" not in page
    assert "1 folder" in page

    assert client.post(at(alice, "sharing/"), {"what": "share", "whom": "x"}).status_code == 404
    client.post(at(alice, "sharing/"), {"what": "unshare", "whom": bob.address})
    assert not MailboxRight.objects.exists()


def test_an_absent_persons_reply(admin: User, alice: User) -> None:
    client, letters = browser(admin), told(alice)
    values = {
        "what": "reply",
        "first_day": "2026-12-01",
        "last_day": "2026-12-24",
        "subject": "Away",
        "text": "Write to bob. %s {0} <b>",
    }

    assert client.post(at(alice, "replies/"), values).status_code == 302

    kept = Vacation.objects.get(user=alice)
    assert kept.is_on
    assert datetime.fromtimestamp(kept.starts_at, UTC) == datetime(2026, 12, 1, tzinfo=UTC)
    assert datetime.fromtimestamp(kept.ends_at, UTC) == datetime(2026, 12, 25, tzinfo=UTC)
    page = said(client, at(alice, "replies/"))
    assert 'value="2026-12-24"' in page
    assert "%s {0} &lt;b&gt;" in page

    client.post(at(alice, "replies/"), {"what": "end-reply"})
    kept.refresh_from_db()
    assert (kept.is_on, kept.subject) == (False, "Away")
    assert told(alice) == letters + 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""},
        {"first_day": "yesterday"},
        {"last_day": "9999-12-31"},
        {"first_day": "0001-01-01", "last_day": "0001-01-01"},
        {"first_day": "2026-12-24", "last_day": "2026-12-01"},
        {"text": "x" * 6_000},
        {"subject": "x" * 300},
    ],
)
def test_a_reply_that_cannot_be(admin: User, alice: User, wrong: dict[str, str]) -> None:
    values = {"what": "reply", "text": "Away", "first_day": "", "last_day": "", "subject": ""}

    answer = browser(admin).post(at(alice, "replies/"), {**values, **wrong})

    assert answer.status_code in (302, 422)
    kept = Vacation.objects.filter(user=alice).first()
    assert answer.status_code == 422 or kept is not None


def test_a_helpdesk_sees_no_forward_and_sets_no_reply(helpdesk: User, alice: User) -> None:
    forwards.ask(user=alice, target="home@elsewhere.test", keeps_copy=True)
    client = browser(helpdesk)

    assert "home@elsewhere.test" not in said(client, at(alice, "replies/"))
    answer = client.post(at(alice, "replies/"), {"what": "reply", "text": "Away"})
    assert answer.status_code == 403
    assert not Vacation.objects.exists()


def test_a_forward_is_ended_on_its_owners_page(admin: User, alice: User, bob: User) -> None:
    forwards.ask(user=alice, target="home@elsewhere.test", keeps_copy=True)
    row = Forward.objects.get()
    client = browser(admin)
    assert "home@elsewhere.test" in said(client, at(alice, "replies/"))

    values = {"what": "end-forward", "forward": str(row.pk)}
    assert client.post(at(bob, "replies/"), values).status_code == 404
    assert client.post(at(alice, "replies/"), values).status_code == 302
    assert forwards.living(alice) == []
    assert 'value="end-forward"' not in said(client, at(alice, "replies/"))


def test_an_operator_sets_limits_and_others_see_them(
    admin: User, operator: User, alice: User
) -> None:
    values = {"messages_per_day": "40", "user": "1", "domain": "1"}

    assert browser(admin).post(at(alice, "limits/"), values).status_code == 403
    assert browser(operator).post(at(alice, "limits/"), values).status_code == 302

    row = SendLimit.objects.get()
    assert (row.user, row.domain, row.messages_per_day) == (alice, None, 40)
    assert "40" in said(browser(admin), at(alice, "limits/"))


@pytest.mark.parametrize("value", ["-1", "NaN", "1e400", "9" * 30, "x", "1.5"])
def test_a_limit_that_is_none(operator: User, alice: User, value: str) -> None:
    answer = browser(operator).post(at(alice, "limits/"), {"messages_per_day": value})

    assert answer.status_code == 422
    assert not SendLimit.objects.exists()


def test_activity_tells_sign_ins_and_acts(admin: User, helpdesk: User, alice: User) -> None:
    provisioning.suspend_user(alice.key)

    assert "suspended the user" in said(browser(admin), at(alice, "activity/"))
    assert "suspended the user" not in said(browser(helpdesk), at(alice, "activity/"))
    for before in ("x", "2026-01-01_1", "%00"):
        answer = browser(admin).get(at(alice, f"activity/?before={before}"))
        assert answer.status_code == 404


def test_another_address(admin: User, alice: User, other_domain: Domain) -> None:
    client = browser(admin)
    for address in ("alice@other.test", "x", "admin@example.test"):
        assert client.post(at(alice, "rename/"), {"address": address}).status_code == 422

    assert client.post(at(alice, "rename/"), {"address": "al@example.test"}).status_code == 302

    alice.refresh_from_db()
    assert alice.key == "al@example.test"


def test_removal_wants_the_address_and_is_taken_back(
    admin: User, helpdesk: User, alice: User
) -> None:
    client = browser(admin)
    for typed in ("", "bob@example.test", "alice"):
        assert client.post(at(alice, "remove/"), {"address": typed}).status_code == 422
    assert browser(helpdesk).get(at(alice, "remove/")).status_code == 404
    assert browser(admin, proved=False).get(at(alice, "remove/")).status_code in (302, 403)

    client.post(at(alice, "remove/"), {"address": "Alice@example.test"})

    alice.refresh_from_db()
    assert alice.state == UserState.REMOVED
    assert client.get("/admin/users/?state=removed")["Location"] == "/admin/users/removed/"
    assert "alice@example.test" in said(client, "/admin/users/removed/")
    client.post(f"/admin/users/removed/{alice.pk}/restore/")
    alice.refresh_from_db()
    assert (alice.key, alice.check_password(PASSWORD)) == ("alice@example.test", True)


def test_removed_users_of_others_are_not_there(
    admin: User, helpdesk: User, operator: User, eve: User
) -> None:
    provisioning.remove_user(eve.key)
    client = browser(admin)

    assert "eve" not in said(client, "/admin/users/removed/").partition("<table")[2]
    assert client.post(f"/admin/users/removed/{eve.pk}/restore/").status_code == 404
    assert browser(helpdesk).get("/admin/users/removed/").status_code == 404
    assert "eve@other.test" in said(browser(operator), "/admin/users/removed/")
    for query in ("after=x_1", "after=2026-01-01T00:00:00_x", "text=%00%ff", "after=%d9%a3_1"):
        said(client, f"/admin/users/removed/?{query}")


def test_who_was_removed_before_the_domain_came_is_an_operators(
    admin: User, operator: User, alice: User, domain: Domain
) -> None:
    provisioning.remove_user(alice.key)
    alice.refresh_from_db()
    assert alice.removed_at is not None
    Domain.objects.filter(pk=domain.pk).update(created_at=datetime.now(UTC))

    assert "alice@" not in said(browser(admin), "/admin/users/removed/")
    assert "alice@" in said(browser(operator), "/admin/users/removed/")


def test_deleted_mail_is_brought_back_unseen(admin: User, helpdesk: User, alice: User) -> None:
    client = browser(admin)
    assert browser(helpdesk).get(at(alice, "recover/")).status_code == 404

    for within in ("", "3600", "86400", "x", "-1", "9" * 30):
        assert "Nothing that could be brought back" in said(
            client, at(alice, f"recover/?within={within}")
        )
    assert client.post(at(alice, "recover/"), {"within": "3600"}).status_code == 302


def test_a_taken_address_offers_free_ones(admin: User, alice: User) -> None:
    client = browser(admin)
    values = {"address": "alice", "domain": "example.test", "name": "Alice Brown"}

    page = client.post("/admin/users/add/", values)

    assert page.status_code == 422
    assert b"alice.brown@example.test" in page.content
    assert b"abrown@example.test" in page.content


def test_a_new_person_is_invited(admin: User, domain: Domain) -> None:
    client = browser(admin)
    values = {"address": "new", "domain": "example.test", "first": "invite"}
    assert client.post("/admin/users/add/", values).status_code == 422
    for wrong in ("x", "new@example.test", "a@[127.0.0.1]"):
        answer = client.post("/admin/users/add/", {**values, "invite": wrong})
        assert answer.status_code == 422
    assert not User.objects.filter(key="new@example.test").exists()

    answer = client.post("/admin/users/add/", {**values, "invite": "me@home.test"})

    assert answer.status_code == 302
    assert QueuedRecipient.objects.filter(address="me@home.test").count() == 1
    assert not User.objects.get(key="new@example.test").must_change_password
    record = AuditRecord.objects.get(action="user.invite")
    assert "login/reset" not in str(vars(record))


def test_nothing_else_is_set_by_a_form(admin: User, alice: User, other_domain: Domain) -> None:
    extra = {
        "is_superuser": "1",
        "domain": str(other_domain.pk),
        "domain_id": str(other_domain.pk),
        "credential_version": "99",
        "has_factor": "1",
        "password": "x",
        "quota": "1",
        "kind": "shared",
        "state": "removed",
        "organization": "1",
    }
    client = browser(admin)
    for tab in ("", "addresses/", "sharing/", "replies/", "rename/"):
        client.post(at(alice, tab), {"name": "A", "what": "add", **extra})

    alice.refresh_from_db()
    assert (alice.kind, alice.state, alice.has_factor) == (Kind.PERSON, UserState.ACTIVE, False)
    assert (alice.domain, alice.quota) == (admin.domain, 0)


@pytest.mark.parametrize(
    "name", ["%s {0} {{7*7}} ' ; --", "<script>x</script>", "אבג abc", "a" * 200]
)
def test_hostile_names_are_only_names(admin: User, alice: User, name: str) -> None:
    client = browser(admin)
    assert client.post(at(alice), {"name": name, "space": "0"}).status_code == 302

    for path in (*(at(alice, tab) for tab in TABS), "/admin/users/", at(alice, "remove/")):
        page = said(client, path)
        assert "<script>x" not in page
        assert "<bdi>" in page
        assert ">49<" not in page


@pytest.mark.parametrize("name", ["a\nb", "a\0b", "a‮b", "x" * 201])
def test_names_that_are_none_are_said_beside_the_field(admin: User, alice: User, name: str) -> None:
    answer = browser(admin).post(at(alice), {"name": name, "space": "0"})

    assert answer.status_code == 422
    assert b'aria-invalid="true"' in answer.content
