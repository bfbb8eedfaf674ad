"""Mail that is put off: by menu, key, button of a row, finger and date; it comes back by itself.

And the page of vacation replies.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.test_acts import LETTER, SWIPE
from tests.support.installation import Installation
from tests.support.watching import SIZES, Watched, opened

PEOPLE = ("alice@vistula.test", "bob@vistula.test")
WHO = PEOPLE[0]
NAMES = ["Amber", "Birch", "Cedar", "Damson", "Elder", "Fir"]
LATER = "2036-05-01T08:00"
DUE = "from apps.webmail.models import Snooze; Snooze.objects.update(until=1)"


@pytest.fixture(scope="module")
def filled(service: Installation) -> Installation:
    with service.smtp() as client:
        for name in NAMES:
            raw = LETTER.format(WHO, name, name).encode()
            client.sendmail("bob@vistula.test", [WHO], raw)
    service.wait_for(lambda: len(service.inbox(WHO)) == len(NAMES), 30, "no mail")
    return service


@pytest.fixture
def watched(filled: Installation, chromium: Browser) -> Iterator[Watched]:
    with opened(chromium, base(filled), as_whom=WHO) as seen:
        seen.go("/mail/inbox/")
        expect(seen.page.locator("article.conv")).to_have_count(len(NAMES))
        yield seen


def base(service: Installation) -> str:
    return f"https://localhost:{service.ports['WEB']}"


def row(page: Page, name: str) -> Locator:
    return page.locator("article.conv").filter(has=page.locator(".conv__subj", has_text=name))


def menu(page: Page) -> Locator:
    return page.locator("#selbar [data-menu=snooze]")


def undo(page: Page) -> None:
    page.locator(".toast", has_text="snoozed").last.get_by_role("button", name="Undo").click()
    expect(page.locator("article.conv")).to_have_count(len(NAMES))


def test_by_keyboard_alone_and_back(watched: Watched) -> None:
    page = watched.page
    page.keyboard.press("j")
    page.keyboard.press("b")
    expect(menu(page)).to_have_attribute("open", "")
    expect(menu(page).locator(".menu__pick .menu__item").first).to_be_focused()
    watched.check_accessibility()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("article.conv")).to_have_count(len(NAMES) - 1)
    expect(page.locator(".toast", has_text="Conversation snoozed")).to_be_visible()
    undo(page)
    watched.check()


@pytest.mark.long
def test_until_a_date_and_it_comes_back_by_itself(watched: Watched, filled: Installation) -> None:
    page = watched.page
    row(page, "Cedar").hover()
    row(page, "Cedar").get_by_role("button", name="Snooze").click()
    menu(page).get_by_label("Date and time").fill(LATER)
    menu(page).get_by_label("Date and time").press("Enter")
    expect(row(page, "Cedar")).to_have_count(0)
    expect(page.locator(".toast", has_text="Conversation snoozed")).to_be_visible()
    watched.go("/mail/snoozed/")
    expect(row(page, "Cedar").locator(".conv__later")).to_contain_text("1 May 2036, 08:00")
    watched.look()
    row(page, "Cedar").locator(".conv__subj").click()
    expect(page.locator(".read__later")).to_contain_text("1 May 2036, 08:00")
    watched.look()
    watched.go("/mail/inbox/")
    filled.manage("shell", "-v0", "-c", DUE)
    expect(row(page, "Cedar")).to_have_count(1, timeout=60_000)
    page.reload()
    expect(page.locator("article.conv").first).to_contain_text("Cedar")
    expect(row(page, "Cedar")).to_have_class("conv is-unread")
    watched.check()


@pytest.mark.long
def test_it_is_brought_back_by_hand(watched: Watched) -> None:
    page = watched.page
    row(page, "Elder").hover()
    row(page, "Elder").get_by_role("button", name="Snooze").click()
    menu(page).get_by_role("button", name="Tomorrow morning").click()
    expect(row(page, "Elder")).to_have_count(0)
    expect(page.locator(".toast", has_text="Conversation snoozed")).to_be_visible()
    watched.go("/mail/snoozed/")
    row(page, "Elder").hover()
    row(page, "Elder").get_by_role("button", name="Bring back now").click()
    expect(row(page, "Elder")).to_have_count(0)
    expect(page.locator(".toast", has_text="Conversation brought back")).to_be_visible()
    watched.go("/mail/inbox/")
    expect(row(page, "Elder")).to_have_count(1)
    watched.check()


def test_a_finger_to_the_left_offers_times(filled: Installation, chromium: Browser) -> None:
    with opened(chromium, base(filled), as_whom=WHO, size=SIZES[1], has_touch=True) as watched:
        watched.go("/mail/inbox/")
        page = watched.page
        row(page, "Birch").evaluate(SWIPE.replace("50 + 200", "300 - 200"))
        expect(menu(page)).to_have_attribute("open", "")
        watched.check()
        watched.check_accessibility()
        menu(page).get_by_role("button", name="Tomorrow morning").click()
        expect(row(page, "Birch")).to_have_count(0)
        undo(page)


def test_without_script_a_message_has_the_menu(filled: Installation, chromium: Browser) -> None:
    with opened(chromium, base(filled), as_whom=WHO, java_script_enabled=False) as watched:
        watched.go("/mail/inbox/")
        page = watched.page
        expect(row(page, "Fir").get_by_role("button", name="Snooze")).to_be_hidden()
        row(page, "Fir").locator(".conv__subj").click()
        page.locator(".mail__read [data-menu=snooze] summary").click()
        page.locator(".mail__read [data-menu=snooze] [name=until]").fill(LATER)
        page.locator(".mail__read [data-menu=snooze] .menu__new button").click()
        expect(page.locator(".toast", has_text="Conversation snoozed")).to_be_visible()
        page.locator("form[action='/mail/undo/'] button").first.click()
        expect(row(page, "Fir")).to_have_count(1)


@pytest.mark.long
def test_vacation_replies_are_set_looked_at_and_tried(
    filled: Installation, chromium: Browser
) -> None:
    with opened(chromium, base(filled), as_whom=WHO) as watched:
        watched.go("/settings/vacation/")
        page = watched.page
        expect(page.get_by_label("Message to people outside")).to_be_hidden()
        page.get_by_label("From").fill("2035-12-18T17:00")
        page.get_by_label("Until").fill("2036-01-04T08:00")
        page.get_by_label("Subject", exact=True).fill("Away: {subject}")
        page.get_by_label("Message", exact=True).fill("Back in January.")
        page.get_by_label("Different text inside and outside").check()
        page.get_by_label("Message to people outside").fill("We are closed.")
        page.get_by_role("switch").check()
        watched.look()
        page.get_by_role("button", name="Send me a test").click()
        expect(page.locator(".toast", has_text="A test is on its way")).to_be_visible()
        expect(page.get_by_label("Message", exact=True)).to_have_value("Back in January.")
        page.get_by_role("button", name="Save").last.click()
        expect(page.get_by_role("status").filter(has_text="Replies run from")).to_be_visible()
        watched.look()
        page.get_by_label("Until").fill("2035-12-01T08:00")
        page.get_by_role("button", name="Save").last.click()
        expect(page.get_by_role("alert")).to_contain_text("It must end after it starts.")
        watched.complaints.clear()  # the browser notes the 422
        watched.look()
        filled.wait_for(lambda: len(filled.inbox(WHO)) == len(NAMES) + 1, 30, "no test")
