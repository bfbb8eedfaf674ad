"""The console's pages of aliases and groups, as browsers without script see them."""

import re
from typing import Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from apps.audit.models import AuditRecord
from apps.console import paging
from apps.directory.models import Alias, Domain, PatternKind, State, User
from apps.directory.routing import Status, resolve
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from tests.console.conftest import browser

LIST: Final = "/admin/aliases/"
HOSTILE: Final = "%s{0.__class__}{{7*7}}'--"  # what a local part may have


def said(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def table(page: str) -> str:
    """What was found: what was asked for stands in the form again."""
    return page.partition("</form>\n<section")[2].partition("data-tools")[2].partition("<table")[2]


@pytest.fixture
def some(admin: User, alice: User, bob: User) -> dict[str, Alias]:
    """One of each sort."""
    patterns = {
        "sales@example.test": ["alice@example.test"],
        "team@example.test": ["alice@example.test", "bob@example.test", "x@far.test"],
        "help-*@example.test": ["bob@example.test"],
        "/desk[0-9]+/@example.test": ["bob@example.test"],
        "*@example.test": ["Admin@example.test"],
    }
    return {text: provisioning.add_alias(text, targets) for text, targets in patterns.items()}


def test_the_list_says_what_each_is_and_where_it_goes(admin: User, some: dict[str, Alias]) -> None:
    page = said(browser(admin), LIST)

    for words in ("sales@example.test", "3 members", "Group", "Pattern", "Catch-all"):
        assert words in table(page)


@pytest.mark.parametrize(
    ("query", "found", "not_found"),
    [
        ("text=sal", "sales@", "team@"),
        ("text=SALES@exam", "sales@", "team@"),
        ("text=ales", "", "sales@"),
        ("text=x@far", "team@", "sales@"),
        ("text=ADMIN@", "@example.test", "team@"),
        ("text=@example.test", "@example.test", "team@"),
        ("text=%25", "", "sales@"),
        ("text=_ales", "", "sales@"),
        ("text=%00sal", "sales@", "team@"),
        ("text=%ff%fe", "", "sales@"),
        ("sort=alias", "sales@", "team@"),
        ("sort=group", "team@", "sales@"),
        ("sort=pattern", "help-*@", "sales@"),
        ("sort=catch_all", "@example.test", "sales@"),
        ("sort=nothing", "sales@", "nothing"),
        ("domain=EXAMPLE.test", "sales@", "ceo@"),
        ("domain=other.test", "", "ceo@"),
        ("after=x~y", "sales@", "ceo@"),
        ("after=999999999999999999~a", "", "sales@"),
        ("after=99999999999999999999999~a", "sales@", "ceo@"),
    ],
)
def test_the_list_is_filtered(
    admin: User, eve: User, some: dict[str, Alias], query: str, found: str, not_found: str
) -> None:
    provisioning.add_alias("ceo@other.test", ["eve@other.test"])

    page = said(browser(admin), f"{LIST}?{query}")

    assert found in table(page)
    assert not_found not in table(page)
    assert found or "No alias like that" in page or "No more aliases" in page


def test_the_list_turns_pages_by_key(
    admin: User, some: dict[str, Alias], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)
    client = browser(admin)
    seen: list[str] = []
    path: str | None = LIST
    while path is not None:
        page = said(client, path)
        seen += re.findall(r'href="/admin/aliases/(\d+)/"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = LIST + following[1].replace("&amp;", "&") if following is not None else None

    assert len(seen) == len(set(seen)) == 5


def test_a_long_list_costs_as_many_statements_as_a_short_one(
    admin: User, some: dict[str, Alias], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = browser(admin)
    said(client, LIST)
    with CaptureQueriesContext(connection) as few:
        said(client, LIST)
    for number in range(60):
        targets = [f"t{of}@far.test" for of in range(1 + number % 7)]
        provisioning.add_alias(f"list{number}@example.test", targets)

    with django_assert_num_queries(len(few)):
        page = said(client, LIST)

    assert page.count('name="id"') == paging.PAGE


def test_many_targets_cost_as_many_statements_as_few(
    admin: User, some: dict[str, Alias], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = browser(admin)
    page = f"/admin/aliases/{some['team@example.test'].pk}/"
    said(client, page)
    with CaptureQueriesContext(connection) as few:
        said(client, page)
    for number in range(30):
        provisioning.add_user(f"user{number}@example.test")
    for number in range(30):
        some["team@example.test"].targets.create(address=f"user{number}@example.test")

    with django_assert_num_queries(len(few)):
        said(client, page)


def test_an_alias_is_added(admin: User, alice: User) -> None:
    client = browser(admin)
    said(client, f"{LIST}add/")
    said(client, f"{LIST}add/?group=1")

    answer = client.post(
        f"{LIST}add/",
        {"address": "Sales@Example.test", "targets": " alice@example.test \r\n\r\nx@far.test\n"},
    )

    made = Alias.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}{made.pk}/")
    assert (made.local, made.kind) == ("sales", PatternKind.EXACT)
    assert [one.address for one in made.targets.order_by("pk")] == [
        "alice@example.test",
        "x@far.test",
    ]
    record = AuditRecord.objects.get(action="alias.add")
    assert record.actor == "admin@example.test"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("alice@example.test", "has this address"),
        ("ceo@other.test", "is not hosted here"),
        ("ceo@nowhere.test", "is not hosted here"),
        ("*@other.test", "is not hosted here"),
        ("@other.test", "is not hosted here"),
        ("x*@other.test", "is not hosted here"),
        ("/c.*/@other.test", "is not hosted here"),
        ("/(/@example.test", "Not a usable regular expression"),
        ("a@[127.0.0.1]", "in a domain"),
        ("a\rb@example.test", "Not a usable address"),
        ("a\nBcc: x@example.test", "Not a usable address"),
        ("nul\0@example.test", "Null characters"),
        ("a" * 65 + "@example.test", "Not a usable address"),
        ("a" * 5_000 + "@example.test", "at most 500 characters"),
        ("a*b*c*d*e*f@example.test", "at most 4 asterisks"),
        ("", "This field is required"),
    ],
)
def test_what_cannot_be_an_alias_is_said_beside_its_field(
    admin: User, alice: User, other_domain: Domain, address: str, why: str
) -> None:
    answer = browser(admin).post(
        f"{LIST}add/", {"address": address, "targets": "alice@example.test"}
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in page
    assert re.search(rf'id="id_address-help">.*{re.escape(why)}', page), page
    assert not Alias.objects.exists()


@pytest.mark.parametrize(
    ("targets", "why"),
    [
        ("alice@example.test\nnot an address", "Line 2: Not a usable address"),
        ("\n\nx*@far.test", "Line 3: A target is an address, not a pattern"),
        ("a@far.test\u2028b@far.test", "Line 1: Not a usable address"),
        ("a@far.test\x0bb@far.test", "Line 1: Not a usable address"),
        ("a@far.test, b@far.test", "Line 1: Not a usable address"),
        ("nul\0@far.test", "Null characters"),
        ("a" * 5_000 + "@far.test", "Line 1: Not a usable address"),
        ("x@far.test\n" * 50_000, "at most 65536 characters"),
        ("\n".join(f"x{number}@far.test" for number in range(101)), "at most 100 targets"),
        ("\n".join(f"x{number}" for number in range(50)), "47 more lines are wrong"),
        (" \r\n \n", "This field is required"),
    ],
)
def test_wrong_targets_are_said_with_their_lines(
    admin: User, alice: User, targets: str, why: str
) -> None:
    answer = browser(admin).post(
        f"{LIST}add/", {"address": "sales@example.test", "targets": targets}
    )

    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not Alias.objects.exists()


@pytest.mark.parametrize(
    "target", ["grüße@far.test", "x@bücher.test", "%s{0.__class__}{{7}}'--&amp;@far.test"]
)
def test_strange_targets_are_shown_as_they_are(admin: User, alice: User, target: str) -> None:
    client = browser(admin)
    answer = client.post(
        f"{LIST}add/", {"address": "sales@example.test", "targets": target.replace(";", "")}
    )
    assert answer.status_code == 302
    alias = Alias.objects.get()
    stored = alias.targets.get().address
    alias.targets.create(address="alice@example.test")

    for path in (LIST, f"{LIST}{alias.pk}/", "/admin/route/?address=sales@example.test"):
        assert escape(stored) in said(client, path) or path == LIST
    answer = client.post(f"{LIST}{alias.pk}/targets/", {"do": "remove", "target": stored})
    assert answer.status_code == 302
    assert [one.address for one in alias.targets.all()] == ["alice@example.test"]


@pytest.mark.parametrize("local", [HOSTILE, "grün", "';--", '"two words"', '"<img src=x>"'])
def test_strange_aliases_are_shown_as_they_are(admin: User, alice: User, local: str) -> None:
    """What no address may have is refused, and stands in the form as it was typed."""
    client, address = browser(admin), f"{local}@example.test"
    answer = client.post(f"{LIST}add/", {"address": address, "targets": f"x\n{address}"})
    assert answer.status_code == 422
    assert answer.content.decode().count(escape(address)) == 2

    answer = client.post(f"{LIST}add/", {"address": address, "targets": "alice@example.test"})

    if local[0] in "\"'":
        assert answer.status_code == 422
        return
    for path in (LIST, answer["Location"], "/admin/audit/"):
        assert escape(address) in said(client, path)
    assert client.post(f"{answer['Location']}remove/").status_code == 302
    assert not Alias.objects.exists()


def test_an_international_domain_is_found(admin: User, alice: User) -> None:
    client = browser(admin)

    client.post(f"{LIST}add/", {"address": "a@example.test", "targets": "x@bücher.test"})

    assert Alias.objects.get().targets.get().address == "x@xn--bcher-kva.test"


def test_targets_are_told_as_far_as_they_are_in_sight(
    admin: User, some: dict[str, Alias], eve: User, other_domain: Domain
) -> None:
    provisioning.add_alias("secret@other.test", ["eve@other.test"])
    targets = [
        "alice@example.test",
        "team@example.test",
        "eve@other.test",
        "secret@other.test",
        "nobody@other.test",
        "x@far.test",
    ]
    alias = provisioning.add_alias("mix@example.test", targets)

    page = said(browser(admin), f"{LIST}{alias.pk}/")

    assert "Alice Archer" in page
    assert f'href="{LIST}{some["team@example.test"].pk}/"' in page
    assert page.count("Not in a domain of yours") == 4
    assert "Eve" not in page


def test_a_target_that_nobody_has_is_said(admin: User, alice: User) -> None:
    alias = provisioning.add_alias(
        "sales@example.test", ["gone@example.test", "alice@example.test"]
    )

    page = said(browser(admin), f"{LIST}{alias.pk}/")

    assert "Nobody has this address: its mail is lost" in page
    assert "gone@example.test reaches nobody and is left out" in page


def test_a_loop_is_said(admin: User, domain: Domain) -> None:
    one = provisioning.add_alias("one@example.test", ["two@example.test"])
    provisioning.add_alias("two@example.test", ["one@example.test"])

    page = said(browser(admin), f"{LIST}{one.pk}/")

    assert "Refused: 554 5.4.6" in page


def test_targets_are_added_and_removed(admin: User, some: dict[str, Alias]) -> None:
    client, alias = browser(admin), some["sales@example.test"]
    path = f"{LIST}{alias.pk}/targets/"

    answer = client.post(path, {"do": "add", "targets": "bob@example.test\nALICE@example.test"})
    assert answer.status_code == 302
    assert "addresses are added" in said(client, f"{LIST}{alias.pk}/")
    client.post(path, {"do": "remove", "target": "bob@example.test"})

    addresses = {one.address for one in alias.targets.all()}
    assert addresses == {"alice@example.test", "ALICE@example.test"}
    assert client.post(path, {"do": "add", "targets": "x\ny"}).status_code == 422


def test_the_last_target_stays(admin: User, some: dict[str, Alias]) -> None:
    alias = some["sales@example.test"]

    answer = browser(admin).post(
        f"{LIST}{alias.pk}/targets/", {"do": "remove", "target": "alice@example.test"}
    )

    assert answer.status_code == 409
    assert b"would have no target left" in answer.content
    assert alias.targets.count() == 1


def test_two_tabs_take_the_same_target_out(admin: User, some: dict[str, Alias]) -> None:
    client, alias = browser(admin), some["team@example.test"]
    values = {"do": "remove", "target": "bob@example.test"}
    client.post(f"{LIST}{alias.pk}/targets/", values)

    answer = client.post(f"{LIST}{alias.pk}/targets/", values)

    assert answer.status_code == 409
    assert b"bob@example.test is not in team@example.test" in answer.content


def test_two_tabs_remove_the_same_alias(admin: User, some: dict[str, Alias]) -> None:
    client, alias = browser(admin), some["team@example.test"]
    assert client.post(f"{LIST}{alias.pk}/remove/").status_code == 302

    for act in ("remove/", "targets/", "state/"):
        assert client.post(f"{LIST}{alias.pk}/{act}", {"to": "suspend"}).status_code == 404


def test_more_than_a_hundred_targets_are_said(admin: User, some: dict[str, Alias]) -> None:
    alias = some["team@example.test"]
    lines = "\n".join(f"x{number}@far.test" for number in range(99))

    answer = browser(admin).post(f"{LIST}{alias.pk}/targets/", {"do": "add", "targets": lines})

    assert answer.status_code == 422
    assert b"at most 100 targets" in answer.content
    assert alias.targets.count() == 3


def test_an_alias_rests_and_works_again(admin: User, some: dict[str, Alias]) -> None:
    client, alias = browser(admin), some["sales@example.test"]

    client.post(f"{LIST}{alias.pk}/state/", {"to": "suspend"})

    assert resolve(Address.parse("sales@example.test")).status is Status.SUSPENDED
    assert "Suspended" in said(client, f"{LIST}{alias.pk}/")
    client.post(f"{LIST}{alias.pk}/state/", {"to": "resume"})
    alias.refresh_from_db()
    assert alias.state == State.ACTIVE
    assert AuditRecord.objects.filter(action__in=("alias.suspend", "alias.resume")).count() == 2
    for to in ("locked", "", "active"):
        assert client.post(f"{LIST}{alias.pk}/state/", {"to": to}).status_code == 404


def undo(client: Client) -> str:
    """Press Undo on the page that comes next; what is said then."""
    page = said(client, LIST)
    acts = re.findall(r'name="act" value="([0-9a-f-]{36})"', page)
    client.post("/admin/undo/", {"act": acts[-1], "next": LIST})
    return said(client, LIST)


def test_many_are_removed_and_come_back(admin: User, some: dict[str, Alias]) -> None:
    client = browser(admin)
    ids = [alias.pk for alias in some.values()]
    client.post(f"{LIST}{some['team@example.test'].pk}/state/", {"to": "suspend"})

    answer = client.post(
        f"{LIST}bulk/", {"act": "remove", "id": [*ids, "x", "-1", "9" * 30], "text": "sa"}
    )

    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?text=sa")
    assert not Alias.objects.exists()
    assert "5 aliases are back" in undo(client)
    back = Alias.objects.get(local="team")
    assert back.state == State.SUSPENDED
    assert [one.address for one in back.targets.order_by("pk")] == [
        "alice@example.test",
        "bob@example.test",
        "x@far.test",
    ]


def test_what_is_taken_meanwhile_does_not_come_back(admin: User, some: dict[str, Alias]) -> None:
    client = browser(admin)
    client.post(f"{LIST}{some['sales@example.test'].pk}/remove/")
    provisioning.add_user("sales@example.test")

    page = undo(client)

    assert "has this address" in page
    assert not Alias.objects.filter(local="sales").exists()


def test_many_rest_and_work_again(admin: User, some: dict[str, Alias]) -> None:
    client = browser(admin)
    ids = [alias.pk for alias in some.values()]

    client.post(f"{LIST}bulk/", {"act": "suspend", "id": ids})

    assert set(Alias.objects.values_list("state", flat=True)) == {State.SUSPENDED}
    assert "5 aliases are as before" in undo(client)
    assert set(Alias.objects.values_list("state", flat=True)) == {State.ACTIVE}


def test_nobody_acts_on_anothers_aliases(
    admin: User, helpdesk: User, eve: User, some: dict[str, Alias]
) -> None:
    theirs = provisioning.add_alias("ceo@other.test", ["eve@other.test"])
    ours = some["sales@example.test"]
    client = browser(admin)
    nobodys = client.get(f"{LIST}999999/")

    answer = client.get(f"{LIST}{theirs.pk}/")
    assert (answer.status_code, answer.content) == (404, nobodys.content)
    for act in ("remove", "suspend"):
        client.post(f"{LIST}bulk/", {"act": act, "id": [theirs.pk]})
    values = {"do": "add", "targets": "admin@example.test"}
    assert client.post(f"{LIST}{theirs.pk}/targets/", values).status_code == 404
    weak = browser(helpdesk)
    assert weak.post(f"{LIST}bulk/", {"act": "remove", "id": [ours.pk]}).status_code == 404
    for act, values in (
        ("remove", {}),
        ("state", {"to": "suspend"}),
        ("targets", {"do": "add", "targets": "x@far.test"}),
        ("targets", {"target": "alice@example.test"}),
    ):
        assert weak.post(f"{LIST}{ours.pk}/{act}/", values).status_code == 403
    assert "Remove" not in said(weak, f"{LIST}{ours.pk}/").partition('id="main"')[2]
    theirs.refresh_from_db()
    assert (theirs.state, theirs.targets.count()) == (State.ACTIVE, 1)


def test_an_alias_is_not_moved_into_anothers_domain(
    admin: User, some: dict[str, Alias], other_domain: Domain
) -> None:
    alias = some["sales@example.test"]
    more = {
        "domain": other_domain.pk,
        "domain_id": other_domain.pk,
        "local": "ceo",
        "pattern": "ceo@other.test",
        "address": "ceo@other.test",
    }
    client = browser(admin)

    for act, values in (
        ("targets", {"do": "add", "targets": "bob@example.test"}),
        ("state", {"to": "suspend"}),
    ):
        client.post(f"{LIST}{alias.pk}/{act}/", {**values, **more})
        answer = client.patch(f"{LIST}{alias.pk}/", more, content_type="application/json")
        assert answer.status_code == 405

    alias.refresh_from_db()
    assert (alias.domain.name, alias.local) == ("example.test", "sales")
    assert not Alias.objects.filter(domain=other_domain).exists()


def test_only_known_acts_are_done(admin: User, some: dict[str, Alias]) -> None:
    client = browser(admin)

    for act in ("", "delete", "remove "):
        assert client.post(f"{LIST}bulk/", {"act": act}).status_code == 404
    ids = [str(number) for number in range(1_001)]
    assert client.post(f"{LIST}bulk/", {"act": "remove", "id": ids}).status_code == 400
    assert Alias.objects.count() == 5
