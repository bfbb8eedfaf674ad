"""The list is read on by scrolling, and by a link where no script runs."""

from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from tests.support.installation import Installation
from tests.support.watching import opened

PEOPLE = ("alice@narew.test", "bob@narew.test")
ALICE = PEOPLE[0]
MANY = 70


@pytest.fixture(scope="module")
def base(service: Installation) -> str:
    """A service in which alice has more than a page."""
    with service.smtp() as client:
        for number in range(MANY):
            raw = (
                f"From: Bob Baker <bob@elsewhere.invalid>\r\nTo: {ALICE}\r\n"
                f"Message-ID: <{uuid4()}@elsewhere.invalid>\r\n"
                f"Subject: Letter {number}\r\n\r\nText of letter {number}.\r\n"
            )
            client.sendmail("bob@elsewhere.invalid", [ALICE], raw.encode())
    service.wait_for(lambda: len(service.inbox(ALICE)) >= MANY, 60, "no mail")
    return f"https://localhost:{service.ports['WEB']}"


def test_scrolling_brings_the_rows_that_follow(chromium: Browser, base: str) -> None:
    with opened(chromium, base, as_whom=ALICE) as watched:
        watched.go("/mail/inbox/")
        rows = watched.page.locator("article.conv")
        expect(rows).to_have_count(50)
        watched.page.locator(".conv-list").evaluate("list => list.scrollTo(0, list.scrollHeight)")
        expect(rows).to_have_count(MANY)
        expect(watched.page.locator("[data-more]")).to_have_count(0)
        expect(watched.page.locator(".conv-day")).to_have_count(1)

        row = rows.nth(60)
        subject = row.locator(".conv__subj").inner_text().strip()
        row.locator(".conv__subj").click()
        expect(watched.page.locator(".mail__read h1")).to_contain_text(subject)
        expect(row).to_have_attribute("aria-current", "true")
        expect(rows).to_have_count(MANY)
        watched.check()


def test_unread_alone_and_the_keyboard(chromium: Browser, base: str) -> None:
    with opened(chromium, base, as_whom=ALICE) as watched:
        watched.go("/mail/inbox/")
        watched.page.locator(".seg a", has_text="Unread").click()
        watched.page.wait_for_url("**only=unread")
        watched.page.keyboard.press("j")
        watched.page.keyboard.press("j")
        current = watched.page.locator("article.conv[aria-current]")
        expect(current).to_have_count(1)
        watched.check()
        watched.check_accessibility()


def test_without_script_a_link_leads_on(chromium: Browser, base: str) -> None:
    with opened(chromium, base, as_whom=ALICE, java_script_enabled=False) as plain:
        page = plain.page
        plain.go("/mail/inbox/")
        page.get_by_role("link", name="Load older messages").click()
        expect(page.locator("article.conv")).to_have_count(MANY - 50)
        page.locator("article.conv .conv__star").first.click()
        expect(page.locator("article.conv .conv__star.is-on")).to_have_count(1)
