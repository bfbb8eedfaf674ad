"""Where sign-in leads: to pages of ours, whatever the address says."""

import pytest

from apps.directory.models import User
from apps.webmail.nextpage import after, own_path
from tests.conftest import PASSWORD
from tests.webmail.browsing import Browser

FOREIGN = [
    "//evil.invalid",
    "///evil.invalid",
    "////evil.invalid/mail/",
    "/\\evil.invalid",
    "\\\\evil.invalid",
    "\\/evil.invalid",
    "/\t/evil.invalid",
    "/\n/evil.invalid",
    "/%09/evil.invalid",
    "/%2f%2fevil.invalid",
    "/%5cevil.invalid",
    "/%2e%2e//evil.invalid",
    "https:evil.invalid",
    "https:/evil.invalid",
    "https://evil.invalid/",
    "HTTPS://evil.invalid/mail/",
    "http:///evil.invalid",
    "https://localhost@evil.invalid/",
    "https://localhost:443@evil.invalid/",
    "https://localhost/mail/",
    "//localhost/mail/",
    "@evil.invalid",
    "/@evil.invalid",
    ".evil.invalid",
    "evil.invalid",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//mail/",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "\x01//evil.invalid",
    " //evil.invalid",
    "/mail/\r\nLocation: https://evil.invalid/",
    "/mail/%0d%0aLocation:%20x\r\n",
    "/mail/\x00",
    "/mail/ //evil.invalid",
    "/mail/\u202e",
    "/" + "m" * 5_000 + "/",
    "/mail/?" + "x" * 5_000,
    "/nowhere/of/ours/",
    "/static/ui/app.js",
    "/login/",
    "/login/?next=//evil.invalid",
    "/logout/",
    "/acting/stop/",
    "?next=/mail/",
    "#",
    "",
    "mail/",
    "//",
    "/\u2028/evil.invalid",
    "/mail/inbox/99999999999999999999/",
    "https://[::1",
    "//[",
]
OURS = [
    "/",
    "/mail/",
    "/mail/inbox/",
    "/mail/inbox/?before=1&x=%2F%2Fevil.invalid",
    "/mail/inbox/17/",
    "/settings/password/",
    "/settings/security/#signed-in",
]


@pytest.mark.parametrize("path", FOREIGN)
def test_it_leads_nowhere_else(path: str) -> None:
    assert own_path(path) is None
    assert after(path) == "/mail/"


@pytest.mark.parametrize("path", OURS)
def test_it_leads_to_ours(path: str) -> None:
    assert after(path) == path


@pytest.mark.django_db
@pytest.mark.parametrize("path", FOREIGN[:40:3])
def test_neither_form_nor_address_leads_away(alice: User, path: str) -> None:
    browser = Browser()
    response = browser.sign_in("alice@example.test", next=path)
    assert response.headers["Location"] == "/mail/"
    response = browser.client.get("/login/", {"next": path}, secure=True)
    assert response.headers["Location"] == "/mail/"
    # Nor is it written back into the page.
    page = Browser().client.get("/login/", {"next": path}, secure=True).content.decode()
    assert 'name="next" value=""' in page


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["evil.invalid", "localhost:evil.invalid", "localhost@evil.x"])
def test_it_listens_to_no_other_host(alice: User, host: str) -> None:
    browser = Browser()
    response = browser.client.post(
        "/login/",
        {"address": "alice@example.test", "password": PASSWORD},
        secure=True,
        headers={"host": host, "origin": f"https://{host}"},
    )
    assert response.status_code == 400
    assert "evil" not in response.headers.get("Location", "")


@pytest.mark.django_db
def test_it_lets_on_who_is_in(alice: User) -> None:
    browser = Browser()
    browser.sign_in("alice@example.test")
    assert browser.get("/login/").headers["Location"] == "/mail/"
    assert browser.get("/login/?next=/settings/password/").headers["Location"] == (
        "/settings/password/"
    )
