"""Second factors as people use them, in Chromium with an authenticator made of software."""

import base64
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from apps.accounts import onetime
from apps.runtime import clock
from tests.browser.conftest import moved_in
from tests.support.installation import PASSWORD, Installation
from tests.support.watching import SIZES, Watched

PEOPLE = ("alice@isar.test", "bob@isar.test")


@pytest.fixture(scope="module")
def service(plain_house: Installation) -> Installation:
    """Pages that a browser gives passkeys."""
    return moved_in(plain_house, PEOPLE)


@pytest.fixture
def watched(service: Installation, chromium: Browser) -> Iterator[Watched]:
    # Colours change at once: half-way between two themes no text is readable.
    context = chromium.new_context(
        viewport={"width": SIZES[0][0], "height": SIZES[0][1]}, reduced_motion="reduce"
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen = Watched(context.new_page(), f"http://localhost:{service.ports['WEB']}")
    page = seen.page
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on(
        "console",
        lambda said: seen.complaints.append(said.text) if said.type == "error" else None,
    )
    yield seen
    context.close()


def plug_in(page: Page) -> None:
    """A fingerprint reader that always knows its owner."""
    page.bring_to_front()
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def sign_in(watched: Watched, address: str) -> None:
    watched.go("/login/")
    watched.page.fill("[name=address]", address)
    watched.page.fill("[name=password]", PASSWORD)
    watched.page.keyboard.press("Enter")


def sign_out(watched: Watched) -> None:
    watched.go("/healthz")  # a page that asks what is new would be told 401
    watched.complaints.clear()  # of an icon that is not there
    watched.page.context.clear_cookies()
    watched.go("/login/")


@pytest.mark.timeout(300)
def test_a_passkey_is_added_and_opens_the_account(service: Installation, watched: Watched) -> None:
    page = watched.page
    plug_in(page)
    sign_in(watched, "alice@isar.test")
    page.wait_for_url("**/mail/**")
    watched.go("/settings/security/")
    expect(page.get_by_role("heading", name="Add a second factor")).to_be_visible()
    watched.look()

    page.get_by_role("link", name="Add passkey").click()
    expect(page.locator("[name=name]")).to_be_visible()
    watched.look()
    page.fill("[name=name]", "My laptop")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.locator("#codes")).to_be_visible()  # of the first factor
    watched.look()
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").split() == codes
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as text").click()
    assert saved.value.path().read_text().split() == codes
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="Your account is well protected")).to_be_visible()
    expect(page.get_by_text("My laptop")).to_be_visible()
    watched.look()
    page.get_by_role("link", name="Rename or remove My laptop").click()
    expect(page.locator("[name=name]")).to_have_value("My laptop")
    watched.look()

    # Without a password: the browser offers it in the address field, and this one's owner takes
    # whatever is offered.
    sign_out(watched)
    page.wait_for_url("**/mail/**")

    # By the button, in a browser that makes no such offers.
    page.add_init_script("delete PublicKeyCredential.isConditionalMediationAvailable")
    sign_out(watched)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/mail/**")

    # After the password.
    sign_out(watched)
    sign_in(watched, "alice@isar.test")
    page.wait_for_url("**/login/verify/**")
    watched.look()
    page.get_by_role("button", name="Use a passkey or security key").click()
    page.wait_for_url("**/mail/**")

    # The same one again: the browser says so, before the server is asked.
    watched.go("/settings/security/passkeys/new/")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("This passkey was added already.")
    assert watched.complaints == []


@pytest.mark.long
@pytest.mark.timeout(300)
def test_an_app_is_set_up_and_asked_at_sign_in(service: Installation, watched: Watched) -> None:
    page = watched.page
    sign_in(watched, "bob@isar.test")
    page.wait_for_url("**/mail/**")
    watched.go("/settings/security/authenticator/")
    watched.look()
    page.get_by_role("button", name="Show the QR code").click()
    expect(page.locator("svg.qr")).to_be_visible()
    watched.look()
    secret = base64.b32decode(page.locator("code.code").inner_text().replace(" ", ""))
    page.fill("[name=code]", "12345")
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator("#code-help")).to_be_visible()
    watched.complaints.clear()  # Chromium reports the status 422 of the page
    watched.look()
    page.fill("[name=code]", onetime.code_at(secret, clock.now()))
    page.get_by_role("button", name="Turn on").click()
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10

    sign_out(watched)
    sign_in(watched, "bob@isar.test")
    page.wait_for_url("**/login/verify/**")
    # The code of the set-up is used up: the next one is taken a step ahead of its time.
    page.fill("[name=code]", onetime.code_at(secret, clock.now() + onetime.STEP))
    page.keyboard.press("Enter")
    page.wait_for_url("**/mail/**")

    sign_out(watched)
    sign_in(watched, "bob@isar.test")
    page.wait_for_url("**/login/verify/**")
    watched.go("/login/verify/?recovery")
    watched.look()
    page.fill("[name=code]", codes[3].upper())
    page.keyboard.press("Enter")
    page.wait_for_url("**/mail/**")
    watched.go("/settings/security/")
    expect(page.get_by_text("9 of 10 left")).to_be_visible()

    # Lost: an administrator helps.
    said = service.manage("factor", "reset", "bob@isar.test")
    assert "1 second factor is gone" in said
    watched.go("/settings/security/")
    page.wait_for_url("**/login/**")
    sign_in(watched, "bob@isar.test")
    page.wait_for_url("**/mail/**")
    assert watched.complaints == []
