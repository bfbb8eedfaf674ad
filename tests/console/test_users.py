"""The console's pages of users, as browsers without script see them."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from apps.audit.models import AuditRecord
from apps.console import paging
from apps.directory.models import Domain, Kind, Role, User, UserState
from apps.directory.services import organizations
from apps.provisioning import services as provisioning
from tests.console.conftest import PASSWORD, browser, holder


def said(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def test_the_console_leads_to_users(admin: User) -> None:
    assert 'href="/admin/users/"' in said(browser(admin), "/admin/")


def test_it_is_not_there_without_a_role(alice: User, domain: Domain) -> None:
    client = browser(alice)

    for path in ("/admin/", "/admin/users/", f"/admin/users/{alice.pk}/", "/admin/audit/"):
        assert client.get(path).status_code == 404
    assert "Admin console" not in said(client, "/mail/inbox/")


def test_it_is_in_the_menu_of_who_has_a_role(admin: User) -> None:
    assert "Admin console" in said(browser(admin), "/mail/inbox/")


def test_strangers_sign_in_first(admin: User) -> None:
    answer = Client().get("/admin/users/", headers={"accept": "text/html"})

    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_a_role_that_is_taken_ends_at_once(admin: User) -> None:
    client = browser(admin)
    said(client, "/admin/users/")

    admin.grants.all().delete()

    assert client.get("/admin/users/").status_code == 404


def test_the_list_shows_who_is_in_sight(admin: User, alice: User, eve: User) -> None:
    page = said(browser(admin), "/admin/users/")

    assert "Alice Archer" in page
    assert "alice@example.test" in page
    assert "other.test" not in page
    assert "Eve" not in page


@pytest.mark.parametrize(
    ("query", "found", "not_found"),
    [
        ("text=ARCH", "alice@", "bob@"),
        ("text=bob@ex", "bob@", "alice@"),
        ("text=%25", "No user like that", "alice@"),
        ("text=%00bob", "bob@", "alice@"),
        ("domain=EXAMPLE.test", "alice@", "other.test"),
        ("domain=other.test", "No user like that", "eve@"),
        ("state=suspended", "bob@", "alice@"),
        ("state=gone", "No user like that", "alice@"),
        ("after=alice@example.test", "bob@", "alice@"),
        ("after=zzz", "No more users", "alice@"),
        ("text=%ff%fe&after=%f0", "", "eve@"),
    ],
)
def test_the_list_is_filtered(
    admin: User, alice: User, bob: User, eve: User, query: str, found: str, not_found: str
) -> None:
    provisioning.suspend_user("bob@example.test")

    page = said(browser(admin), f"/admin/users/?{query}")
    # What was asked for stands in the forms again.
    rest = page.partition("</form>")[2]
    table = rest.partition('<div class="bulkbar">')[2] or rest

    assert found in table
    assert not_found not in table


def test_the_list_turns_pages_by_key(
    admin: User, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)
    client = browser(admin)
    seen: list[str] = []
    path: str | None = "/admin/users/"
    while path is not None:
        page = said(client, path)
        seen += re.findall(r'href="/admin/users/(\d+)/"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = None
        if following is not None:
            path = "/admin/users/" + following[1].replace("&amp;", "&")

    assert len(seen) == len(set(seen)) == 4  # with the domain's postmaster


def test_a_long_list_costs_as_many_statements_as_a_short_one(
    admin: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = browser(admin)
    said(client, "/admin/users/")
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        said(client, "/admin/users/")
    for number in range(8):
        provisioning.add_user(f"user{number}@example.test", is_admin=number % 2 == 0)
    with django_assert_num_queries(len(few)):
        said(client, "/admin/users/")


def test_a_page_tells_of_a_user(admin: User, alice: User) -> None:
    browser(alice)

    page = said(browser(admin), f"/admin/users/{alice.pk}/devices/")

    for words in ("Alice Archer", "Second factor", "Signed in on the web", "App passwords"):
        assert words in page
    assert "Sign out everywhere" in page


def test_another_tenants_user_is_not_there(admin: User, eve: User) -> None:
    client = browser(admin)
    theirs, nobodys = client.get(f"/admin/users/{eve.pk}/"), client.get("/admin/users/999999/")

    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content


def test_what_another_tenant_gave_is_not_told(
    admin: User, alice: User, other_domain: Domain
) -> None:
    alice.grants.create(role=Role.DOMAIN_ADMIN, domain=other_domain)
    client = browser(admin)

    for path in ("/admin/users/", f"/admin/users/{alice.pk}/"):
        page = said(client, path)
        assert "Administrator elsewhere" in page
        assert "other.test" not in page
    assert "Reset password" not in page
    assert "reach further than yours" in page


def test_name_and_space_are_changed(admin: User, alice: User) -> None:
    answer = browser(admin).post(
        f"/admin/users/{alice.pk}/",
        {"name": "Alice A.", "space": "1.5", "state": "removed", "kind": "shared", "key": "x@y"},
    )

    assert answer.status_code == 302
    before = alice.key
    alice.refresh_from_db()
    assert (alice.name, alice.quota, alice.state) == ("Alice A.", 1.5 * 2**30, UserState.ACTIVE)
    assert (alice.key, alice.kind) == (before, Kind.PERSON)


def test_space_that_is_not_changed_stays_to_the_byte(admin: User, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(quota=1_234_567)
    client = browser(admin)
    shown = re.search(
        r'name="space"[^>]*value="([^"]*)"', said(client, f"/admin/users/{alice.pk}/")
    )
    assert shown is not None

    client.post(f"/admin/users/{alice.pk}/", {"name": "A", "space": shown[1]})

    alice.refresh_from_db()
    assert (alice.name, alice.quota) == ("A", 1_234_567)


def test_what_is_not_known_has_words(admin: User, alice: User) -> None:
    nameless, _ = provisioning.add_user("nameless@example.test")
    browser(alice)
    client = browser(admin)

    assert "Unknown browser" in said(client, f"/admin/users/{alice.pk}/devices/")
    page = said(client, f"/admin/users/{nameless.pk}/").partition('id="main"')[2]
    assert page.count("nameless@example.test") == 1
    assert re.search(r'name="space"[^>]*value="0"', page)


def test_a_helpdesk_sets_no_space(helpdesk: User, alice: User) -> None:
    answer = browser(helpdesk).post(f"/admin/users/{alice.pk}/", {"name": "A", "space": "9"})

    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.name, alice.quota) == ("A", 0)


def test_what_cannot_be_is_said_beside_its_field(admin: User, alice: User) -> None:
    client = browser(admin)

    for values in ({"name": "x" * 201}, {"name": "a", "space": "-1"}, {"name": "a", "space": "x"}):
        answer = client.post(f"/admin/users/{alice.pk}/", values)
        assert answer.status_code == 422
        assert b'aria-invalid="true"' in answer.content


def test_limits_are_said(admin: User, alice: User, domain: Domain) -> None:
    organizations.set_limits(organization_id=domain.organization_id, max_storage=2**30)

    answer = browser(admin).post(f"/admin/users/{alice.pk}/", {"name": "A", "space": "2"})

    assert answer.status_code == 403
    assert b"bytes left to give" in answer.content


@pytest.mark.parametrize(
    ("to", "state"), [("suspend", "suspended"), ("lock", "locked"), ("resume", "active")]
)
def test_states(admin: User, alice: User, to: str, state: str) -> None:
    answer = browser(admin).post(f"/admin/users/{alice.pk}/state/", {"to": to})

    assert answer.status_code == 302
    alice.refresh_from_db()
    assert alice.state == state


def test_no_other_state_is_set(admin: User, alice: User) -> None:
    client = browser(admin)

    for to in ("removed", "", "operator"):
        assert client.post(f"/admin/users/{alice.pk}/state/", {"to": to}).status_code == 404
    assert client.get(f"/admin/users/{alice.pk}/state/").status_code == 405


def test_a_user_is_signed_out_everywhere(admin: User, alice: User) -> None:
    theirs = browser(alice)
    assert theirs.get("/mail/inbox/").status_code == 200

    answer = browser(admin).post(f"/admin/users/{alice.pk}/sessions/")

    assert answer.status_code == 302
    assert theirs.get("/mail/inbox/").status_code in (302, 401)


def test_a_temporary_password_is_shown_once(admin: User, alice: User) -> None:
    client = browser(admin)
    page = said(client, f"/admin/users/{alice.pk}/password/")
    assert "temporary password" in page

    answer = client.post(f"/admin/users/{alice.pk}/password/", {"how": "password"})

    secret = re.search(r'data-copy="([^"]+)"', answer.content.decode())
    assert secret is not None
    assert answer["Cache-Control"].find("no-store") >= 0
    alice.refresh_from_db()
    assert alice.must_change_password
    assert alice.check_password(secret[1])
    assert secret[1] not in said(client, f"/admin/users/{alice.pk}/")
    record = AuditRecord.objects.get(action="user.password")
    assert record.actor == "admin@example.test"
    assert secret[1] not in str(vars(record))


def test_a_link_is_shown_once(admin: User, alice: User) -> None:
    answer = browser(admin).post(f"/admin/users/{alice.pk}/password/", {"how": "link"})

    assert b"/login/reset/" in answer.content
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_sensitive_pages_ask_who_one_is_again(admin: User, alice: User) -> None:
    client = browser(admin, proved=False)

    for path in (f"/admin/users/{alice.pk}/password/", "/admin/users/add/"):
        answer = client.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 302
        assert answer["Location"].startswith("/login/confirm/")


def test_a_second_factor_is_reset(admin: User, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(has_factor=True)
    client = browser(admin)
    said(client, f"/admin/users/{alice.pk}/factors/")

    assert client.post(f"/admin/users/{alice.pk}/factors/").status_code == 302

    alice.refresh_from_db()
    assert not alice.has_factor


def test_nobody_acts_on_whose_role_reaches_further(
    helpdesk: User, admin: User, alice: User, domain: Domain
) -> None:
    boss = holder("boss@example.test", Role.OPERATOR)
    for user, target in ((helpdesk, admin), (helpdesk, boss), (admin, boss)):
        client = browser(user)
        for path in ("password", "factors", "act"):
            assert client.get(f"/admin/users/{target.pk}/{path}/").status_code == 404
            assert client.post(f"/admin/users/{target.pk}/{path}/").status_code == 404
        for path, values in (("state/", {"to": "suspend"}), ("sessions/", {}), ("", {"name": "x"})):
            answer = client.post(f"/admin/users/{target.pk}/{path}", values)
            assert answer.status_code in (403, 422)
    boss.refresh_from_db()
    assert boss.state == UserState.ACTIVE


def test_a_user_is_added(helpdesk: User, domain: Domain) -> None:
    client = browser(helpdesk)
    page = said(client, "/admin/users/add/")
    assert 'name="space"' not in page

    answer = client.post("/admin/users/add/", {"address": "New@Example.test", "name": "New One"})

    assert answer.status_code == 200
    assert b"Temporary password" in answer.content
    user = User.objects.get(key="new@example.test")
    assert user.must_change_password
    again = client.post("/admin/users/add/", {"address": "New@Example.test"})
    assert again.status_code == 422
    assert b"exists already" in again.content


@pytest.mark.parametrize("address", ["x@other.test", "x@nowhere.test", "x", "", "a b@example.test"])
def test_no_user_is_added_elsewhere(admin: User, other_domain: Domain, address: str) -> None:
    count = User.objects.count()

    answer = browser(admin).post("/admin/users/add/", {"address": address})

    assert answer.status_code == 422
    assert User.objects.count() == count


def test_acting_as_a_user_is_off_until_it_is_switched_on(
    admin: User, alice: User, settings: Settings
) -> None:
    client = browser(admin)
    assert client.get(f"/admin/users/{alice.pk}/act/").status_code == 404
    assert "Look as this user" not in said(client, f"/admin/users/{alice.pk}/")

    settings.ACT_AS_USER = True

    assert "Look as this user" in said(client, f"/admin/users/{alice.pk}/")
    said(client, f"/admin/users/{alice.pk}/act/")
    answer = client.post(f"/admin/users/{alice.pk}/act/", {"reason": "asked for help"})
    assert answer.status_code == 302
    assert client.get("/mail/inbox/").status_code == 200
    assert client.get("/admin/users/").status_code in (403, 404)


def test_a_reseller_and_a_helpdesk_never_look_as_a_user(
    helpdesk: User, alice: User, domain: Domain, settings: Settings
) -> None:
    settings.ACT_AS_USER = True
    reseller = holder("seller@example.test", Role.RESELLER, domain.organization)

    for user in (helpdesk, reseller):
        assert browser(user).post(f"/admin/users/{alice.pk}/act/").status_code == 404


def test_names_are_never_read_as_anything_else(admin: User, domain: Domain) -> None:
    hostile = "<script>alert(1)</script> {{7*7}} %s"
    user, _ = provisioning.add_user("mallory@example.test", name=hostile)
    client = browser(admin)

    for path in ("/admin/users/", f"/admin/users/{user.pk}/"):
        page = said(client, path)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; {{7*7}} %s" in page
