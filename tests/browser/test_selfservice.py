"""What people do for themselves: app passwords in real mail programs, and the way back in."""

import imaplib
import poplib
import re
import smtplib
from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest
from imapclient import IMAPClient
from playwright.sync_api import Browser, expect

from tests.browser.conftest import moved_in
from tests.support.installation import PASSWORD, UNCHECKED, Installation
from tests.support.watching import SIZES, Watched

PEOPLE = ("alice@lech.test", "bob@lech.test", "carol@lech.test")
NEW = "a quite new sentence"


@pytest.fixture(scope="module")
def service(plain_house: Installation) -> Installation:
    """Pages that a browser gives the clipboard."""
    return moved_in(plain_house, PEOPLE)


@pytest.fixture
def watched(service: Installation, chromium: Browser) -> Iterator[Watched]:
    context = chromium.new_context(viewport={"width": SIZES[0][0], "height": SIZES[0][1]})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen = Watched(context.new_page(), f"http://localhost:{service.ports['WEB']}")
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    yield seen
    context.close()


def sign_in(watched: Watched, address: str, password: str = PASSWORD) -> None:
    watched.go("/login/")
    watched.page.fill("[name=address]", address)
    watched.page.fill("[name=password]", password)
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_url("**/mail/**")


def opens_imap(service: Installation, address: str, password: str) -> bool:
    try:
        with service.imap(address, password):
            return True
    except imaplib.IMAP4.error:
        return False


def opens_pop3(service: Installation, address: str, password: str) -> bool:
    client = poplib.POP3_SSL("127.0.0.1", service.ports["POP3S"], context=UNCHECKED)
    try:
        client.user(address)
        client.pass_(password)
        return True
    except poplib.error_proto:
        return False
    finally:
        client.close()


def opens_submission(service: Installation, address: str, password: str) -> bool:
    with service.smtp("SUBMISSIONS") as client:
        try:
            client.login(address, password)
            return True
        except smtplib.SMTPAuthenticationError:
            return False


def letter_to(service: Installation, address: str, subject: str) -> str:
    """The text of the letter with that subject, once it is in a mailbox."""

    def found() -> list[str]:
        parsed = [message_from_bytes(raw, policy=policy.SMTP) for raw in service.inbox(address)]
        return [str(one.get_content()) for one in parsed if subject in str(one["Subject"])]

    service.wait_for(found, 30, f"no letter {subject!r}", pause=0.2)
    return found()[-1]


def path_in(text: str) -> str:
    """The link of a letter, without the host that only this network's names know."""
    found = re.search(r"http://mail\.example\.test(?::\d+)?(/\S+)", text)
    assert found is not None
    return found[1]


@pytest.mark.long
def test_an_app_password_opens_what_it_is_for(service: Installation, watched: Watched) -> None:
    page = watched.page
    sign_in(watched, "alice@lech.test")
    watched.go("/settings/apps/")
    expect(page.get_by_role("heading", name="No app passwords yet")).to_be_visible()
    watched.look()
    page.get_by_role("link", name="New app password").click()
    expect(page.locator("[name=name]")).to_be_visible()
    watched.look()
    page.fill("[name=name]", "Telephone")
    page.get_by_label("POP3: fetch mail").uncheck()
    page.get_by_label("SMTP: send mail").uncheck()
    page.fill("[name=networks]", "nonsense")
    page.get_by_role("button", name="Make the app password").click()
    expect(page.locator("#networks-help")).to_contain_text("Not a network")
    watched.look()
    page.fill("[name=networks]", "127.0.0.0/8\n::1")
    page.get_by_role("button", name="Make the app password").click()
    expect(page.get_by_text("shown only this once")).to_be_visible()
    watched.look()
    page.get_by_role("button", name="Copy password").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"[a-z0-9]{5}(-[a-z0-9]{5}){3}", text)

    assert opens_imap(service, "alice@lech.test", text)
    assert not opens_pop3(service, "alice@lech.test", text)
    assert not opens_submission(service, "alice@lech.test", text)
    assert "Telephone" in letter_to(service, "alice@lech.test", "An app password was made")

    page.get_by_role("link", name="Done").click()
    expect(page.locator("tbody tr").first).to_contain_text("Telephone")
    expect(page.locator("tbody tr").first).to_contain_text("from 127.0.0.1")
    watched.look()
    with service.imap("alice@lech.test", text) as program:
        page.get_by_role("link", name="Revoke Telephone").click()
        expect(page.get_by_role("button", name="Revoke")).to_be_visible()
        watched.look()
        page.get_by_role("button", name="Revoke").click()
        expect(page.get_by_text("Telephone is revoked")).to_be_visible()
        service.wait_for(lambda: is_signed_out(program), 60, "it stayed signed in", pause=0.5)
    assert not opens_imap(service, "alice@lech.test", text)


def is_signed_out(program: IMAPClient) -> bool:
    try:
        program.noop()
    except (imaplib.IMAP4.error, OSError):
        return True
    return False


@pytest.mark.long
def test_the_way_back_in(service: Installation, watched: Watched) -> None:
    page = watched.page
    sign_in(watched, "bob@lech.test")
    watched.go("/settings/recovery/")
    expect(page.get_by_text("You have no recovery address")).to_be_visible()
    watched.look()
    page.fill("[name=address]", "bob+x@lech.test")
    page.get_by_role("button", name="Send the letter").click()
    expect(page.get_by_text("comes to your own mailbox")).to_be_visible()
    watched.look()
    page.fill("[name=address]", "carol@lech.test")
    page.get_by_role("button", name="Send the letter").click()
    expect(page.get_by_text("A letter went to")).to_be_visible()
    watched.look()
    watched.go(path_in(letter_to(service, "carol@lech.test", "Recovery address of bob@")))
    watched.look()
    page.get_by_role("button", name="Yes, the account is mine").click()
    expect(page.get_by_role("heading", name="This is the recovery address now")).to_be_visible()
    watched.look()
    watched.go("/settings/recovery/")
    watched.look()
    page.get_by_text("Remove", exact=True).click()
    expect(page.get_by_role("button", name="Remove it")).to_be_visible()
    watched.look()

    page.context.clear_cookies()
    watched.go("/login/")
    page.get_by_role("link", name="Forgot").click()
    watched.look()
    page.fill("[name=address]", "bob@lech.test")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Look at your other mailbox")).to_be_visible()
    watched.look()
    link = path_in(letter_to(service, "carol@lech.test", "A new password for bob@"))
    watched.go(link)
    watched.look()
    page.fill("[name=new]", NEW)
    page.fill("[name=again]", NEW + "x")
    page.get_by_role("button", name="Set the new password").click()
    expect(page.get_by_text("differ")).to_be_visible()
    watched.look()
    page.fill("[name=new]", NEW)
    page.fill("[name=again]", NEW)
    page.get_by_role("button", name="Set the new password").click()
    expect(page.get_by_text("Your new password is set")).to_be_visible()
    sign_in(watched, "bob@lech.test", NEW)
    assert not opens_imap(service, "bob@lech.test", PASSWORD)
    watched.go(link)
    expect(page.get_by_role("heading", name="does not work any more")).to_be_visible()
    watched.look()
    assert link.split("/")[3] not in service.log.read_text()

    watched.go("/settings/activity/")
    expect(page.get_by_text("Wrong password")).to_be_visible()
    watched.look()
    page.get_by_role("link", name="Mail programs", exact=True).click()
    expect(page.locator(".act").first).to_contain_text("IMAP")
    watched.look()
    page.get_by_role("link", name="Refused", exact=True).click()
    watched.look()


def test_the_password_page(service: Installation, watched: Watched) -> None:
    page = watched.page
    service.manage("user", "passwd", "carol@lech.test", "--password-stdin", text=f"{PASSWORD}\n")
    sign_in(watched, "carol@lech.test")
    watched.go("/settings/password/")
    expect(page.get_by_role("link", name="Password", exact=True)).to_have_attribute(
        "aria-current", "page"
    )
    watched.look()
    page.fill("[name=current]", "not it")
    page.fill("[name=new]", NEW)
    page.fill("[name=again]", NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("not your current password")).to_be_visible()
    watched.look()
    page.fill("[name=current]", PASSWORD)
    page.fill("[name=new]", NEW)
    page.fill("[name=again]", NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Password changed")).to_be_visible()
    assert opens_imap(service, "carol@lech.test", NEW)


def test_a_link_of_an_administrator(service: Installation, watched: Watched) -> None:
    link = service.manage("user", "passwd", "alice@lech.test", "--link").strip()
    watched.go(path_in(link))
    expect(watched.page.locator("main")).to_contain_text("alice@lech.test")
