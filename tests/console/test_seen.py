"""Two administrators have the same page open: neither takes back what the other did, unseen."""

from typing import Any

import pytest
from django.test import Client

from apps.audit.models import AuditRecord
from apps.console.models import BulkAct
from apps.directory.models import Domain, Kind, Organization, Role, SendLimit, State, User
from apps.directory.services import limits
from apps.provisioning import services as provisioning
from apps.scan.models import AttachmentPolicy, Threshold
from tests.console.conftest import PASSWORD, browser, holder
from tests.console.hostile import forms_of

pytestmark = pytest.mark.django_db

GB = 1 << 30


def opened(client: Client, path: str, action: str | None = None) -> dict[str, str]:
    """What a browser sends of the form of a page, before anybody types."""
    action = path if action is None else action
    page = client.get(path).content.decode()
    form = next(one for one in forms_of(page) if one.action == action and one.method == "post")
    # What it shows is what it says to have shown; a box that is not ticked is as good as not sent.
    return {name: form.fields.get(f"was-{name}", value) for name, value in form.fields.items()}


def saved(client: Client, path: str, **values: Any) -> None:
    assert client.post(path, values).status_code == 302


@pytest.fixture
def bob(admin: User) -> User:
    return provisioning.add_user("bob@example.test", PASSWORD, "Bob", GB)[0]


def test_a_name_is_changed_and_the_space_that_another_gave_stays(admin: User, bob: User) -> None:
    first, second, path = browser(admin), browser(admin), f"/admin/users/{bob.pk}/"
    form = opened(first, path)
    saved(second, path, **opened(second, path) | {"space": "9"})
    saved(first, path, **form | {"name": "Robert"})

    bob.refresh_from_db()
    assert (bob.name, bob.quota) == ("Robert", 9 * GB)


def test_what_both_change_is_said_to_who_comes_second(admin: User, bob: User) -> None:
    first, second, path = browser(admin), browser(admin), f"/admin/users/{bob.pk}/"
    form = opened(first, path)
    saved(second, path, **opened(second, path) | {"name": "Bobby <b>"})
    answer = first.post(path, form | {"name": "Robert"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Somebody has set this to “Bobby &lt;b&gt;” meanwhile" in page
    assert 'value="Robert"' in page  # what was typed is not lost
    bob.refresh_from_db()
    assert bob.name == "Bobby <b>"
    again = next(one for one in forms_of(page) if one.action == path)
    saved(first, path, **again.fields)
    bob.refresh_from_db()
    assert bob.name == "Robert"


def test_both_may_want_the_same(admin: User, bob: User) -> None:
    first, second, path = browser(admin), browser(admin), f"/admin/users/{bob.pk}/"
    form = opened(first, path)
    saved(second, path, **opened(second, path) | {"name": "Robert"})
    saved(first, path, **form | {"name": "Robert"})


@pytest.mark.parametrize("text", ["sNaN", "nan", "9" * 4_500, "\0", "x" * 9_000])
def test_what_a_page_is_said_to_have_shown_may_be_anything(
    admin: User, bob: User, text: str
) -> None:
    client, path = browser(admin), f"/admin/users/{bob.pk}/"
    form = opened(client, path) | {"was-name": text, "was-space": text}
    assert client.post(path, form).status_code in (302, 422)


def test_a_shared_mailbox_is_not_set_back(admin: User) -> None:
    box, _ = provisioning.add_user("team@example.test", None, "Team", GB, Kind.SHARED)
    first, second, path = browser(admin), browser(admin), f"/admin/shared/{box.pk}/"
    form = opened(first, path)
    saved(second, path, **opened(second, path) | {"name": "Sales"})
    saved(first, path, **form | {"space": "2"})

    box.refresh_from_db()
    assert (box.name, box.quota) == ("Sales", 2 * GB)


def test_an_organisation_is_not_set_back(operator: User, domain: Domain) -> None:
    one = domain.organization
    first, second, path = browser(operator), browser(operator), f"/admin/organizations/{one.pk}/"
    form = opened(first, path)
    saved(second, path, **opened(second, path) | {"users": "5", "name": "A & B"})
    saved(first, path, **form | {"domains": "3"})

    found = Organization.objects.get(pk=one.pk)
    assert (found.name, found.max_users, found.max_domains) == ("A & B", 5, 3)


def test_what_an_organisation_may_send_is_not_set_back(operator: User, domain: Domain) -> None:
    page = f"/admin/organizations/{domain.organization_id}/"
    path = f"{page}sending/"
    first, second = browser(operator), browser(operator)
    form = opened(first, page, path)
    saved(second, path, **opened(second, page, path) | {"messages_per_day": "50"})
    saved(first, path, **form | {"messages_per_hour": "7"})

    row = SendLimit.objects.get(organization=domain.organization)
    assert (row.messages_per_hour, row.messages_per_day) == (7, 50)


def test_what_a_domain_may_send_is_not_set_back(operator: User, domain: Domain) -> None:
    page = f"/admin/domains/{domain.pk}/sending/"
    path = f"/admin/domains/{domain.pk}/limits/"
    first, second = browser(operator), browser(operator)
    form = opened(first, page, path)
    saved(second, path, **opened(second, page, path) | {"messages_per_day": "50"})
    saved(first, path, **form | {"messages_per_hour": "7"})

    row = SendLimit.objects.get(domain=domain)
    assert (row.messages_per_hour, row.messages_per_day) == (7, 50)


def test_what_a_user_may_send_is_not_set_back(operator: User, bob: User) -> None:
    limits.set_limits(user=bob, changes={"recipients_per_day": 0})
    path = f"/admin/users/{bob.pk}/limits/"
    first, second = browser(operator), browser(operator)
    form = opened(first, path)
    saved(second, path, **opened(second, path) | {"messages_per_day": "50"})
    saved(first, path, **form | {"messages_per_hour": "7"})

    row = SendLimit.objects.get(user=bob)
    assert (row.messages_per_hour, row.messages_per_day) == (7, 50)
    assert row.recipients_per_day == 0  # no limit, which is not what the service allows


def test_policies_of_a_domain_are_not_set_back(admin: User, domain: Domain) -> None:
    first, second, path = browser(admin), browser(admin), f"/admin/domains/{domain.pk}/policies/"
    form = opened(first, path)
    theirs = opened(second, path)
    theirs |= {"dmarc_policy": "junk", "factor_demand": "everybody", "greylists": "on"}
    theirs["factor_due"] = "2030-01-31"
    saved(second, path, **theirs)
    saved(first, path, **form | {"list_policy": "report", "password_length": "12"})

    domain.refresh_from_db()
    assert (domain.dmarc_policy, domain.list_policy) == ("junk", "report")
    assert (domain.factor_demand, domain.password_length) == ("everybody", 12)
    assert domain.greylists
    assert domain.factor_due_at is not None


def test_a_box_that_was_ticked_is_unticked(admin: User, domain: Domain) -> None:
    provisioning.change_domain("example.test", adds_sender=True)
    client, path = browser(admin), f"/admin/domains/{domain.pk}/policies/"
    form = opened(client, path)
    assert form.pop("adds_sender") == "on"
    saved(client, path, **form)

    domain.refresh_from_db()
    assert not domain.adds_sender


def test_the_space_of_new_users_goes_back_to_that_of_the_installation(
    admin: User, domain: Domain
) -> None:
    provisioning.change_domain("example.test", default_quota=GB)
    client, path = browser(admin), f"/admin/domains/{domain.pk}/policies/"
    saved(client, path, **opened(client, path) | {"space": ""})

    domain.refresh_from_db()
    assert domain.default_quota is None


@pytest.mark.parametrize("text", ["1.5", "1,5"])
def test_space_is_written_with_a_point_or_a_comma(admin: User, bob: User, text: str) -> None:
    client, path = browser(admin), f"/admin/users/{bob.pk}/"
    saved(client, path, **opened(client, path) | {"space": text})

    bob.refresh_from_db()
    assert bob.quota == 3 * GB // 2


def test_what_nobody_changed_is_not_recorded(operator: User, bob: User) -> None:
    client, path = browser(operator), f"/admin/users/{bob.pk}/"
    before = AuditRecord.objects.count()
    saved(client, path, **opened(client, path))
    saved(client, f"{path}limits/", **opened(client, f"{path}limits/"))

    assert AuditRecord.objects.count() == before


def test_an_undo_leaves_the_state_that_somebody_else_gave_an_alias(
    admin: User, domain: Domain
) -> None:
    alias = provisioning.add_alias("sales@example.test", ["x@far.test"])
    client, path = browser(admin), f"/admin/aliases/{alias.pk}/state/"
    client.post(path, {"to": "suspend"})
    first = BulkAct.objects.get()
    browser(admin).post(path, {"to": "resume"})
    page = client.post("/admin/undo/", {"act": str(first.pk)}, follow=True).content.decode()
    assert "Somebody has changed that since; it stays." in page
    second = BulkAct.objects.exclude(pk=first.pk).get()
    client.post("/admin/undo/", {"act": str(second.pk)})

    alias.refresh_from_db()
    assert alias.state == State.SUSPENDED


def test_an_undo_leaves_the_state_that_somebody_else_gave_a_domain(
    operator: User, domain: Domain
) -> None:
    seller = holder("seller@example.test", Role.RESELLER, domain.organization)
    mine = provisioning.add_domain("second.test", organization="A")
    client = browser(seller)
    client.post("/admin/domains/bulk/", {"act": "lock", "id": str(mine.pk)})
    act = BulkAct.objects.get()
    browser(operator).post("/admin/domains/bulk/", {"act": "suspend", "id": str(mine.pk)})
    page = client.post("/admin/undo/", {"act": str(act.pk)}, follow=True).content.decode()

    assert "Somebody has changed that since; it stays." in page
    mine.refresh_from_db()
    assert mine.state == State.SUSPENDED


def test_the_filter_of_a_domain_is_not_set_back(admin: User, domain: Domain) -> None:
    first, second, path = browser(admin), browser(admin), f"/admin/policies/{domain.pk}/"
    form = opened(first, path, "") | {"reset": ""}
    theirs = form | {"refuse": "12"}
    page = second.post(path, theirs).content.decode()
    saved(second, path, **next(one for one in forms_of(page) if "seen" in one.fields).fields)
    page = first.post(path, form | {"junk": "4"}).content.decode()
    saved(first, path, **next(one for one in forms_of(page) if "seen" in one.fields).fields)

    row = Threshold.objects.get(domain=domain)
    assert (row.junk, row.refuse) == (4, 12)


def test_what_is_done_with_files_is_not_set_back(admin: User, domain: Domain) -> None:
    first, second, path = browser(admin), browser(admin), f"/admin/policies/{domain.pk}/files/"
    form = opened(first, path, "")
    saved(second, path, **form | {"group-script": "refuse"})
    saved(first, path, **form | {"group-disk": "junk"})
    answer = first.post(path, form | {"group-script": "junk"})

    assert "Somebody has changed what is done with “Scripts” meanwhile" in answer.content.decode()
    rows = AttachmentPolicy.objects.filter(domain=domain).values_list("value", "action")
    assert dict(rows) == {"script": "refuse", "disk": "junk"}


def test_enter_saves_an_absence_reply_and_never_ends_it(admin: User, bob: User) -> None:
    """A browser sends a form of which Enter is pressed by its first button."""
    client, path = browser(admin), f"/admin/users/{bob.pk}/replies/"
    client.post(path, {"what": "reply", "text": "Away."})
    form = client.get(path).content.decode().partition('name="first_day"')[0]

    assert 'name="what" value="reply"' in form
    assert 'value="end-reply"' not in form
