"""An administrator's own API tokens, and those of users as administrators see them."""

import re
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from apps.audit.models import AuditRecord
from apps.directory.models import ApiToken, Domain, Role, User
from apps.directory.services import apitokens, roles
from apps.directory.services.credentials import MOST
from apps.mailqueue.models import QueuedMessage
from apps.provisioning import services as provisioning
from tests.api.conftest import Program
from tests.console.conftest import PASSWORD, browser, holder

XSS = '"><script>alert(1)</script><b onclick=x>'


@pytest.fixture
def reseller(domain: Domain) -> User:
    return holder("reseller@example.test", Role.RESELLER, domain.organization)


@pytest.fixture
def client(reseller: User) -> Client:
    return browser(reseller)


def make(client: Client, *, number: str | None = None, **fields: Any) -> Any:
    """Fill in the form and send it."""
    if number is None:
        page = client.get("/admin/tokens/new/").content.decode()
        found = re.search(r'name="number" value="(\w+)"', page)
        assert found is not None
        number = found[1]
    data = {"name": "Sign-up", "scopes": ["users:write"], "number": number, **fields}
    return client.post("/admin/tokens/new/", data)


def token_in(response: Any) -> str:
    assert response.status_code == 200
    found = re.search(r">(mhk_[\w-]{43})<", response.content.decode())
    assert found is not None
    return found[1]


def test_it_is_made_shown_once_and_works_where_it_may(
    client: Client, domain: Domain, other_domain: Domain
) -> None:
    assert "No API tokens yet" in client.get("/admin/tokens/").content.decode()
    answer = make(client, scopes=["domains:read"], places="Example.TEST\n\nexample.test")
    text = token_in(answer)

    assert "no-store" in answer["Cache-Control"]
    listed = client.get("/admin/tokens/").content.decode()
    assert text not in listed
    assert text[-4:] in listed
    assert "example.test" in listed
    assert "domains:read" in listed
    assert Program(text).get(f"domains/{domain.pk}").status_code == 200
    assert Program(text).get(f"domains/{other_domain.pk}").status_code == 404
    assert Program(text).get("organizations").json()["code"] == "scope_missing"
    assert AuditRecord.objects.get(action="apitoken.issue").actor == "reseller@example.test"
    assert QueuedMessage.objects.filter(recipients__address="reseller@example.test").exists()


def test_an_organisation_is_a_place_by_its_name(client: Client, domain: Domain) -> None:
    make(client, places=domain.organization.name)
    (place,) = ApiToken.objects.get().places.all()
    assert place.organization_id == domain.organization_id


def test_a_form_that_is_sent_again_makes_no_second_one(client: Client) -> None:
    assert make(client, number="abc").status_code == 200
    again = make(client, number="abc", name="another")
    assert again.status_code == 422
    assert "sent before" in again.content.decode()
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "required"),
        ({"name": "a\u2028b"}, "printable"),
        ({"scopes": []}, "Choose at least one"),
        ({"scopes": ["users:write", "everything"]}, "Select a valid choice"),
        ({"places": "other.test"}, "You administer nothing called other.test"),
        ({"places": XSS}, "You administer nothing called &quot;&gt;&lt;script"),
        ({"places": "\n".join(f"{n}.test" for n in range(101))}, "up to 100 places"),
        ({"networks": "nowhere"}, "Not a network"),
        ({"networks": " ".join(["192.0.2.1"] * 51)}, "up to 50 networks"),
        ({"expires": "2001-01-01"}, "This day is over"),
        ({"expires": "tomorrow"}, "year-month-day"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(
    fields: dict[str, Any], words: str, client: Client, other_domain: Domain
) -> None:
    answer = make(client, **fields)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert 'aria-invalid="true"' in page
    assert XSS not in page
    assert not ApiToken.objects.exists()


def test_an_open_browser_alone_makes_none(reseller: User) -> None:
    answer = browser(reseller, proved=False).get("/admin/tokens/new/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/confirm/")


def test_there_is_an_end_to_them(client: Client, reseller: User) -> None:
    ApiToken.objects.bulk_create(
        ApiToken(user=reseller, name=str(n), digest=bytes([n]), scopes="users:read")
        for n in range(MOST)
    )
    assert "New API token" not in client.get("/admin/tokens/").content.decode()
    assert make(client).status_code == 422


def test_a_place_out_of_sight_by_now_is_not_named(
    client: Client, reseller: User, domain: Domain
) -> None:
    """Whose role was taken is told nothing of what is there today."""
    make(client, places="example.test")
    third = provisioning.add_domain("third.test", organization="C")
    roles.grant(user=reseller, role=Role.DOMAIN_ADMIN, domain=third)
    roles.revoke(user=reseller, role=Role.RESELLER, organization=domain.organization)
    page = client.get("/admin/tokens/").content.decode()
    assert "out of your sight" in page
    assert "<bdi>example.test" not in page


def test_it_is_revoked_after_a_question(client: Client, reseller: User) -> None:
    made, text = apitokens.issue(user=reseller, name=XSS, scopes=["tokens:read"])
    page = client.get(f"/admin/tokens/{made.pk}/").content.decode()
    assert XSS not in page
    assert ApiToken.objects.exists()
    answer = client.post(f"/admin/tokens/{made.pk}/")
    assert [str(one) for one in get_messages(answer.wsgi_request)] == [f"“{XSS}” is revoked."]
    assert Program(text).get("tokens").status_code == 401
    assert client.post(f"/admin/tokens/{made.pk}/").status_code == 404


def test_administrators_revoke_those_of_their_users(client: Client, domain: Domain) -> None:
    """The user is told; there is none of another user at that page."""
    user = provisioning.add_user("ann@example.test", PASSWORD)[0]
    other = provisioning.add_user("bob@example.test", PASSWORD)[0]
    made, text = apitokens.issue(user=user, name="script", scopes=["mail:read"])
    ApiToken.objects.filter(pk=made.pk).update(
        last_used_at=timezone.now(), last_used_from="192.0.2.9"
    )
    path = f"/admin/users/{user.pk}/devices/"
    page = client.get(path).content.decode()
    assert "API tokens" in page
    assert "script" in page
    assert "192.0.2.9" in page
    fields = {"what": "api-token", "id": made.pk}
    assert client.post(f"/admin/users/{other.pk}/devices/", fields).status_code == 404
    assert client.post(path, fields).status_code == 302
    assert Program(text).get("tokens").status_code == 401
    assert AuditRecord.objects.filter(action="apitoken.revoke", user_id=user.pk).exists()
    assert QueuedMessage.objects.filter(recipients__address="ann@example.test").exists()
