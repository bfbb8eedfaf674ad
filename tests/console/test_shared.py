"""The console's pages of shared mailboxes, as browsers without script see them."""

import re
from typing import Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from apps.audit.models import AuditRecord
from apps.console import paging
from apps.directory.authority import Authority, authority
from apps.directory.models import Delegation, Domain, Kind, User, UserState
from apps.mailstore import shares
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.provisioning import sharing
from tests.console.conftest import browser

LIST: Final = "/admin/shared/"


def said(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode().partition('id="main"')[2].partition("</main>")[0]


@pytest.fixture
def team(domain: Domain) -> User:
    return provisioning.add_user("team@example.test", None, "Customer care", kind=Kind.SHARED)[0]


def join(client: Client, box: User, **values: str) -> int:
    sent = {"member": "alice@example.test", "level": "write", "sending": "", **values}
    return client.post(f"{LIST}{box.pk}/member/", sent).status_code


def test_the_list_has_the_shared_mailboxes_in_sight(
    admin: User, alice: User, team: User, other_domain: Domain
) -> None:
    provisioning.add_user("care@other.test", None, kind=Kind.SHARED)

    page = said(browser(admin), LIST)

    assert "Customer care" in page
    assert "Nobody yet" in page
    for other in ("other.test", "alice@", "postmaster@"):
        assert other not in page


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("text=CARE", True),
        ("text=team@", True),
        ("text=%25", False),
        ("text=_eam", False),
        ("text=%00team", True),
        ("domain=EXAMPLE.test", True),
        ("domain=other.test", False),
        ("after=team@", True),
        ("after=zzz", False),
    ],
)
def test_the_list_is_filtered(admin: User, team: User, query: str, is_found: bool) -> None:
    page = said(browser(admin), f"{LIST}?{query}")

    assert ("Customer care" in page) is is_found


def test_the_list_turns_pages_and_costs_the_same(
    admin: User,
    team: User,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = browser(admin)
    said(client, LIST)
    with CaptureQueriesContext(connection) as few:
        said(client, LIST)
    for number in range(4):
        box, _ = provisioning.add_user(f"box{number}@example.test", None, kind=Kind.SHARED)
        sharing.grant(box.key, "admin@example.test", "lrs", None)

    with django_assert_num_queries(len(few)):
        assert said(client, LIST).count("1 member") == 4

    monkeypatch.setattr(paging, "PAGE", 2)
    seen: list[str] = []
    path: str | None = LIST
    while path is not None:
        page = said(client, path)
        seen += re.findall(r'href="/admin/shared/(\d+)/"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = LIST + following[1].replace("&amp;", "&") if following is not None else None
    assert len(seen) == len(set(seen)) == 5


def test_one_is_added(helpdesk: User) -> None:
    client = browser(helpdesk)
    assert 'name="space"' not in said(client, f"{LIST}add/")

    answer = client.post(f"{LIST}add/", {"address": "Team@Example.test", "name": "Team"})

    made = User.objects.get(key="team@example.test")
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}{made.pk}/")
    assert (made.kind, made.has_usable_password()) == (Kind.SHARED, False)
    assert "Nobody reads it yet" in said(client, f"{LIST}{made.pk}/")


@pytest.mark.parametrize("address", ["x@other.test", "team@example.test", "x", "", "abuse@x"])
def test_what_cannot_be_one_is_said_beside_its_field(
    admin: User, team: User, other_domain: Domain, address: str
) -> None:
    answer = browser(admin).post(f"{LIST}add/", {"address": address, "name": "n"})

    assert answer.status_code == 422
    assert b'aria-invalid="true"' in answer.content


def test_a_member_reads_and_sends(admin: User, alice: User, team: User) -> None:
    client = browser(admin)

    assert join(client, team, level="manage", sending="as") == 302

    seen = shares.shared_with(alice.pk)
    assert {frozenset("lrswipkxte")} == {one.rights for one in seen}
    assert {one.owner_key for one in seen} == {"team@example.test"}
    assert authority(alice.pk, Address.parse("team@example.test")) is Authority.SEND_AS
    page = said(client, f"{LIST}{team.pk}/")
    assert "Alice Archer" in page
    assert "Does all, and makes and removes folders · Sends as the mailbox" in page
    records = AuditRecord.objects.filter(action__in=("share.grant", "delegation.grant"))
    assert {record.actor for record in records} == {"admin@example.test"}


def test_a_member_is_changed_and_taken_out(admin: User, alice: User, team: User) -> None:
    client = browser(admin)
    join(client, team, level="manage", sending="as")

    join(client, team, level="none", sending="behalf")

    assert shares.shared_with(alice.pk) == []
    assert authority(alice.pk, Address.parse("team@example.test")) is Authority.ON_BEHALF
    join(client, team, level="read")
    assert not Delegation.objects.exists()
    assert client.post(f"{LIST}{team.pk}/leave/", {"member": alice.pk}).status_code == 302
    assert shares.shared_with(alice.pk) == []
    again = client.post(f"{LIST}{team.pk}/leave/", {"member": alice.pk})
    assert (again.status_code, b"not there any more" in again.content) == (409, True)


def test_what_everybody_may_do_is_shown_and_taken_back(
    admin: User, alice: User, team: User
) -> None:
    sharing.grant(team.key, "anyone", "lrs", None)
    client = browser(admin)
    assert "Everybody in the organisation" in said(client, LIST)
    assert "Everybody in the organisation" in said(client, f"{LIST}{team.pk}/")

    client.post(f"{LIST}{team.pk}/leave/", {"member": "all"})

    assert shares.shared_with(alice.pk) == []


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"member": "eve@other.test"}, "There is no user eve@other.test"),
        ({"member": "nobody@other.test"}, "There is no user nobody@other.test"),
        ({"member": "anyone"}, "Not an address"),
        ({"member": "-alice@example.test"}, "There is no user"),
        ({"member": "team@example.test"}, "Only a person can be a member"),
        ({"member": ""}, "This field is required"),
        ({"member": "a\0b@example.test"}, "Null characters"),
        ({"level": "none"}, "A member reads, or sends, or both"),
        ({"level": "lrswipkxtea"}, "Choose one of these"),
        ({"level": "a"}, "Choose one of these"),
        ({"sending": "owner"}, "Choose one of these"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    admin: User, alice: User, eve: User, team: User, values: dict[str, str], why: str
) -> None:
    sent = {"member": "alice@example.test", "level": "read", "sending": "", **values}

    answer = browser(admin).post(f"{LIST}{team.pk}/member/", sent)

    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert shares.shared_with(alice.pk) == shares.shared_with(eve.pk) == []


def test_persons_mailboxes_are_not_there(admin: User, alice: User, bob: User) -> None:
    client = browser(admin)
    nobodys = client.get(f"{LIST}999999/")

    assert client.get(f"{LIST}{bob.pk}/").content == nobodys.content
    assert join(client, bob) == 404
    assert client.post(f"{LIST}{bob.pk}/remove/", {"typed": bob.key}).status_code == 404
    assert shares.shared_with(alice.pk) == []


def test_a_helpdesk_makes_no_members_and_takes_none_out(
    admin: User, helpdesk: User, alice: User, team: User
) -> None:
    join(browser(admin), team)
    client = browser(helpdesk)

    assert join(client, team, member="help@example.test") == 403
    assert client.post(f"{LIST}{team.pk}/leave/", {"member": alice.pk}).status_code == 403
    assert client.post(f"{LIST}{team.pk}/remove/", {"typed": team.key}).status_code == 404
    page = said(client, f"{LIST}{team.pk}/")
    assert "Add member" not in page
    assert shares.shared_with(alice.pk) != []
    assert shares.shared_with(helpdesk.pk) == []


def test_who_makes_members_has_proved_who_it_is(admin: User, alice: User, team: User) -> None:
    answer = browser(admin, proved=False).post(
        f"{LIST}{team.pk}/member/",
        {"member": "alice@example.test", "level": "read"},
        headers={"accept": "text/html"},
    )

    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/confirm/")
    assert shares.shared_with(alice.pk) == []


def test_of_a_member_out_of_sight_the_address_alone_is_told(
    admin: User, team: User, domain: Domain
) -> None:
    """Another domain of the same organisation, which the administrator of this one does not see."""
    provisioning.add_domain("second.test", organization=domain.organization)
    ann, _ = provisioning.add_user("ann@second.test", name="Ann Annex")
    sharing.grant(team.key, "ann@second.test", "lrs", None)
    client = browser(admin)

    page = said(client, f"{LIST}{team.pk}/")
    assert "ann@second.test" in page
    assert "Ann Annex" not in page
    assert f"/admin/users/{ann.pk}/" not in page
    assert join(client, team, member="ann@second.test") == 422
    assert client.post(f"{LIST}{team.pk}/leave/", {"member": ann.pk}).status_code == 302
    assert shares.shared_with(ann.pk) == []


def test_name_and_space_are_changed(admin: User, team: User) -> None:
    answer = browser(admin).post(
        f"{LIST}{team.pk}/", {"name": "Care", "space": "2", "kind": "person", "key": "x@y"}
    )

    assert answer.status_code == 302
    team.refresh_from_db()
    assert (team.name, team.quota, team.kind) == ("Care", 2 << 30, Kind.SHARED)
    for wrong in ({"name": "x" * 300}, {"name": "x", "space": "-1"}):
        assert browser(admin).post(f"{LIST}{team.pk}/", wrong).status_code == 422


def test_it_is_removed_by_its_address_and_comes_back_with_its_members(
    admin: User, alice: User, team: User
) -> None:
    client = browser(admin)
    join(client, team)
    assert client.post(f"{LIST}{team.pk}/remove/", {"typed": "team"}).status_code == 422
    assert client.post(f"{LIST}{team.pk}/remove/").status_code == 422

    answer = client.post(f"{LIST}{team.pk}/remove/", {"typed": " Team@example.test "})

    assert (answer.status_code, answer["Location"]) == (302, LIST)
    team.refresh_from_db()
    assert team.state == UserState.REMOVED
    page = client.get(LIST).content.decode()
    assert client.get(f"{LIST}{team.pk}/").status_code == 404
    act = re.search(r'name="act" value="([0-9a-f-]{36})"', page)
    assert act is not None
    client.post("/admin/undo/", {"act": act[1], "next": LIST})
    team.refresh_from_db()
    assert team.state == UserState.ACTIVE
    assert shares.shared_with(alice.pk) != []


def test_names_are_never_read_as_anything_else(admin: User, domain: Domain) -> None:
    hostile = "<script>alert(1)</script> {{7*7}} %s {0.__class__}"
    box, _ = provisioning.add_user("team@example.test", None, hostile, kind=Kind.SHARED)

    for path in (LIST, f"{LIST}{box.pk}/"):
        page = said(browser(admin), path)
        assert "<script>alert" not in page
        assert "{{7*7}} %s {0.__class__}" in page


def test_who_restores_nobody_is_led_to_no_list_of_removed_ones(
    admin: User, helpdesk: User, team: User
) -> None:
    assert "/admin/users/removed/" in said(browser(admin), LIST)
    assert "/admin/users/removed/" not in said(browser(helpdesk), LIST)
