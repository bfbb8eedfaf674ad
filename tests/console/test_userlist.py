"""The list of users: filters, orders, pages, and what is done to many at once."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.console import paging, userbulk
from apps.console.models import BulkAct
from apps.console.services import bulkacts
from apps.directory.models import Domain, Kind, Role, User, UserState
from apps.directory.permissions import powers_of
from apps.mailstore.models import Usage
from apps.provisioning import services as provisioning
from apps.provisioning.administration import aliases
from tests.console.conftest import browser, holder

LIST = "/admin/users/"
BULK = "/admin/users/bulk/"


def said(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def shown(page: str) -> list[int]:
    """The users of a page, in their order."""
    return [int(one) for one in re.findall(r'name="id" value="(\d+)"', page)]


def walked(client: Client, query: str) -> list[int]:
    """The users of all pages."""
    found: list[int] = []
    path: str | None = f"{LIST}?{query}"
    while path is not None:
        page = said(client, path)
        found += shown(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = None if following is None else LIST + following[1].replace("&amp;", "&")
    return found


@pytest.fixture
def crowd(domain: Domain) -> list[User]:
    """Nine boxes: three names, each three times, and three sizes."""
    made = []
    for number in range(9):
        name = ("Ann", "", "zoé")[number % 3]
        user, _ = provisioning.add_user(f"box{number}@example.test", None, name, kind=Kind.RESOURCE)
        Usage.objects.update_or_create(user=user, defaults={"size": (number // 3) * 1_000})
        made.append(user)
    return made


@pytest.mark.parametrize("sort", ["address", "name", "storage", "idle"])
def test_each_order_shows_everybody_once(
    admin: User, crowd: list[User], monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)

    found = walked(browser(admin), f"sort={sort}")

    living = User.objects.living().filter(domain=admin.domain)
    assert sorted(found) == sorted(living.values_list("pk", flat=True))
    if sort == "storage":
        sizes = dict(Usage.objects.values_list("user", "size"))
        assert [sizes.get(pk, 0) for pk in found] == sorted(
            (sizes.get(pk, 0) for pk in found), reverse=True
        )
    if sort == "idle":
        assert found == list(living.order_by("created_at", "pk").values_list("pk", flat=True))
    if sort == "name":
        names = dict(living.values_list("pk", "name"))
        assert [names[pk] for pk in found].index("Ann") < [names[pk] for pk in found].index("zoé")


@pytest.mark.parametrize(
    "after", ["x", "~", "1~", "-1~a", "1~9999999999999999999999", "%00~%00", "٣~٣", "1e400~2"]
)
@pytest.mark.parametrize("sort", ["name", "storage", "nothing", "address", "idle"])
def test_a_page_that_is_none_is_no_error(admin: User, sort: str, after: str) -> None:
    said(browser(admin), f"{LIST}?sort={sort}&after={after}")


def test_filters_narrow(admin: User, alice: User, crowd: list[User]) -> None:
    User.objects.filter(pk=alice.pk).update(has_factor=True)
    client = browser(admin)

    assert shown(said(client, f"{LIST}?factor=on")) == [alice.pk]
    assert alice.pk not in shown(said(client, f"{LIST}?factor=off"))
    assert shown(said(client, f"{LIST}?role=domain_admin")) == [admin.pk]
    assert admin.pk not in shown(said(client, f"{LIST}?role=none"))
    assert set(shown(said(client, f"{LIST}?kind=resource"))) == {one.pk for one in crowd}
    for query in ("role=king", "kind=ghost", "factor=maybe&role=operator"):
        assert shown(said(client, f"{LIST}?{query}")) == []


def test_it_says_how_many_fit(
    admin: User, crowd: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 4)
    client = browser(admin)

    page = said(client, f"{LIST}?kind=resource")
    assert "4 of 9" in page
    assert "All 9 that match" in page

    monkeypatch.setattr(paging, "COUNTED", 5)
    assert "4 of more than 5" in said(client, f"{LIST}?kind=resource")


def test_who_was_not_seen_for_long_is_found(admin: User, alice: User, bob: User) -> None:
    def at(user: User, seen: int | None, made: int = 400) -> None:
        now = timezone.now()
        seen_at = None if seen is None else now - timedelta(days=seen)
        User.objects.filter(pk=user.pk).update(
            seen_at=seen_at, created_at=now - timedelta(days=made)
        )

    client = browser(admin)
    at(admin, 0)
    at(alice, 100)
    at(bob, None)
    assert shown(said(client, f"{LIST}?idle=90&sort=idle")) == [bob.pk, alice.pk]
    assert shown(said(client, f"{LIST}?idle=180")) == [bob.pk]
    assert f"{timezone.now() - timedelta(days=100):%Y}" in said(client, f"{LIST}?idle=90")
    at(bob, None, made=3)  # nobody can have signed in before that
    assert shown(said(client, f"{LIST}?idle=30")) == [alice.pk]
    for nonsense in ("0", "-90", "90 days", "\u0669\u0660"):
        assert admin.pk in shown(said(client, f"{LIST}?idle={nonsense}"))
    box = provisioning.add_user("box@example.test", None, kind=Kind.SHARED)[0]
    at(box, None)
    assert box.pk not in shown(said(client, f"{LIST}?idle=30"))


@pytest.mark.parametrize("sort", ["address", "name", "storage", "idle"])
def test_a_long_list_costs_what_a_short_one_does(admin: User, sort: str) -> None:
    client = browser(admin)
    counts = []
    for more in (3, 57):
        for number in range(more):
            local = f"{sort}{more}x{number}"
            provisioning.add_user(f"{local}@example.test", None, local, kind=Kind.RESOURCE)
        said(client, f"{LIST}?sort={sort}")
        with CaptureQueriesContext(connection) as found:
            said(client, f"{LIST}?sort={sort}&text=x")
        counts.append(len(found))

    # How many there are in all is asked where a page does not tell.
    assert counts[1] == counts[0] + 1


def done(client: Client, act: str, users: list[User], **more: str) -> str:
    """What the list says after an act."""
    ids = [str(user.pk) for user in users]
    answer = client.post(BULK, {"act": act, "id": ids, **more}, follow=True)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def take_back(client: Client, page: str) -> str:
    """Press Undo."""
    act = re.search(r'name="act" value="([0-9a-f-]{36})"', page)
    assert act is not None
    answer = client.post("/admin/undo/", {"act": act[1], "next": LIST}, follow=True)
    return answer.content.decode()


def test_many_are_suspended_and_it_is_taken_back(admin: User, alice: User, bob: User) -> None:
    client = browser(admin)
    provisioning.suspend_user("bob@example.test", receives=True)

    page = done(client, "suspend", [alice, bob])

    assert "2 users are suspended." in page
    assert "2 users are as before." in take_back(client, page)
    states = dict(User.objects.values_list("key", "state"))
    assert states["alice@example.test"] == UserState.ACTIVE
    assert states["bob@example.test"] == UserState.LOCKED


def test_what_somebody_changed_since_is_not_taken_back(admin: User, alice: User) -> None:
    client = browser(admin)
    page = done(client, "lock", [alice])
    provisioning.suspend_user("alice@example.test")

    assert "0 users are as before." in take_back(client, page)
    alice.refresh_from_db()
    assert alice.state == UserState.SUSPENDED


def test_nobody_out_of_sight_is_touched_or_named(admin: User, alice: User, eve: User) -> None:
    page = done(browser(admin), "suspend", [alice, eve])

    assert "1 user is suspended." in page
    assert "eve" not in page.lower().replace("everything", "").replace("never", "")
    eve.refresh_from_db()
    assert eve.state == UserState.ACTIVE


def test_who_is_not_reached_is_told_with_the_reason(admin: User, alice: User) -> None:
    boss = holder("boss@example.test", Role.OPERATOR)

    page = done(browser(admin), "suspend", [alice, boss, admin])

    assert "1 user is suspended." in page
    assert "2 not: admin@example.test: Not to yourself" in page
    assert "boss@example.test: This user&#x27;s roles reach further than yours" in page


def test_a_quota_for_many(admin: User, alice: User, bob: User) -> None:
    client = browser(admin)
    assert "For 2 users" in done(client, "quota", [alice, bob])

    page = done(client, "quota", [alice, bob], sure="1", space="1.5")

    assert "2 users are given this quota." in page
    assert set(User.objects.filter(pk__in=[alice.pk, bob.pk]).values_list("quota", flat=True)) == {
        3 << 29
    }
    take_back(client, page)
    alice.refresh_from_db()
    assert alice.quota == 0


@pytest.mark.parametrize("space", ["-1", "NaN", "1e400", "Infinity", "x", "", "9" * 40, "1.23456"])
def test_a_quota_that_is_none(admin: User, alice: User, space: str) -> None:
    answer = browser(admin).post(
        BULK, {"act": "quota", "id": str(alice.pk), "sure": "1", "space": space}
    )

    assert answer.status_code == 422
    assert b'aria-invalid="true"' in answer.content


def test_many_join_a_group(admin: User, alice: User, bob: User) -> None:
    provisioning.add_alias("crew@example.test", ["bob@example.test"])
    client = browser(admin)

    page = done(client, "group", [alice, bob], sure="1", group="Crew@example.test")

    assert "1 user is added to the group." in page
    assert "1 user is as before." in take_back(client, page)


def test_who_left_the_group_meanwhile_keeps_nobody_in_it(
    admin: User, alice: User, bob: User
) -> None:
    """An Undo takes out whom it can, and is no trouble over who is out already."""
    alias = provisioning.add_alias("crew@example.test", ["other@elsewhere.test"])
    client, powers = browser(admin), powers_of(admin)
    done(client, "group", [alice, bob], sure="1", group="crew@example.test")
    aliases.remove_targets(powers=powers, alias_id=alias.pk, targets=[bob.address])
    act = BulkAct.objects.get()
    assert userbulk.undo_group(powers, act.before) == "1 user is as before."
    assert list(alias.targets.values_list("address", flat=True)) == ["other@elsewhere.test"]


@pytest.mark.parametrize("group", ["nobody@example.test", "eve@other.test", "x", "*@example.test"])
def test_a_group_that_is_not_in_sight(
    admin: User, alice: User, other_domain: Domain, group: str
) -> None:
    provisioning.add_alias("crew@other.test", ["x@y.test"])
    answer = browser(admin).post(
        BULK, {"act": "group", "id": str(alice.pk), "sure": "1", "group": group}
    )

    assert answer.status_code == 422


def test_removal_wants_the_number(admin: User, alice: User, bob: User) -> None:
    client = browser(admin)
    values = {"act": "remove", "id": [str(alice.pk), str(bob.pk)], "sure": "1"}

    assert client.post(BULK, {**values, "number": "3"}).status_code == 422
    assert User.objects.living().filter(pk=alice.pk).exists()

    page = client.post(BULK, {**values, "number": "2"}, follow=True).content.decode()
    assert "2 users are removed" in page
    assert "2 users are back." in take_back(client, page)
    assert User.objects.get(pk=alice.pk).key == "alice@example.test"


def test_all_that_match_is_asked_of_the_server(
    admin: User, alice: User, crowd: list[User], eve: User
) -> None:
    client = browser(admin)

    page = done(client, "lock", [alice], everything="1", kind="resource")

    assert "9 users are locked." in page
    alice.refresh_from_db()
    eve.refresh_from_db()
    assert (alice.state, eve.state) == (UserState.ACTIVE, UserState.ACTIVE)


def test_so_many_at_once_and_no_more(
    admin: User, crowd: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulkacts, "MOST", 5)

    page = done(browser(admin), "lock", [], everything="1", kind="resource")

    assert "5 users at a time" in page
    assert not User.objects.filter(state=UserState.LOCKED).exists()


def test_passwords_and_sessions_of_many(admin: User, alice: User, bob: User) -> None:
    client, theirs = browser(admin), browser(alice)

    assert "2 users are asked" in done(client, "password", [alice, bob], sure="1")
    alice.refresh_from_db()
    assert alice.must_change_password
    assert "2 users are signed out" in done(client, "sessions", [alice, bob], sure="1")
    assert theirs.get("/mail/inbox/").status_code in (302, 401)


def test_a_helpdesk_without_more_acts_on_nobody(domain: Domain, alice: User) -> None:
    client = browser(holder("desk@example.test", Role.HELPDESK, domain))
    page = said(client, LIST)
    assert alice.address in page
    assert 'value="suspend"' not in page

    for act in ("quota", "group", "remove", "sessions", "password", "nonsense"):
        assert client.post(BULK, {"act": act, "id": str(alice.pk)}).status_code == 404
    page = done(client, "suspend", [alice])
    assert "1 not: alice@example.test: Your role does not let you" in page


@pytest.mark.parametrize("ids", [["x"], ["-1"], ["9" * 40], ["٣"], [], ["0"]])
def test_ids_that_are_none(admin: User, ids: list[str]) -> None:
    answer = browser(admin).post(BULK, {"act": "suspend", "id": ids}, follow=True)

    assert b"Nobody was chosen" in answer.content


@pytest.mark.parametrize(
    "text", ["%s {0} {{7*7}} ' ; --", "100%", "_", "\\", "<b>", "‮gnp", "a" * 5_000]
)
def test_hostile_words_are_only_words(admin: User, text: str) -> None:
    page = said(browser(admin), f"{LIST}?{urlencode({'text': text, 'domain': text, 'role': text})}")

    assert "49" not in page.partition("<main")[2].partition("<table")[0].replace("{{7*7}}", "")
    assert "<b>" not in page.partition("<main")[2].partition("No user")[0]


def test_names_of_groups_to_choose_are_in_sight(admin: User, other_domain: Domain) -> None:
    provisioning.add_alias("crew@example.test", ["x@y.test"])
    provisioning.add_alias("secret@other.test", ["x@y.test"])
    assert userbulk.group_choices(powers_of(admin)) == ["crew@example.test"]


def test_a_row_offers_what_may_be_done_to_this_very_user(
    admin: User, helpdesk: User, alice: User
) -> None:
    page = said(browser(helpdesk), LIST)
    assert f"/admin/users/{alice.pk}/password/" in page
    assert f"/admin/users/{alice.pk}/remove/" not in page
    for other in (admin, helpdesk):  # whoever has a role, and oneself
        assert f"/admin/users/{other.pk}/password/" not in page

    page = said(browser(admin), LIST)
    assert f"/admin/users/{helpdesk.pk}/password/" in page
    assert f"/admin/users/{admin.pk}/password/" not in page
    assert f"/admin/users/{admin.pk}/remove/" not in page
