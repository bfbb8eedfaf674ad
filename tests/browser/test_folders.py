"""Folders, labels and what was removed, as people use them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.installation import Installation
from tests.support.watching import Watched, opened

ALICE, BOB = "alice@example.test", "bob@example.test"


@pytest.fixture
def seen(service: Installation, chromium: Browser) -> Iterator[Watched]:
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=ALICE) as watched:
        yield watched


def test_it_makes_colours_deletes_and_brings_back_a_folder(seen: Watched) -> None:
    page = seen.page
    seen.go("/mail/inbox/")
    page.click("#side a[title='New folder']")
    page.fill("#name", "Plans/2026")
    page.click("text=Make the folder")
    expect(page.locator("[role=alert]")).to_contain_text("choose that below")
    assert "422" in seen.complaints.pop()  # the browser notes the refusal
    page.fill("#name", "Plans 🗻")
    page.check(".hues input[value='4']", force=True)
    seen.look()
    page.click("text=Make the folder")
    expect(page.locator("#side .hue-4 + .trunc")).to_have_text("Plans 🗻")
    seen.look()
    page.click("a[aria-label='Change Plans 🗻']")
    page.fill("#name", "Ideas")
    page.click("main .btn--primary")
    expect(page.locator("#side .nav__item[title=Ideas]")).to_be_visible()
    page.click("a[aria-label='Delete Ideas']")
    seen.look()
    page.click("main .btn--danger")
    expect(page.locator("#side .nav__item[title=Ideas]")).to_have_count(0)
    page.click("#side a:has-text('Recently deleted')")
    expect(page.locator("h1")).to_have_text("Recently deleted")
    seen.look()
    page.click("button[aria-label='Bring back Ideas']")
    expect(page.locator("#side .nav__item[title=Ideas]")).to_be_visible()
    seen.check()


def test_it_makes_and_deletes_a_label(seen: Watched) -> None:
    page = seen.page
    seen.go("/mail/labels/new/")
    page.fill("#name", "Täxes")
    page.check(".hues input[value='6']", force=True)
    page.click("main .btn--primary")
    expect(page.locator("#side .nav__item[title='Täxes']")).to_be_visible()
    seen.look()
    page.click("a[aria-label='Delete Täxes']")
    page.click("main .btn--danger")
    expect(page.locator("#side .nav__item[title='Täxes']")).to_have_count(0)
    seen.check()


def test_it_reads_what_is_shared(service: Installation, seen: Watched) -> None:
    with service.imap(BOB) as imap:
        imap.append("INBOX", b"Subject: For the team\r\nFrom: c@example.test\r\n\r\nHello\r\n")
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
