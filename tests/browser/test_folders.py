"""Folders, labels and what was removed, as people use them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.installation import Installation
from tests.support.watching import Watched, opened

PEOPLE = ALICE, BOB = ("alice@loire.test", "bob@loire.test")


@pytest.fixture
def seen(service: Installation, chromium: Browser) -> Iterator[Watched]:
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=ALICE) as watched:
        yield watched


def test_it_makes_colours_deletes_and_brings_back_a_folder(seen: Watched) -> None:
    page = seen.page
    seen.go("/mail/inbox/")
    box = page.locator("dialog.dialog--form")
    page.click("#side a[title='New folder']")
    expect(box.locator("#name")).to_be_focused()
    page.keyboard.type("Plans/2026")
    page.keyboard.press("Enter")
    expect(box.locator("[role=alert]")).to_contain_text("choose that below")
    expect(box.locator("#name")).to_be_focused()
    assert "422" in seen.complaints.pop()  # the browser notes the refusal
    seen.look()
    page.fill("#name", "Plans 🗻")
    page.check(".hues input[value='4']", force=True)
    page.click("text=Make the folder")
    expect(box).to_have_count(0)
    expect(page.locator("#side .hue-4 + .trunc")).to_have_text("Plans 🗻")
    expect(page.locator(".toast", has_text="is made")).to_be_visible()
    expect(page.locator("#side a[title='New folder']")).to_be_focused()
    assert page.url.endswith("/mail/inbox/")
    page.click("#side a.nav__title:has-text('Folders')")
    expect(page.locator("h1")).to_have_text("Folders")
    seen.look()
    # Esc, Cancel and back change nothing.
    change = page.locator("a[aria-label='Change Plans 🗻']")
    for leave in ("Escape", "cancel", "back"):
        change.click()
        expect(box.locator("#name")).to_have_value("Plans 🗻")
        if leave == "cancel":
            box.get_by_role("link", name="Cancel").click()
        elif leave == "back":
            page.go_back()
        else:
            page.keyboard.press(leave)
        expect(box).to_have_count(0)
        expect(change).to_be_focused()
        assert page.url.endswith("/mail/folders/")
    change.click()
    page.fill("#name", "Ideas")
    box.get_by_role("button", name="Save").click()
    expect(page.locator("#side .nav__item[title=Ideas]")).to_be_visible()
    page.click("a[aria-label='Delete Ideas']")
    expect(box.get_by_role("link", name="Cancel")).to_be_focused()
    seen.look()
    box.locator(".btn--danger").click()
    expect(page.locator("#side .nav__item[title=Ideas]")).to_have_count(0)
    expect(page.locator("a[aria-label='Delete Ideas']")).to_have_count(0)
    page.click("#side a:has-text('Recently deleted')")
    expect(page.locator("h1")).to_have_text("Recently deleted")
    seen.look()
    page.click("button[aria-label='Bring back Ideas']")
    expect(page.locator("#side .nav__item[title=Ideas]")).to_be_visible()
    seen.check()


@pytest.mark.long  # test_acts.py makes one too
def test_it_makes_and_deletes_a_label(seen: Watched) -> None:
    page = seen.page
    seen.go("/mail/labels/new/")  # the page itself, as without script
    page.fill("#name", "Täxes")
    page.check(".hues input[value='6']", force=True)
    page.click("main .btn--primary")
    expect(page.locator("#side .nav__item[title='Täxes']")).to_be_visible()
    seen.look()
    page.click("a[aria-label='Delete Täxes']")
    page.click("dialog .btn--danger")
    expect(page.locator("#side .nav__item[title='Täxes']")).to_have_count(0)
    seen.check()


def test_it_reads_what_is_shared(service: Installation, seen: Watched) -> None:
    with service.imap(BOB) as imap:
        imap.append("INBOX", b"Subject: For the team\r\nFrom: c@loire.test\r\n\r\nHello\r\n")
        imap.setacl("INBOX", ALICE, "lr")
    page = seen.page
    seen.go("/mail/inbox/")
    page.click(f"#side .nav__item[title='{BOB}']")
    page.click("a.conv__subj:has-text('For the team')")
    expect(page.locator(".msg__body")).to_contain_text("Hello")
    seen.go("/mail/folders/")
    seen.look()
    page.click(f"button[aria-label='Hide {BOB}']")
    expect(page.locator(f"#side .nav__item[title='{BOB}']")).to_have_count(0)
    seen.check()
