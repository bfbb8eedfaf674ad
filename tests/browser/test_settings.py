"""What people set about their mail, as they use it: each page is looked at too."""

import smtplib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.installation import Installation
from tests.support.watching import Watched, opened

PEOPLE = ALICE, BOB = ("alice@ister.test", "bob@ister.test")
IDENTITIES = "/settings/identities/"


@pytest.fixture
def base(service: Installation) -> str:
    return f"https://localhost:{service.ports['WEB']}"


@pytest.fixture
def seen(base: str, chromium: Browser) -> Iterator[Watched]:
    with opened(chromium, base, as_whom=ALICE) as watched:
        yield watched


def toast(page: Page, words: str) -> None:
    expect(page.locator(".toast", has_text=words)).to_be_visible()


def test_it_writes_a_signature_with_what_is_bold_and_a_link(seen: Watched) -> None:
    page = seen.page
    seen.go(IDENTITIES)
    seen.look()
    page.get_by_role("link", name=f"Edit {ALICE}").click()
    text = page.locator(".signature__text")
    expect(text).to_be_visible()
    seen.look()
    page.get_by_label("Name shown to recipients").fill("Alice Liddell")
    text.click()
    page.keyboard.press("Control+b")
    page.keyboard.type("Alice")
    expect(page.get_by_role("button", name="Bold")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Bold").click()
    page.keyboard.type("Wonderland")
    page.keyboard.press("Shift+Home")
    page.get_by_role("button", name="Link").click()
    page.keyboard.type("wonder.example")
    page.keyboard.press("Enter")
    expect(text.locator("a")).to_have_attribute("href", "https://wonder.example")
    expect(page.locator("[data-unsaved]")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    toast(page, "Saved.")

    page.get_by_role("link", name=f"Edit {ALICE}").click()
    expect(page.get_by_label("Name shown to recipients")).to_have_value("Alice Liddell")
    expect(text.locator("b")).to_have_text("Alice")
    expect(text.locator("a")).to_have_text("Wonderland")
    assert (
        page.locator("[name=signature_text]").input_value()
        == "Alice\nWonderland <https://wonder.example>"
    )
    seen.look()


def test_what_is_pasted_into_a_signature_does_nothing(seen: Watched) -> None:
    page = seen.page
    seen.go(f"{IDENTITIES}?edit={ALICE}")
    page.locator(".signature__text").click()
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData('text/html', '<img src=x onerror="alert(1)"><script>alert(2)</script>'
            + '<p onclick="alert(3)">Pasted</p><a href="javascript:alert(4)">here</a>');
          data.setData('text/plain', 'Pasted here');
          const event = new ClipboardEvent('paste', {clipboardData: data, bubbles: true,
            cancelable: true});
          document.querySelector('.signature__text').dispatchEvent(event);
        }"""
    )
    expect(page.locator(".signature__text")).to_contain_text("Pasted")
    assert page.locator(".signature__text :is(img, script, [onclick], [href^=java])").count() == 0
    seen.check()


def test_it_refuses_the_address_of_another_and_keeps_what_was_typed(seen: Watched) -> None:
    page = seen.page
    seen.go(IDENTITIES)
    page.get_by_role("link", name="Add identity").click()
    page.get_by_label("Address", exact=True).fill(BOB)
    page.get_by_label("Name shown to recipients").fill("Not Bob")
    page.locator(".signature__text").click()
    page.keyboard.type("Kept")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("You may not write from this address")
    assert "422" in seen.complaints.pop()  # the browser notes the refusal
    expect(page.get_by_label("Name shown to recipients")).to_have_value("Not Bob")
    expect(page.locator(".signature__text")).to_contain_text("Kept")
    seen.look()

    page.get_by_label("Address", exact=True).fill("alice+shop@ister.test")
    page.get_by_label("Begin new messages with this identity").check()
    page.get_by_role("button", name="Save").click()
    toast(page, "Saved.")
    rows = page.locator(".list--identities li")
    expect(rows.filter(has_text="alice+shop@ister.test")).to_contain_text("Default")
    page.get_by_role("link", name="Edit alice+shop@ister.test").click()
    page.get_by_role("button", name="Remove").click()
    toast(page, "Removed.")
    expect(rows.filter(has_text="alice+shop@ister.test")).to_have_count(0)


def test_it_works_without_script(base: str, chromium: Browser) -> None:
    with opened(chromium, base, as_whom=BOB, java_script_enabled=False) as seen:
        page = seen.page
        seen.go(f"{IDENTITIES}?edit={BOB}")
        page.get_by_role("textbox", name="Signature").fill("Bob\n<Builder>")
        page.get_by_role("button", name="Save").click()
        toast(page, "Saved.")
        page.get_by_role("link", name=f"Edit {BOB}").click()
        expect(page.get_by_role("textbox", name="Signature")).to_have_value("Bob\n<Builder>")


@pytest.mark.long
def test_how_long_sending_waits_is_saved_at_once(seen: Watched) -> None:
    page = seen.page
    seen.go("/settings/general/")
    page.get_by_label("Undo sending").select_option("30")
    toast(page, "Saved")
    page.get_by_label("Write plain text").check()
    expect(page.locator(".toast", has_text="Saved")).to_have_count(2)
    page.reload()
    expect(page.get_by_label("Undo sending")).to_have_value("30")
    expect(page.get_by_label("Write plain text")).to_be_checked()
    seen.look()


@pytest.mark.long
def test_it_asks_a_target_and_takes_the_question_back(seen: Watched) -> None:
    page = seen.page
    seen.go("/settings/forwarding/")
    seen.look()
    page.get_by_label("Address").fill("ann@elsewhere.test")
    page.get_by_role("button", name="Send the letter").click()
    toast(page, "A letter went to ann@elsewhere.test")
    expect(page.get_by_text("Waits for an answer")).to_be_visible()
    seen.look()
    page.get_by_role("button", name="End forwarding to ann@elsewhere.test").click()
    expect(page.get_by_text("Your mail stays here")).to_be_visible()


@pytest.mark.long
def test_it_blocks_and_unblocks_somebody(service: Installation, seen: Watched) -> None:
    page = seen.page
    seen.go("/settings/senders/")
    page.get_by_label("Address or domain").fill("spam@seller.test")
    page.get_by_role("button", name="Block", exact=True).click()
    toast(page, "is refused from now on, or goes to Junk")
    seen.look()
    with pytest.raises(smtplib.SMTPDataError, match="does not want mail from this sender"):
        letter(service, "spam@seller.test", "Buy this")
    page.get_by_role("button", name="Unblock spam@seller.test").click()
    expect(page.get_by_text("Nobody is blocked.")).to_be_visible()
    letter(service, "spam@seller.test", "Buy that")


def letter(service: Installation, sender: str, subject: str) -> None:
    with service.smtp() as client:
        client.sendmail(
            sender, [ALICE], f"From: {sender}\r\nTo: {ALICE}\r\nSubject: {subject}\r\n\r\nHello\r\n"
        )


@pytest.mark.long
def test_it_shares_a_folder_that_the_other_then_sees(
    seen: Watched, base: str, chromium: Browser
) -> None:
    page = seen.page
    seen.go("/settings/sharing/")
    page.get_by_label("Folder").select_option(label="Archive")
    page.get_by_label("With whom").fill(BOB)
    page.get_by_role("button", name="Share", exact=True).click()
    toast(page, "“Archive” is shared.")
    seen.look()
    page.get_by_label(f"Change Archive for {BOB}").click()
    seen.look()
    page.locator(".menu__panel").get_by_label("Can read, sort and delete mail").check()
    page.locator(".menu__panel").get_by_role("button", name="Save").click()
    expect(page.locator("li", has_text=BOB)).to_contain_text("Can read, sort and delete mail")
    with opened(chromium, base, as_whom=BOB) as other:
        other.go("/mail/folders/")
        expect(other.page.locator("#shared")).to_contain_text("Archive")
    page.get_by_role("button", name=f"End sharing Archive with {BOB}").click()
    expect(page.get_by_text("You share no folder.")).to_be_visible()


@pytest.mark.long
def test_it_shows_what_is_large_and_what_was_held(service: Installation, seen: Watched) -> None:
    page = seen.page
    letter(service, "ann@elsewhere.test", "A garden")
    service.wait_for(lambda: bool(service.inbox(ALICE)), 30, "no letter came")
    seen.go("/settings/storage/")
    expect(page.locator(".list--space", has_text="A garden")).to_be_visible()
    seen.look()
    page.get_by_role("button", name="Delete “A garden”").click()
    expect(page.get_by_role("button", name="Empty Trash")).to_be_visible()
    assert page.url.endswith("/settings/storage/")
    seen.go("/settings/held/")
    expect(page.get_by_text("Nothing is held back.")).to_be_visible()
    seen.look()
