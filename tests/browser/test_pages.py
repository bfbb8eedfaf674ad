"""The pages as people see them:

at a desk and on a phone, light and dark, by mouse and by keyboard.
"""

import re
from collections.abc import Iterator
from typing import Literal
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from tests.support.installation import Installation
from tests.support.watching import SIZES, Watched, opened

PEOPLE = ("alice@drina.test", "bob@drina.test")
HOSTILE = (
    "From: Mallory <mallory@evil.invalid>\r\nTo: alice@drina.test\r\nSubject: Hostile {mark}\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    "<h1>Offer</h1><script>document.title='owned'</script>"
    "<img src=x onerror=\"top.document.title='owned'\">"
    "<svg><animate onbegin=\"top.document.title='owned'\" attributeName=x dur=1s></svg>"
    '<a id=bad href="javascript:top.document.title=1">click</a>'
    "<img src=https://track.invalid/pixel.png><style>@import 'https://track.invalid/x.css';"
    "body {{ background: url(https://track.invalid/bg.png) }}</style>"
    '<meta http-equiv=refresh content="0;url=https://evil.invalid/">'
    '<div style="position:fixed;inset:0;background:url(https://track.invalid/y)">over</div>'
    '<form action="https://evil.invalid/"><input name=password></form>\r\n'
)
PLAIN = (
    "From: Bob Baker <bob@drina.test>\r\nTo: Alice Archer <alice@drina.test>\r\n"
    "Subject: Lunch {mark}\r\nDate: Tue, 24 Nov 2026 12:00:00 +0100\r\n\r\n"
    "Hi Alice,\r\n\r\nsee https://example.org/menu.\r\n\r\n> Shall we have lunch?\r\n\r\nBob\r\n"
)
HEBREW = (
    "From: =?utf-8?B?16DXldei15Q=?= <noa@drina.test>\r\nTo: alice@drina.test\r\n"
    "Subject: שלום {mark}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    "שלום, אור חם, 2700K. תודה!\r\n\r\nRegards, Noa\r\n\r\n> Which light, please?\r\n"
)
# As shops write it: a table of a fixed width in one of the window's.
NEWSLETTER = (
    "From: Shop <news@shop.invalid>\r\nTo: alice@drina.test\r\nSubject: Sale {mark}\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    '<table width="100%"><tr><td align="center"><table width="600" cellpadding="20"><tr>'
    '<td width="300"><h1>Wool socks are back</h1></td><td width="300">In nine colours, and in one'
    " that has no name yet.</td></tr></table></td></tr></table>\r\n"
)


@pytest.fixture(params=SIZES, ids=["desk", "phone"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    width, height = request.param
    return width, height


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.long)])
def theme(request: pytest.FixtureRequest) -> Literal["light", "dark"]:
    return "dark" if request.param == "dark" else "light"


@pytest.fixture
def base(service: Installation) -> str:
    return f"https://localhost:{service.ports['WEB']}"


@pytest.fixture
def watched(
    chromium: Browser, base: str, size: tuple[int, int], theme: Literal["light", "dark"]
) -> Iterator[Watched]:
    with opened(chromium, base, size=size, theme=theme, as_whom=PEOPLE[0]) as seen:
        yield seen


def deliver(service: Installation, text: str) -> str:
    """Send a message to alice and wait until it is in her inbox; its subject."""
    raw = text.format(mark=uuid4().hex[:8]).encode()
    with service.smtp() as client:
        client.sendmail("mallory@evil.invalid", ["alice@drina.test"], raw)
    found = re.search(rb"Subject: ([^\r]+)", raw)
    assert found is not None
    subject = found[1]
    service.wait_for(
        lambda: any(subject in raw for raw in service.inbox("alice@drina.test")), 20, "no mail"
    )
    return subject.decode()


@pytest.mark.parametrize(
    "size", [SIZES[0], pytest.param(SIZES[1], marks=pytest.mark.long)], ids=["desk", "phone"]
)
def test_it_signs_in_reads_and_signs_out(
    service: Installation,
    chromium: Browser,
    base: str,
    size: tuple[int, int],
    theme: Literal["light", "dark"],
) -> None:
    subject = deliver(service, PLAIN)
    with opened(chromium, base, size=size, theme=theme) as watched:
        page = watched.page
        watched.go("/")
        watched.check_accessibility()
        watched.sign_in(PEOPLE[0])
        watched.check()
        watched.check_accessibility()
        page.click(f"a.conv__subj:text-is('{subject}')")
        expect(page.locator("h1")).to_have_text(subject)
        expect(page.locator(".msg__body")).to_contain_text("Hi Alice")
        expect(page.locator("blockquote")).to_be_hidden()
        page.click(".quote-btn")
        expect(page.locator("blockquote")).to_contain_text("Shall we have lunch?")
        watched.check()
        watched.check_accessibility()
        watched.go("/settings/password/")
        watched.check()
        watched.check_accessibility()


def test_it_shows_hostile_mail_and_nothing_runs(service: Installation, watched: Watched) -> None:
    subject = deliver(service, HOSTILE)
    watched.go("/mail/inbox/")
    watched.page.click(f"a.conv__subj:text-is('{subject}')")
    frame = watched.page.frame_locator("iframe.msg__frame")
    expect(frame.locator("h1")).to_have_text("Offer")
    watched.page.wait_for_load_state("networkidle")
    assert watched.page.title().startswith(subject)
    assert frame.locator("script, svg, meta[http-equiv=refresh], form, input").count() == 0
    assert frame.locator("[href^=javascript]").count() == 0
    box = watched.page.locator("iframe.msg__frame").bounding_box()
    assert box is not None
    assert box["height"] > 60
    watched.check()


@pytest.mark.parametrize(
    "size", [SIZES[0], pytest.param(SIZES[1], marks=pytest.mark.long)], ids=["desk", "phone"]
)
def test_it_opens_hostile_mail_directly_and_nothing_runs(
    service: Installation, watched: Watched
) -> None:
    subject = deliver(service, HOSTILE)
    watched.go("/mail/inbox/")
    watched.page.click(f"a.conv__subj:text-is('{subject}')")
    source = watched.page.locator("iframe.msg__frame").get_attribute("src")
    assert source is not None
    watched.go(source)
    expect(watched.page.locator("h1")).to_have_text("Offer")
    assert watched.page.title() == "Message"
    assert watched.strangers == []


@pytest.mark.parametrize("size", [(1440, 900)], ids=["desk"])
@pytest.mark.parametrize("theme", ["light"])
def test_it_shows_scripts_that_run_from_right_to_left(
    service: Installation, watched: Watched
) -> None:
    subject = deliver(service, HEBREW)
    watched.go("/mail/inbox/")
    page = watched.page
    row = page.locator(f"a.conv__subj:text-is('{subject}')")
    expect(row).to_have_css("direction", "rtl")
    preview = page.locator("article.conv", has=row).locator(".conv__l3 .trunc")
    expect(preview).to_have_css("direction", "rtl")
    row.click()
    expect(page.locator(".thread h1")).to_have_css("direction", "rtl")
    words = page.locator(".msg__body p")
    expect(words).to_have_css("direction", "rtl")
    expect(words).to_have_css("unicode-bidi", "plaintext")
    expect(page.locator("blockquote")).to_have_css("direction", "ltr")
    watched.check()
    watched.check_accessibility()


@pytest.mark.parametrize("size", [(1440, 900)], ids=["desk"])
@pytest.mark.parametrize("theme", ["light"])
@pytest.mark.parametrize(("lines", "low", "high"), [(1, 30, 100), (60, 1_800, 3_500)])
def test_it_makes_the_frame_as_high_as_its_mail(
    service: Installation, watched: Watched, lines: int, low: int, high: int
) -> None:
    head, _, _ = NEWSLETTER.partition("<table")
    subject = deliver(service, head + "<p>Short.</p>\r\n" * lines)
    watched.go("/mail/inbox/")
    watched.page.click(f"a.conv__subj:text-is('{subject}')")
    frame = watched.page.locator("iframe.msg__frame")
    expect(watched.page.frame_locator("iframe.msg__frame").locator("p").first).to_be_visible()
    expect(frame).to_have_attribute("height", re.compile("^[1-9]"))
    watched.rest()
    assert low < frame.evaluate("f => f.clientHeight") < high
    hidden = "f => f.contentDocument.documentElement.scrollHeight - f.clientHeight"
    assert frame.evaluate(hidden) <= 1


@pytest.mark.parametrize(
    "size", [pytest.param(SIZES[0], marks=pytest.mark.long), SIZES[1]], ids=["desk", "phone"]
)
@pytest.mark.parametrize("theme", ["light"])
def test_it_fits_a_newsletter_to_the_window(service: Installation, watched: Watched) -> None:
    subject = deliver(service, NEWSLETTER)
    watched.go("/mail/inbox/")
    watched.page.click(f"a.conv__subj:text-is('{subject}')")
    expect(watched.page.frame_locator("iframe.msg__frame").locator("h1")).to_be_visible()
    wide = "f => f.contentDocument.documentElement.scrollWidth - f.clientWidth"
    assert watched.page.locator("iframe.msg__frame").evaluate(wide) <= 0
    watched.check()


@pytest.mark.parametrize("size", [(1440, 900)], ids=["desk"])
@pytest.mark.parametrize("theme", ["light"])
def test_it_is_used_by_keyboard(service: Installation, watched: Watched) -> None:
    first, second = deliver(service, PLAIN), deliver(service, PLAIN)
    watched.go("/mail/inbox/")
    page = watched.page
    page.keyboard.press("j")
    expect(page.locator(f"a.conv__subj:text-is('{second}')")).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator(f"a.conv__subj:text-is('{first}')")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".thread h1")).to_have_text(first)
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="Remove star")).to_be_visible()
    page.keyboard.press("e")
    expect(page.locator(f"a.conv__subj:text-is('{first}')")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    watched.check_accessibility()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


@pytest.mark.parametrize("size", [(1440, 900)], ids=["desk"])
@pytest.mark.parametrize("theme", ["light"])
def test_it_keeps_the_theme_that_was_chosen(watched: Watched) -> None:
    watched.go("/mail/inbox/")
    watched.page.click("[data-do=theme]")
    watched.go("/mail/inbox/")
    assert watched.page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize(
    "size", [pytest.param(SIZES[0], marks=pytest.mark.long), SIZES[1]], ids=["desk", "phone"]
)
def test_it_works_without_script(
    service: Installation, chromium: Browser, base: str, size: tuple[int, int]
) -> None:
    subject = deliver(service, PLAIN)
    with opened(chromium, base, size=size, java_script_enabled=False) as seen:
        seen.sign_in(PEOPLE[0])
        seen.page.click(f"a.conv__subj:text-is('{subject}')")
        expect(seen.page.locator(".thread h1")).to_have_text(subject)
        seen.page.locator(".mail__read").get_by_role("button", name="Move to Trash").click()
        expect(seen.page.locator(f"a.conv__subj:text-is('{subject}')")).to_have_count(0)
