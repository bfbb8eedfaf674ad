"""Programs that people may let in: operators register and remove them."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.audit.models import AuditRecord
from apps.directory import oauth
from apps.directory.models import AccessToken, Domain, OAuthClient, Role, User
from apps.directory.services import oauth as service
from apps.directory.services import oauthclients
from apps.provisioning import services as provisioning
from tests.api.test_oauth import CHALLENGE, VERIFIER
from tests.console.conftest import PASSWORD, browser, holder

XSS = '"><script>alert(1)</script>'
BACK = "https://app.example.org/back"


@pytest.fixture
def operator(db: None) -> User:
    return holder("root@elsewhere.test", Role.OPERATOR)


@pytest.fixture
def client(operator: User) -> Client:
    return browser(operator)


def add(client: Client, *, number: str = "", **fields: Any) -> Any:
    """Fill in the form and send it."""
    found = re.search(
        r'name="number" value="(\w+)"', client.get("/admin/programs/add/").content.decode()
    )
    assert found is not None
    data = {"name": "Kestrel", "redirects": BACK, "scopes": ["imap"], "number": number or found[1]}
    return client.post("/admin/programs/add/", {**data, **fields})


def test_one_is_added_with_a_secret_that_is_shown_once(client: Client) -> None:
    assert "No programs yet" in client.get("/admin/programs/").content.decode()
    page = add(client, has_secret="on", redirects=f"{BACK}\n\n{BACK}\n").content.decode()
    row = OAuthClient.objects.get()
    secrets = re.findall(r">([\w-]{43})<", page)
    assert len(secrets) == 1
    assert oauth.proven(row.key, secrets[0]) is not None
    assert "/oauth/token" in page
    listed = client.get("/admin/programs/").content.decode()
    assert row.key in listed
    assert secrets[0] not in listed
    assert AuditRecord.objects.get(action="oauth.register").subject == "Kestrel"


def test_one_that_people_install_has_none(client: Client) -> None:
    assert "Client secret" not in add(client).content.decode()
    row = OAuthClient.objects.get()
    assert oauth.proven(row.key, "") is not None
    assert oauth.proven(row.key, "x") is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "a\u2028b"}, "printable"),
        ({"name": "Known"}, "There is a program Known already"),
        ({"redirects": ""}, "required"),
        ({"redirects": XSS}, "is no address to come back to"),
        ({"redirects": f"{BACK}\njavascript:alert(1)"}, "is no address to come back to"),
        ({"redirects": "\n".join(f"{BACK}/{n}" for n in range(21))}, "up to 20 addresses"),
        ({"scopes": []}, "Choose at least one"),
        ({"scopes": ["web"]}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(
    fields: dict[str, Any], words: str, client: Client
) -> None:
    oauthclients.register(name="Known", redirects_to=[BACK])
    answer = add(client, **fields)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert 'aria-invalid="true"' in page
    assert XSS not in page
    assert OAuthClient.objects.count() == 1


def test_a_form_that_is_sent_again_makes_no_second_one(client: Client) -> None:
    assert add(client, number="abc").status_code == 200
    assert add(client, number="abc", name="other").status_code == 422
    assert OAuthClient.objects.count() == 1


def test_one_that_is_removed_is_signed_out(client: Client, domain: Domain) -> None:
    """With all that people let it do; others are none of it."""
    user = provisioning.add_user("ann@example.test", PASSWORD)[0]
    for name in (XSS, "Other"):
        row, _ = oauthclients.register(name=name, redirects_to=[BACK])
        known = oauth.known(row)
        code = service.let_in(
            user=user, client=known, redirect=BACK, challenge=CHALLENGE, scopes=known.scopes
        )
        service.exchange(client=known, code=code, redirect=BACK, verifier=VERIFIER)
    gone = OAuthClient.objects.get(name=XSS)
    page = client.get(f"/admin/programs/{gone.pk}/remove/").content.decode()
    assert XSS not in page
    assert client.post(f"/admin/programs/{gone.pk}/remove/").status_code == 302
    assert [one.name.split()[0] for one in AccessToken.objects.all()] == ["Other"]
    assert client.post(f"/admin/programs/{gone.pk}/remove/").status_code == 404
    assert AuditRecord.objects.get(action="oauth.remove").subject == XSS


def test_an_open_browser_alone_adds_none(operator: User) -> None:
    answer = browser(operator, proved=False).get("/admin/programs/add/")
    assert answer["Location"].startswith("/login/confirm/")
