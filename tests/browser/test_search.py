"""Search in a real browser: by keyboard, with chips and marks; without script on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.installation import Installation
from tests.support.watching import SIZES, Watched, opened

PEOPLE = ("alice@saale.test", "bob@saale.test")
WHO = PEOPLE[0]
LETTER = (
    "From: Priya Rao <priya@quay.test>\r\nTo: {who}\r\nSubject: {name} plan\r\n"
    "Message-ID: <{name}@quay.test>\r\n\r\nThe gravel of the {name} quay is late.\r\n"
)
NAMES = ["Amber", "Birch", "Cedar"]


@pytest.fixture(scope="module")
def filled(service: Installation) -> Installation:
    with service.smtp() as client:
        for name in NAMES:
            raw = LETTER.format(who=WHO, name=name).encode()
            client.sendmail("priya@quay.test", [WHO], raw)
    service.wait_for(lambda: len(service.inbox(WHO)) == len(NAMES), 30, "no mail")
    return service


@pytest.fixture
def base(filled: Installation) -> str:
    return f"https://localhost:{filled.ports['WEB']}"


@pytest.fixture
def watched(base: str, chromium: Browser) -> Iterator[Watched]:
    with opened(chromium, base, as_whom=WHO) as seen:
        seen.go("/mail/inbox/")
        yield seen


def test_it_is_used_by_keyboard_alone(watched: Watched) -> None:
    page = watched.page
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Search mail")
    expect(box).to_be_focused()
    page.keyboard.type("from:pri")
    options = page.get_by_role("option")
    expect(options).to_have_count(1)
    watched.check_accessibility()
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(box).to_have_value("from:priya@quay.test ")
    page.keyboard.press("Escape")
    expect(page.locator("#suggest")).to_be_hidden()
    expect(box).to_be_focused()
    page.keyboard.type("gravel")
    page.keyboard.press("Enter")
    rows = page.locator("article.conv")
    expect(rows).to_have_count(3)
    expect(page.locator("#found")).to_contain_text("3 messages in all mail")
    expect(rows.first.locator("mark").first).to_be_visible()
    watched.look()
    page.get_by_role("link", name="Remove from: priya@quay.test").click()
    expect(box).to_have_value("gravel")
    page.get_by_role("link", name="Amber plan").click()
    page.wait_for_url("**/mail/inbox/*/?q=gravel")
    expect(page.locator(".msg__body, .msg").first).to_be_visible()
    page.go_back()
    expect(rows).to_have_count(3)
    # What was looked for is offered again, and forgotten when somebody says so.
    page.keyboard.press("/")
    expect(page.get_by_role("group", name="Recent searches")).to_be_visible()
    page.get_by_role("button", name="Forget recent searches").click()
    expect(page.get_by_role("group", name="Recent searches")).to_have_count(0)
    watched.check()


def test_filters_open_over_the_page(watched: Watched) -> None:
    page = watched.page
    page.locator("#search-options").click()
    dialog = page.get_by_role("dialog", name="Search options")
    expect(dialog.get_by_label("From", exact=True)).to_be_focused()
    watched.check_accessibility()
    page.keyboard.type("Priya")
    dialog.get_by_label("Has the words").fill("amber")
    page.keyboard.press("Enter")
    expect(page.locator("article.conv")).to_have_count(1)
    expect(page.locator("#search-q")).to_have_value("amber from:Priya")
    watched.check()


def test_it_works_without_script_on_a_phone(base: str, chromium: Browser) -> None:
    with opened(chromium, base, size=SIZES[1], java_script_enabled=False, as_whom=WHO) as seen:
        seen.go("/mail/inbox/")
        seen.page.fill("#search-q", "birch")
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_url("**/mail/search/?q=birch")
        expect(seen.page.locator("article.conv")).to_have_count(1)
        seen.page.get_by_role("link", name="All filters").click()
        seen.page.get_by_label("From", exact=True).fill("nobody")
        seen.page.get_by_role("button", name="Search", exact=True).click()
        expect(seen.page.get_by_role("heading", name="Nothing found")).to_be_visible()
        seen.page.get_by_role("link", name="Without “from: nobody”").click()
        expect(seen.page.locator("article.conv")).to_have_count(1)
        assert seen.complaints == []
