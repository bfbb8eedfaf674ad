"""The console's pages of organisations, as browsers without script see them."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.audit.models import AuditRecord
from apps.console import organizationlist
from apps.console.dearcounts import DearCounts, _Work
from apps.directory.models import Domain, Organization, Role, SendLimit, State, User
from apps.directory.permissions import powers_of
from apps.directory.services import organizations
from apps.provisioning import services as provisioning
from tests.console.conftest import browser, holder

HOSTILE = "<script>alert(1)</script> {{7*7}} %s"


@pytest.fixture(autouse=True)
def _counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(organizationlist, "counts", DearCounts(cheap=1e6))


def said(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


@pytest.fixture
def reseller(domain: Domain) -> User:
    return holder("seller@example.test", Role.RESELLER, domain.organization)


def values(**changed: str) -> dict[str, str]:
    return {"name": "A", "domains": "", "users": "", "storage": ""} | changed


def test_operators_see_all_and_resellers_their_own(
    operator: User, reseller: User, other_domain: Domain
) -> None:
    everything = said(browser(operator), "/admin/organizations/")
    own = said(browser(reseller), "/admin/organizations/")
    assert reseller.domain is not None

    other = f"/admin/organizations/{other_domain.organization_id}/"
    assert other in everything
    assert other not in own
    assert f"/admin/organizations/{reseller.domain.organization_id}/" in own
    assert "Add organisation" in everything
    assert "Add organisation" not in own


def test_nobody_else_sees_any(admin: User, helpdesk: User, domain: Domain) -> None:
    for user in (admin, helpdesk):
        client = browser(user)
        for path in ("", "add/", f"{domain.organization_id}/", f"{domain.organization_id}/state/"):
            assert client.get(f"/admin/organizations/{path}").status_code == 404
        assert "/admin/organizations/" not in said(client, "/admin/users/")


def test_anothers_organisation_is_answered_as_one_that_is_not_there(
    reseller: User, other_domain: Domain
) -> None:
    client = browser(reseller)

    for part in ("", "roles/"):
        theirs = client.get(f"/admin/organizations/{other_domain.organization_id}/{part}")
        none = client.get(f"/admin/organizations/999999/{part}")
        assert (theirs.status_code, theirs.content) == (none.status_code, none.content)
        assert theirs.status_code == 404


def test_the_list_says_what_each_holds(operator: User, domain: Domain, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(quota=2 << 30)
    organizations.set_limits(
        organization_id=domain.organization_id, max_domains=4, max_users=0, max_storage=8 << 30
    )

    page = said(browser(operator), "/admin/organizations/")

    assert "1 of 4" in page
    assert "2.0\xa0GB of 8.0\xa0GB" in page
    assert "Over" in page  # a user, and none may be


def test_the_postmasters_own_box_takes_no_place(
    operator: User, domain: Domain, alice: User
) -> None:
    provisioning.add_domain("second.test", organization="A")

    found = Organization.objects.get(pk=domain.organization_id)
    held = organizationlist.holding_now(found)

    assert (held.domains.held, held.users.held) == (2, 1)


def test_no_page_waits_for_what_organisations_hold(
    operator: User, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = DearCounts[organizationlist._Counts](patience=0.0)
    monkeypatch.setattr(organizationlist, "counts", counts)
    pk = domain.organization_id
    counts._under_way[(pk,)] = _Work()  # somebody else is counting

    for path in ("/admin/organizations/?text=A", f"/admin/organizations/{pk}/"):
        page = said(browser(operator), path)
        assert "Counting" in page
    assert "1 domain" in said(browser(operator), f"/admin/organizations/{pk}/state/")


def test_the_list_costs_the_same_however_many_there_are(
    operator: User, domain: Domain, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = browser(operator)
    said(client, "/admin/organizations/")
    for number in range(60):
        organizations.create(name=f"Customer {number:03}")
        if number in (3, 58):
            provisioning.add_domain(f"c{number}.test", organization=f"Customer {number:03}")
    wanted = organizationlist.Wanted()
    powers = powers_of(operator)
    for _ in range(2):
        with django_assert_num_queries(3):
            assert len(organizationlist.organizations(powers, wanted).lines) == 50
        Organization.objects.filter(name__startswith="Customer 00", domains=None).delete()


def test_the_list_is_paged_and_searched(operator: User, domain: Domain) -> None:
    for number in range(60):
        organizations.create(name=f"Customer & {number:03}")
    client = browser(operator)

    first = said(client, "/admin/organizations/?text=customer+%26")
    assert "Customer &amp; 049" in first
    assert "Customer &amp; 050" not in first
    second = said(client, "/admin/organizations/?text=customer+%26&after=Customer+%26+049")
    assert "Customer &amp; 050" in second
    assert "First page" in second
    assert "No organisation like that" in said(client, "/admin/organizations/?text=nobody")
    assert "No organisation like that" in said(client, "/admin/organizations/?state=locked")
    assert "No organisation like that" in said(client, "/admin/organizations/?state=%00%27")


def test_one_is_added_with_its_limits(operator: User) -> None:
    client = browser(operator)
    said(client, "/admin/organizations/add/")

    answer = client.post(
        "/admin/organizations/add/", values(name="New", domains="3", users="0", storage="1.5")
    )

    made = Organization.objects.get(name="New")
    assert answer["Location"] == f"/admin/organizations/{made.pk}/"
    assert (made.max_domains, made.max_users, made.max_storage) == (3, 0, 3 << 29)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "A"}, "exists already"),
        ({"name": ""}, "required"),
        ({"name": "x\x07y"}, "Not a name"),
        ({"name": "x" * 201}, "at most 200"),
        ({"name": "N", "domains": "-1"}, "greater than or equal"),
        ({"name": "N", "users": "2147483648"}, "less than or equal"),
        ({"name": "N", "storage": "NaN"}, "Enter a number"),
        ({"name": "N", "storage": "many"}, "Enter a number"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    operator: User, domain: Domain, changed: dict[str, str], words: str
) -> None:
    client = browser(operator)
    before = list(Organization.objects.values())
    other = organizations.create(name="Other")

    for path in ("/admin/organizations/add/", f"/admin/organizations/{other.pk}/"):
        answer = client.post(path, values(**changed))
        assert answer.status_code == 422
        page = answer.content.decode()
        assert 'aria-invalid="true"' in page
        assert words in page
    other.delete()
    assert list(Organization.objects.values()) == before


def test_name_and_limits_change_together(operator: User, domain: Domain, alice: User) -> None:
    client = browser(operator)
    path = f"/admin/organizations/{domain.organization_id}/"

    assert client.post(path, values(name="AA", users="5", storage="0.1")).status_code == 302

    found = Organization.objects.get(pk=domain.organization_id)
    assert (found.name, found.max_users) == ("AA", 5)
    storage = found.max_storage
    assert client.post(path, values(name="AA", users="5", storage="0.1")).status_code == 302
    found.refresh_from_db()
    assert found.max_storage == storage
    actions = AuditRecord.objects.filter(action__startswith="organization.")
    kept = list(actions.exclude(action="organization.add").values_list("action", flat=True))
    assert sorted(kept) == ["organization.change", "organization.rename"]
    assert client.post(path, values(name="AA")).status_code == 302
    found.refresh_from_db()
    assert (found.max_users, found.max_storage) == (None, None)


def test_a_limit_below_what_is_held_takes_nothing_away(
    operator: User, domain: Domain, alice: User
) -> None:
    client = browser(operator)
    path = f"/admin/organizations/{domain.organization_id}/"

    assert client.post(path, values(users="0")).status_code == 302

    assert "It holds more than it may" in said(client, path)
    assert User.objects.filter(pk=alice.pk).exists()


def test_resellers_set_no_limits(reseller: User, domain: Domain) -> None:
    client = browser(reseller)
    path = f"/admin/organizations/{domain.organization_id}/"

    page = said(client, path)
    assert 'name="users"' not in page
    assert "Remove organisation" not in page
    for wish in (values(users="9"), values(name="Mine")):
        assert client.post(path, wish).status_code == 403
    for part in ("sending/", "state/", "remove/"):
        answer = client.post(f"{path}{part}", {"to": "suspend", "name": "A"})
        assert answer.status_code == 404
    found = Organization.objects.get(pk=domain.organization_id)
    assert (found.name, found.max_users, found.state) == ("A", None, "active")


def test_how_much_it_may_send(operator: User, domain: Domain) -> None:
    client = browser(operator)
    path = f"/admin/organizations/{domain.organization_id}/"

    assert client.post(f"{path}sending/", {"messages_per_hour": "70"}).status_code == 302

    row = SendLimit.objects.get(organization=domain.organization_id)
    assert (row.messages_per_hour, row.recipients_per_day) == (70, None)
    assert 'value="70"' in said(client, path)
    for wrong in ({"messages_per_hour": "-1"}, {"recipients_per_message": "1001"}):
        answer = client.post(f"{path}sending/", wrong)
        assert answer.status_code in (400, 422)
    row.refresh_from_db()
    assert (row.messages_per_hour, row.recipients_per_message) == (70, None)


def test_its_access_says_first_what_happens(operator: User, domain: Domain, alice: User) -> None:
    client = browser(operator)
    path = f"/admin/organizations/{domain.organization_id}/state/"

    page = said(client, path)
    assert "None of the 1 user signs in" in page
    assert "Mail to the 1 domain is refused" in page
    for to, state in (("lock", "locked"), ("suspend", "suspended"), ("resume", "active")):
        assert client.post(path, {"to": to}).status_code == 302
        assert Organization.objects.get(pk=domain.organization_id).state == state
    for to in ("removed", "", "active"):
        assert client.post(path, {"to": to}).status_code == 404


def test_the_last_operator_is_not_shut_out(domain: Domain) -> None:
    boss = holder("boss@example.test", Role.OPERATOR)
    client = browser(boss)

    answer = client.post(f"/admin/organizations/{domain.organization_id}/state/", {"to": "suspend"})

    assert answer.status_code == 409
    assert Organization.objects.get(pk=domain.organization_id).state == State.ACTIVE


def test_one_is_removed_by_its_name_and_without_domains(operator: User, domain: Domain) -> None:
    client = browser(operator)
    empty = organizations.create(name=HOSTILE)

    path = f"/admin/organizations/{empty.pk}/remove/"
    assert client.post(path, {"name": "something"}).status_code == 422
    assert client.post(path, {"name": HOSTILE}).status_code == 302
    assert not Organization.objects.filter(pk=empty.pk).exists()
    full = client.post(f"/admin/organizations/{domain.organization_id}/remove/", {"name": "A"})
    assert full.status_code == 409
    assert b"has domains" in full.content


def test_removing_asks_who_one_is_again(operator: User, domain: Domain) -> None:
    client = browser(operator, proved=False)

    answer = client.get(
        f"/admin/organizations/{domain.organization_id}/remove/", headers={"accept": "text/html"}
    )

    assert answer["Location"].startswith("/login/confirm/")


def test_names_are_never_read_as_anything_else(operator: User) -> None:
    made = organizations.create(name=HOSTILE)
    client = browser(operator)

    for path in ("", f"{made.pk}/", f"{made.pk}/state/", f"{made.pk}/remove/", f"{made.pk}/roles/"):
        page = said(client, f"/admin/organizations/{path}")
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; {{7*7}} %s" in page


def test_the_page_costs_the_same_however_much_it_holds(
    operator: User, admin: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    assert admin.domain is not None
    client = browser(operator)
    path = f"/admin/organizations/{admin.domain.organization_id}/"
    with django_assert_max_num_queries(30) as before:
        said(client, path)
    for number in range(30):
        where = provisioning.add_domain(f"d{number}.test", organization="A")
        holder(f"admin@d{number}.test", Role.DOMAIN_ADMIN, where)

    with django_assert_max_num_queries(len(before)):
        page = said(client, path)

    assert "and 11 more" in page
    assert "All roles" in page
