"""Webhooks in the console: the whole life of one by its pages alone, without script."""

import html
import json
import re

import pytest
from django.test import Client

from apps.directory.models import Domain, Role
from apps.provisioning import services as provisioning
from apps.runtime.clock import now_us
from apps.webhooks.models import Delivery, Endpoint, Event
from apps.webhooks.services import endpoints, events
from tests.console.conftest import browser, holder
from tests.webhooks.conftest import Receiver, receiver, verified

__all__ = ["receiver"]
HOOKS = "/admin/webhooks/"
HOSTILE = "<b>{{7*7}}</b> ' ; --"


@pytest.fixture
def domain(db: None) -> Domain:
    return provisioning.add_domain("example.test", organization="A")


@pytest.fixture
def admin(domain: Domain) -> Client:
    return browser(holder("admin@example.test", Role.DOMAIN_ADMIN, domain))


def number(client: Client) -> str:
    page = client.get(f"{HOOKS}add/").content.decode()
    (found,) = re.findall(r'name="number" value="(\w+)"', page)
    return str(found)


def added(client: Client, url: str, **more: object) -> str:
    """Set one up; gives the secret that its page shows."""
    form = {
        "number": number(client),
        "url": url,
        "scope": "domain",
        "name": "Example.test",
        **more,
    }
    answer = client.post(f"{HOOKS}add/", form)
    assert answer.status_code == 200, answer.content.decode()
    (secret,) = re.findall(r'data-copy="(whsec_[^"]+)"', answer.content.decode())
    again = client.post(f"{HOOKS}add/", form)
    assert again.status_code == 422  # once
    return html.unescape(secret)


def test_one_is_set_up_tested_changed_and_removed(admin: Client, receiver: Receiver) -> None:
    secret = added(admin, receiver.url, types=["message", "message.sent", "user.created"])
    row = Endpoint.objects.get()
    assert json.loads(row.types) == ["message", "user.created"]
    one = f"{HOOKS}{row.pk}/"
    assert secret not in admin.get(one).content.decode()
    tested = admin.post(f"{one}test/", follow=True).content.decode()
    assert "The test was taken: 204" in tested
    assert "webhook.test" in tested
    assert verified(secret, receiver.requests[0])["type"] == "webhook.test"
    receiver.answers(500, HOSTILE.encode())
    tested = admin.post(f"{one}test/", follow=True).content.decode()
    assert "The test was not taken: It answered 500." in tested
    assert "Failing" in tested
    delivery = Delivery.objects.order_by("-pk")[0]
    page = f"{one}{delivery.pk}/"
    shown = admin.get(page).content.decode()
    assert html.escape(HOSTILE) in shown
    assert "<b>{{" not in shown
    assert "sent once more" in admin.post(page, follow=True).content.decode()
    assert admin.get(f"{one}?state=failed").content.decode().count("Nothing of this sort") == 1
    other = admin.post(f"{one}secret/").content.decode()
    assert "whsec_" in other
    assert secret not in other
    changed = admin.post(f"{one}edit/", {"url": receiver.url, "description": HOSTILE}, follow=True)
    assert html.escape(HOSTILE) in changed.content.decode()
    row.refresh_from_db()
    assert json.loads(row.types) == []
    assert "It is off" in admin.post(f"{one}switch/", {"to": "off"}, follow=True).content.decode()
    assert ">Off<" in admin.get(HOOKS).content.decode()
    assert "It is on" in admin.post(f"{one}switch/", {"to": "on"}, follow=True).content.decode()
    assert "removed" in admin.post(f"{one}remove/", follow=True).content.decode()
    assert not Endpoint.objects.exists()
    assert "No webhooks" in admin.get(HOOKS).content.decode()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"url": "https://10.0.0.1/"}, "no address of the public internet"),
        ({"url": "http://hooks.example.org/"}, "https URL"),
        ({"name": "other.test"}, "not hosted here"),
        ({"name": "\u202e"}, "not hosted here"),
        ({"scope": "everywhere"}, "Select a valid choice"),
        ({"types": ["user.invented"]}, "no such type"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    admin: Client, form: dict[str, object], words: str
) -> None:
    provisioning.add_domain("other.test", organization="B")
    usual = {"url": "https://hooks.example.org/", "scope": "domain", "name": "example.test"}
    answer = admin.post(f"{HOOKS}add/", {"number": number(admin), **usual, **form})
    assert answer.status_code == 422
    assert words in html.unescape(answer.content.decode())
    assert not Endpoint.objects.exists()


def test_an_operator_watches_everything_and_a_reseller_an_organisation(domain: Domain) -> None:
    operator = browser(holder("root@elsewhere.test", Role.OPERATOR))
    added(operator, "https://hooks.example.org/", scope="everywhere", name="")
    reseller = browser(holder("reseller@example.test", Role.RESELLER, domain.organization))
    added(reseller, "https://hooks.example.org/", scope="organization", name="A")
    places = Endpoint.objects.order_by("pk").values_list("organization__name", "domain__name")
    assert [organization for organization, _ in places] == [None, "A"]
    assert not any(name for _, name in places)


def test_why_one_was_switched_off_is_said(admin: Client, domain: Domain) -> None:
    row, _ = endpoints.add(place=domain, url="https://hooks.example.org/")
    endpoints.stop(row_id=row.pk, why=HOSTILE)
    page = admin.get(f"{HOOKS}{row.pk}/").content.decode()
    assert html.escape(HOSTILE) in page
    assert "Stopped" in page


def test_pages_cost_the_same_for_one_and_for_many(
    admin: Client, domain: Domain, django_assert_max_num_queries: object
) -> None:
    row, _ = endpoints.add(place=domain, url="https://hooks.example.org/")
    made = Event.objects.bulk_create(
        Event(at=1, gathered_at=now_us(), type="user.created", domain_id=domain.pk, data="{}")
        for _ in range(60)
    )
    events.send_out(made)
    page = admin.get(f"{HOOKS}{row.pk}/").content.decode()
    assert page.count("user.created") == 50
    assert 'rel="next"' in page
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        admin.get(f"{HOOKS}{row.pk}/")
