"""The frame of the webmail: going without reloading, keys, palette, layouts, languages."""

import gzip
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Response, expect

from tests.support.installation import Installation
from tests.support.watching import SIZES, Watched, opened

PEOPLE = ("alice@thames.test", "bob@thames.test")
ALICE = PEOPLE[0]
MOST = 150_000  # bytes of own static files, packed, at the first load
# Sums up what moved without a hand having moved it (Layout Instability).
SHIFTS = """window.moved = 0; new PerformanceObserver(seen => {
  for (const one of seen.getEntries()) if (!one.hadRecentInput) window.moved += one.value;
}).observe({type: 'layout-shift', buffered: true});"""


@pytest.fixture(scope="module")
def base(service: Installation) -> str:
    """A service in which alice has three messages."""
    with service.smtp() as client:
        for number in range(3):
            raw = (
                f"From: Bob Baker <bob{number}@elsewhere.invalid>\r\nTo: {ALICE}\r\n"
                f"Message-ID: <{uuid4()}@elsewhere.invalid>\r\n"
                f"Subject: Letter {number}\r\n\r\nText of letter {number}.\r\n"
            )
            client.sendmail("bob@elsewhere.invalid", [ALICE], raw.encode())
    service.wait_for(lambda: len(service.inbox(ALICE)) >= 3, 20, "no mail")
    return f"https://localhost:{service.ports['WEB']}"


@pytest.fixture
def watched(chromium: Browser, base: str) -> Iterator[Watched]:
    with opened(chromium, base, as_whom=ALICE) as seen:
        yield seen


def subject(watched: Watched, number: int) -> str:
    return watched.page.locator("article.conv .conv__subj").nth(number).inner_text().strip()


def test_the_first_load_is_small_and_nothing_moves(watched: Watched) -> None:
    taken: list[Response] = []
    watched.page.on("response", lambda one: taken.append(one) if "/static/" in one.url else None)
    watched.page.add_init_script(SHIFTS)

    watched.go("/mail/inbox/")
    watched.page.wait_for_load_state("networkidle")

    size = sum(len(gzip.compress(one.body())) for one in taken)
    print(f"{len(taken)} files, {size} bytes packed")  # noqa: T201  (the figure is wanted with -s)
    assert size < MOST
    assert watched.page.evaluate("window.moved") < 0.01
    watched.check()


def test_the_keyboard_alone_reads_mail(watched: Watched) -> None:
    page = watched.page
    watched.go("/mail/inbox/")
    watched.rest()
    page.evaluate("window.stays = true")
    first, second = subject(watched, 0), subject(watched, 1)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".mail__read h1")).to_have_text(second)
    expect(page.locator(".mail__read h1")).to_be_focused()
    expect(page).to_have_title(re.compile(rf"{second} · mailhost$"))
    assert page.locator("h1").count() == page.locator("#main").count() == 1
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator(".mail__read h1")).to_have_text(first)
    page.go_back()
    expect(page.locator(".mail__read h1")).to_have_text(second)
    page.go_back()
    expect(page.locator("h1")).to_have_text("Inbox")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/mail/sent/")
    expect(page.locator("h1")).to_have_text("Sent")
    assert page.evaluate("window.stays") is True  # no page was loaded anew
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.fill("#keys-q", "undo")
    assert page.locator("#keys li:visible").count() == 1
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("secur")
    expect(page.locator("#palette [aria-selected=true]")).to_contain_text("Security")
    watched.check_accessibility()
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/security/")
    watched.check()


@pytest.mark.long
def test_it_looks_as_one_likes(watched: Watched) -> None:
    page = watched.page
    watched.go("/settings/general/")
    watched.look()
    for layout in ("below", "full", "beside"):
        page.locator(f"input[name=layout][value={layout}]").check(force=True)
        expect(page.locator("body")).to_have_attribute("data-layout", layout)
        expect(page.locator(".toast").last).to_contain_text("Saved")
        watched.go("/mail/inbox/")
        page.locator("article.conv .conv__subj").first.click()
        expect(page.locator(".mail__read h1")).to_be_visible()
        expect(page.locator(".mail__list")).to_be_visible(visible=layout != "full")
        if layout == "below":
            above, under = (page.locator(one).bounding_box() for one in (".mail__list", ".thread"))
            assert above is not None
            assert under is not None
            assert above["y"] + above["height"] <= under["y"]
        watched.check()
        watched.check_accessibility()
        watched.go("/settings/general/")
    page.locator("[name=theme][value=dark]").check()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator("[name=theme][value=system]").check()
    with page.expect_navigation():
        page.select_option("[name=language]", "de")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    with page.expect_navigation():
        page.select_option("[name=language]", "")
    page.locator("[name=has_shortcuts]").uncheck()
    expect(page.locator("body")).to_have_attribute("data-shortcuts", "off")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_hidden()
    page.locator("[name=has_shortcuts]").check()
    expect(page.locator("body")).to_have_attribute("data-shortcuts", "on")
    watched.check()


def test_a_phone_shows_one_pane(chromium: Browser, base: str) -> None:
    with opened(chromium, base, size=SIZES[1], as_whom=ALICE, has_touch=True) as phone:
        page = phone.page
        phone.go("/mail/inbox/")
        page.locator("article.conv .conv__subj").first.click()
        expect(page.locator(".mail__read h1")).to_be_visible()
        expect(page.locator(".mail__list")).to_be_hidden()
        phone.check()
        page.locator("[data-key=back]:visible").click()
        expect(page.locator(".mail__list")).to_be_visible()
        expect(page.locator(".mail__read")).to_be_hidden()
        phone.check()


def test_trouble_is_said_and_can_be_tried_again(chromium: Browser, base: str) -> None:
    with opened(chromium, base, as_whom=ALICE) as seen:
        page = seen.page
        seen.go("/mail/inbox/")
        page.context.set_offline(True)
        page.locator("article.conv .conv__subj").first.click()
        expect(page.locator(".shell__trouble")).to_contain_text("cannot be reached")
        page.context.set_offline(False)
        page.locator(".shell__trouble button", has_text="Try again").click()
        expect(page.locator(".mail__read h1")).to_be_visible()
        page.context.clear_cookies()
        page.locator("article.conv .conv__subj").nth(1).click()
        page.locator(".toast button", has_text="Sign in").click()
        page.wait_for_url("**/login/?next=**")


def test_all_of_it_works_without_script(chromium: Browser, base: str) -> None:
    with opened(chromium, base, as_whom=ALICE, java_script_enabled=False) as plain:
        page = plain.page
        plain.go("/settings/general/")
        page.select_option("[name=time_zone]", "Europe/Kyiv")
        page.locator("form[data-saves] button.btn--primary").click()
        expect(page.locator(".toast")).to_contain_text("Saved")
        expect(page.locator("[name=time_zone]")).to_have_value("Europe/Kyiv")
        plain.go("/mail/inbox/")
        page.locator("summary[aria-label=View]").click()
        page.locator(".mail__top button[name=density][value=compact]").click()
        expect(page.locator("body")).to_have_attribute("data-density", "compact")
        page.locator("article.conv .conv__subj").first.click()
        expect(page.locator("h1")).to_be_visible()


# What can be seen of a page and stands beyond its edge: panes cut it off without a word.
OUTSIDE = """() => [...document.querySelectorAll('a, button, summary, input, h1, h2, .menu__panel')]
  .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.closest('.mail__side'))
  .filter(one => !one.closest('.toolbar--scroll, .seg, .vh') && !one.matches('.vh, .skip'))
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(one => one.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("width", [320, pytest.param(390, marks=pytest.mark.long)])
def test_a_phone_shows_all_of_it(chromium: Browser, base: str, width: int) -> None:
    phone: dict[str, Any] = {"has_touch": True, "is_mobile": True}
    with opened(chromium, base, size=(width, 700), as_whom=ALICE, **phone) as watched:
        page = watched.page
        for path in ("/mail/inbox/", "/mail/junk/", "/mail/search/?q=letter", "/settings/general/"):
            watched.go(path)
            assert page.evaluate(OUTSIDE) == [], path
        watched.go("/mail/inbox/")
        page.locator("article.conv .conv__subj").first.click()
        expect(page.locator(".mail__read h1")).to_be_visible()
        for menu in page.locator(".mail__read > .bar > details.menu").all():
            menu.locator("summary").click()
            assert page.evaluate(OUTSIDE) == []
            for item in menu.locator(".menu__item:visible").all():
                box = item.bounding_box()
                assert box is not None
                assert box["height"] >= 44
            page.keyboard.press("Escape")
        watched.check()


def test_no_page_moves_while_it_loads(watched: Watched) -> None:
    watched.page.add_init_script(SHIFTS)
    watched.go("/mail/inbox/")
    letter = watched.page.locator("article.conv .conv__subj").first.get_attribute("href")
    for path in (str(letter), "/mail/search/?q=letter"):
        watched.go(path)
        watched.page.wait_for_load_state("networkidle")
        assert watched.page.evaluate("window.moved") < 0.01, path
    watched.check()
