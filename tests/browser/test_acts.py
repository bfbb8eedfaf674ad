"""Acts in a real browser: at once, by mouse, by keyboard alone, by dragging; and when they fail."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.installation import Installation
from tests.support.watching import Watched, opened

PEOPLE = ("alice@aare.test", "bob@aare.test")
WHO = PEOPLE[0]
NAMES = ["Amber", "Birch", "Cedar", "Damson", "Elder", "Fir"]
LETTER = "From: Bob <bob@aare.test>\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <{}@x>\r\n\r\nHi\r\n"

# A finger that goes 200 pixels to the right.
SWIPE = """row => ['touchstart', 'touchmove', 'touchend'].forEach((kind, at) => {
  const x = 50 + 200 * (at > 0);
  const finger = new Touch({ identifier: 1, target: row, clientX: x, clientY: 200 });
  const touches = kind === 'touchend' ? [] : [finger];
  row.dispatchEvent(new TouchEvent(kind, { bubbles: true, touches, changedTouches: [finger] }));
})"""


@pytest.fixture(scope="module")
def filled(service: Installation) -> Installation:
    with service.smtp() as client:
        for name in NAMES:
            raw = LETTER.format(WHO, name, name).encode()
            client.sendmail("bob@aare.test", [WHO], raw)
    service.wait_for(lambda: len(service.inbox(WHO)) == len(NAMES), 30, "no mail")
    return service


@pytest.fixture
def watched(filled: Installation, chromium: Browser) -> Iterator[Watched]:
    with opened(chromium, f"https://localhost:{filled.ports['WEB']}", as_whom=WHO) as seen:
        seen.go("/mail/inbox/")
        expect(seen.page.locator("article.conv")).to_have_count(len(NAMES))
        yield seen


def subjects(page: Page) -> list[str]:
    return page.locator("article.conv .conv__subj").all_inner_texts()


def undone(page: Page) -> None:
    """Wait until Undo is through: the server has said so."""
    expect(page.locator(".toast", has_text="Undone").last).to_be_visible()
    expect(page.locator("article.conv")).to_have_count(len(NAMES))


def test_it_archives_by_keyboard_alone_and_takes_it_back(watched: Watched) -> None:
    page = watched.page
    order = subjects(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    at = page.locator("article.conv[aria-current] .conv__subj").inner_text()
    following = order[order.index(at) + 1]
    page.keyboard.press("e")
    expect(page.locator("article.conv")).to_have_count(len(NAMES) - 1)
    expect(page.locator("article.conv[aria-current] .conv__subj")).to_have_text(following)
    expect(page.locator("article.conv[aria-current] .conv__subj")).to_be_focused()
    expect(page.locator(".toast", has_text="archived")).to_be_visible()
    page.keyboard.press("z")
    undone(page)
    assert subjects(page) == order
    # The row is as good as before: it can be opened, and starred.
    page.keyboard.press("s")
    star = page.locator("article.conv[aria-current] .conv__star")
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".toast", has_text="starred")).to_be_visible()
    page.keyboard.press("z")
    expect(star).to_have_attribute("aria-pressed", "false")
    # What is open goes with its row.
    page.keyboard.press("Enter")
    expect(page.locator(".mail__read .msg")).to_have_count(1, timeout=15_000)
    page.keyboard.press("e")
    expect(page.locator(".mail__read .msg")).to_have_count(0)
    expect(page.locator("article.conv")).to_have_count(len(NAMES) - 1)
    page.keyboard.press("z")
    undone(page)
    # By a menu, where its folder is found by a word.
    page.keyboard.press("v")
    page.keyboard.type("arch")
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="moved to “Archive”")).to_be_visible()
    page.keyboard.press("z")
    undone(page)
    page.reload()
    # Those of one second stand by UID, and one that was away has a new one.
    assert sorted(subjects(page)) == sorted(order)
    watched.check()


def test_it_acts_on_a_range_and_on_all(watched: Watched) -> None:
    page = watched.page
    boxes = page.locator("article.conv .cb")
    boxes.nth(1).check()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(page.locator("#seln")).to_have_text("3 selected")
    expect(page.locator("#listbar")).to_be_hidden()
    watched.check_accessibility()
    page.click("#selbar [value=trash]")
    expect(page.locator("article.conv")).to_have_count(len(NAMES) - 3)
    expect(page.locator("#selbar")).to_be_hidden()
    expect(page.locator("#listbar")).to_be_visible()
    toast = page.locator(".toast", has_text="3 conversations moved to Trash")
    toast.get_by_role("button", name="Undo").click()
    undone(page)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("Shift+J")
    page.keyboard.press("Shift+J")
    expect(page.locator("#seln")).to_have_text("3 selected")
    page.keyboard.type("*a")
    expect(page.locator("#seln")).to_have_text(f"{len(NAMES)} selected")
    page.keyboard.type("*n")
    expect(page.locator("#selbar")).to_be_hidden()
    # As if the page were the first of several.
    page.eval_on_selector("#selwhole .cb", "box => { box.dataset.count = 148 }")
    page.keyboard.type("*a")
    page.locator("#selwhole .cb").check()
    expect(page.locator("#seln")).to_have_text("All 148 messages selected")
    page.click("#selbar [value=archive]")
    expect(page.locator("article.conv")).to_have_count(0)
    expect(page.locator(".toast", has_text=f"{len(NAMES)} messages archived")).to_be_visible()
    page.keyboard.press("z")
    undone(page)
    watched.check()


def test_it_labels_and_makes_labels(watched: Watched) -> None:
    page = watched.page
    boxes = page.locator("article.conv .cb")
    boxes.nth(0).check()
    boxes.nth(2).check()
    page.keyboard.press("l")
    page.fill("#selbar [name=new]", "Quayside")
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="Label added to 2 conversations")).to_be_visible()
    page.reload()
    expect(page.locator("article.conv .tag", has_text="Quayside")).to_have_count(2)
    watched.check()
    watched.check_accessibility()


def test_it_drags_rows_to_a_folder(watched: Watched) -> None:
    page = watched.page
    boxes = page.locator("article.conv .cb")
    boxes.nth(0).check()
    boxes.nth(1).check()
    archive = page.locator("#side [data-mailbox]", has_text="Archive")
    page.locator("article.conv").nth(1).drag_to(archive)
    expect(page.locator(".toast", has_text="2 conversations moved to “Archive”")).to_be_visible()
    expect(page.locator("article.conv")).to_have_count(len(NAMES) - 2)
    page.keyboard.press("z")
    undone(page)
    page.locator("article.conv").nth(1).evaluate(SWIPE)
    expect(page.locator(".toast", has_text="Conversation archived")).to_be_visible()
    page.keyboard.press("z")
    undone(page)
    watched.check()


def test_a_row_comes_back_when_its_act_fails(watched: Watched) -> None:
    page = watched.page
    order = subjects(page)

    def refuse(route: Route) -> None:
        route.fulfill(status=409, json={"error": "The folder is closed today"})

    page.route("**/mail/acts/", refuse)
    page.keyboard.press("j")
    page.keyboard.press("#")
    toast = page.locator(".toast--bad", has_text="The folder is closed today")
    expect(toast).to_be_visible()
    assert subjects(page) == order
    page.unroute("**/mail/acts/")
    toast.get_by_role("button", name="Try again").click()
    expect(page.locator("article.conv")).to_have_count(len(NAMES) - 1)
    page.locator(".toast", has_text="moved to Trash").get_by_role("button", name="Undo").click()
    undone(page)
    # The refusal, which the browser writes into its console by itself.
    assert all("409" in said for said in watched.complaints)


def test_it_works_without_script(filled: Installation, chromium: Browser) -> None:
    base = f"https://localhost:{filled.ports['WEB']}"
    with opened(chromium, base, as_whom=WHO, java_script_enabled=False) as seen:
        page = seen.page
        seen.go("/mail/inbox/")
        page.locator("article.conv .cb").nth(0).check()
        page.locator("article.conv .cb").nth(2).check()
        page.click("#selbar [value=archive]")
        expect(page.locator("article.conv")).to_have_count(len(NAMES) - 2)
        expect(page.locator(".toast")).to_contain_text("2 conversations archived")
        page.click(".toast button")
        expect(page.locator("article.conv")).to_have_count(len(NAMES))
        expect(page.locator(".toast")).to_contain_text("Undone")
        page.locator("article.conv").nth(1).hover()
        page.locator("article.conv .conv__star").nth(1).click()
        expect(page.locator("article.conv .conv__star.is-on")).to_have_count(1)
