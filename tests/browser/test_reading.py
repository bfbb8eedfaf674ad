"""The reading pane in a real browser: messages fold and open, keys go from one to the next, and all
of it is there without script."""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from functools import partial
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.payloads import OVERLAYS
from tests.support.installation import Installation
from tests.support.watching import Watched, opened

PEOPLE = ("alice@rhone.test", "bob@rhone.test")
ALICE = PEOPLE[0]
FIRST = (
    "From: Mallory <mallory@evil.invalid>\r\nTo: alice@rhone.test\r\nSubject: Planting plan\r\n"
    "Message-ID: <r1@evil.invalid>\r\n\r\nThe first words.\r\n"
)
NEXT = (
    "From: Dora <dora@evil.invalid>\r\nTo: alice@rhone.test\r\nSubject: Re: Planting plan\r\n"
    "Message-ID: <r{n}@evil.invalid>\r\nReferences: <r1@evil.invalid>\r\n\r\n"
    "Your code is 4829{n}1.\r\n\r\n> Quoted words {n}\r\n-- \r\nDora\r\n"
)


@pytest.fixture
def watched(service: Installation, chromium: Browser) -> Iterator[Watched]:
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, size=(1440, 900), as_whom=ALICE) as seen:
        yield seen


@pytest.fixture(scope="module")
def conversation(service: Installation) -> str:
    """A conversation of three messages in alice's inbox, and the address of its last one."""
    before = len(service.inbox(ALICE))

    def has(wanted: int) -> bool:
        return len(service.inbox(ALICE)) >= wanted

    for number, text in enumerate([FIRST, NEXT.format(n=2), NEXT.format(n=3)], 1):
        with service.smtp() as client:
            client.sendmail("dora@evil.invalid", [ALICE], text.encode())
        service.wait_for(partial(has, before + number), 20, "no mail")
    return f"/mail/inbox/{before + 3}/"


def test_messages_fold_and_open_in_place(watched: Watched, conversation: str) -> None:
    page = watched.page
    watched.go(conversation)  # all are unread, so all are open
    expect(page.locator("article.msg")).to_have_count(3)
    expect(page.locator(".msg--folded")).to_have_count(0)
    watched.go(conversation)
    expect(page.locator(".msg--folded")).to_have_count(2)
    page.locator("a.msg--fold").first.click()
    expect(page.locator(".msg--folded")).to_have_count(1)
    expect(page.locator("article.msg").first).to_contain_text("The first words.")
    expect(page.locator("article.msg").first).to_be_focused()
    assert page.url.endswith(conversation)
    page.keyboard.press("n")
    expect(page.locator("a.msg--fold")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".msg--folded")).to_have_count(0)
    page.keyboard.press("p")
    expect(page.locator("article.msg").first).to_be_focused()
    expect(page.locator("blockquote").first).to_be_hidden()
    page.locator(".quote-btn").first.click()
    expect(page.locator("blockquote").first).to_be_visible()
    page.locator(".msg__people > summary").first.click()
    watched.look()


def test_why_opens_beside_the_message(watched: Watched, conversation: str) -> None:
    page = watched.page
    watched.go("/mail/inbox/")
    page.locator("article.conv .conv__subj").first.click()
    panel, more = page.locator("#why"), page.locator(".mail__read > .bar summary[aria-label=More]")
    more.click()
    page.keyboard.press("Tab")
    expect(page.locator(".mail__read > .bar [data-why]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel.locator("h2").first).to_be_focused()
    expect(page.locator(".mail__read article.msg").first).to_be_visible()
    expect(page.locator(".mail__list")).to_be_visible()
    assert page.url.endswith(conversation)  # the page beneath, for who loads it again
    # Other things that Esc closes go first.
    more.click()
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    expect(panel).to_be_visible()
    watched.look()
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(more).to_be_focused()
    # Back closes it, and only it.
    more.click()
    page.click(".mail__read > .bar [data-why]")
    expect(panel).to_be_visible()
    page.go_back()
    expect(panel).to_have_count(0)
    expect(page.locator(".mail__read article.msg").first).to_be_visible()
    assert page.url.endswith(conversation)
    page.go_back()
    expect(page.locator(".mail__read article.msg")).to_have_count(0)
    # The palette has it, too, where a message is open.
    page.keyboard.press("Control+k")
    page.keyboard.type("why")
    expect(page.locator("#palette-list [aria-selected=true]")).to_have_count(0)
    page.keyboard.press("Escape")
    # Elsewhere it does not stay, and leaves no step of its own behind.
    page.locator("article.conv .conv__subj").first.click()
    expect(page.locator(".mail__read article.msg").first).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("why is this")
    page.keyboard.press("Enter")
    expect(panel).to_be_visible()
    page.locator("#side [data-box=sent]").click()
    expect(page.locator(".mail__list h1")).to_contain_text("Sent")
    expect(panel).to_have_count(0)
    page.go_back()
    expect(page.locator(".mail__list h1, .mail__list h2").first).to_contain_text("Inbox")
    watched.check()


def test_why_takes_the_whole_screen_of_a_phone(watched: Watched, conversation: str) -> None:
    page = watched.page
    page.set_viewport_size({"width": 390, "height": 844})
    watched.go(conversation)
    page.click(".mail__read > .bar summary[aria-label=More]")
    page.click(".mail__read > .bar [data-why]")
    box = page.locator("#why").bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 844)
    # What it covers cannot be reached by keyboard.
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("!document.activeElement.closest('.mail__read, .mail__list, #side')")
    page.click("#why [data-close-drawer]")
    expect(page.locator("#why")).to_have_count(0)
    expect(page.locator(".mail [inert]")).to_have_count(0)
    expect(page.locator(".mail__read > .bar summary[aria-label=More]")).to_be_focused()
    watched.check()


@pytest.fixture(scope="module")
def with_files(service: Installation) -> str:
    """A message with a picture, a PDF of two pages, a text, and a file that nobody can show."""
    message = EmailMessage()
    message["From"], message["To"] = "Dora <dora@evil.invalid>", ALICE
    message["Subject"], message["Message-ID"] = "Files", "<files@evil.invalid>"
    message.set_content("See below.")
    picture, pages = BytesIO(), BytesIO()
    sheet = Image.new("RGB", (400, 300), "teal")
    sheet.save(picture, "PNG")
    sheet.save(pages, "PDF", save_all=True, append_images=[Image.new("RGB", (400, 300), "navy")])
    message.add_attachment(picture.getvalue(), "image", "png", filename="garden.png")
    message.add_attachment(pages.getvalue(), "application", "pdf", filename="plan.pdf")
    message.add_attachment(b"A list\n", "text", "plain", filename="list.txt")
    message.add_attachment(b"\0\1\2", "application", "octet-stream", filename="seed.bin")
    with service.imap(ALICE) as imap:
        imap.append("INBOX", message.as_bytes())
        imap.select_folder("INBOX", readonly=True)
        return f"/mail/inbox/{max(imap.search())}/"


def test_files_are_looked_at_one_after_the_other(watched: Watched, with_files: str) -> None:
    page = watched.page
    watched.go(with_files)
    first = page.locator("a[data-preview]", has_text="garden.png")
    first.focus()
    page.keyboard.press("Enter")
    box = page.locator("dialog.lightbox")
    name, following = box.locator("h2"), box.locator("[data-preview=following]")
    expect(name).to_have_text("garden.png")
    expect(name).to_be_focused()
    expect(box.locator("img")).to_be_visible()
    watched.look()
    following.focus()
    page.keyboard.press("Enter")
    expect(name).to_have_text("plan.pdf")
    expect(following).to_be_focused()
    expect(box.locator("[role=status]")).to_have_text("plan.pdf, 2 of 4")
    box.get_by_role("link", name="Next page").click()
    expect(box).to_contain_text("Page 2 of 2")
    watched.look()
    page.keyboard.press("ArrowRight")
    expect(box.locator("pre")).to_contain_text("A list")
    page.keyboard.press("ArrowRight")
    expect(box).to_contain_text("There is no preview")
    page.keyboard.press("ArrowRight")  # the last one
    page.keyboard.press("ArrowLeft")
    expect(name).to_have_text("list.txt")
    with page.expect_download() as download:
        box.get_by_role("link", name="Download list.txt").click()
    assert download.value.suggested_filename == "list.txt"
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(first).to_be_focused()
    assert page.url.endswith(with_files)
    first.click()
    expect(name).to_be_visible()
    page.go_back()
    expect(box).to_have_count(0)
    expect(page.locator(".mail__read article.msg")).to_be_visible()
    assert page.url.endswith(with_files)
    watched.check()


def test_a_preview_that_cannot_be_had_is_said_in_its_dialog(
    watched: Watched, with_files: str
) -> None:
    page = watched.page
    watched.go(with_files)
    page.route("**/preview/**", lambda route: route.abort())
    page.locator("a[data-preview]").first.click()
    box = page.locator("dialog.lightbox")
    expect(box.locator("[role=alert]")).to_contain_text("The server cannot be reached.")
    watched.check_accessibility()
    page.unroute("**/preview/**")
    page.keyboard.press("Enter")  # on Try again
    expect(box.locator("img")).to_be_visible()
    box.get_by_role("button", name="Close").click()
    expect(box).to_have_count(0)
    assert all("preview" in said for said in watched.complaints)  # the browser's own


DESIGNED = b"""From: Shop <shop@evil.invalid>\r
To: alice@rhone.test\r
Subject: Sale\r
Message-ID: <sale@evil.invalid>\r
Content-Type: text/html; charset=utf-8\r
\r
<body style="margin:0;background:#f3f1e8;color:#26302a"><h1 style="color:#4b6b3c">Sale</h1>
<p>All seeds.</p><img src="https://evil.invalid/seeds.png" width="100" height="100"></body>"""


@pytest.mark.long
def test_designed_mail_has_light_and_dark_paper(
    service: Installation, watched: Watched, chromium: Browser
) -> None:
    with service.imap(ALICE) as imap:
        imap.append("INBOX", DESIGNED)
        imap.select_folder("INBOX", readonly=True)
        path = f"/mail/inbox/{max(imap.search())}/"
    page = watched.page

    def paper() -> str:
        inside = page.frame_locator("iframe.msg__frame").locator("html")
        return str(inside.evaluate("one => getComputedStyle(one).filter"))

    def address() -> str:
        return str(page.evaluate("document.querySelector('.msg__frame').contentWindow.location"))

    light, dark = page.locator("[data-sheet=light]"), page.locator("[data-sheet=dark]")
    watched.go(path)
    expect(page.frame_locator("iframe.msg__frame").locator("h1")).to_have_text("Sale")
    expect(dark).to_be_hidden()  # by day there is nothing to choose
    watched.look()
    page.emulate_media(color_scheme="dark")
    expect(light).to_have_attribute("aria-current", "true")
    assert paper() == "none"
    steps = page.evaluate("history.length")
    light.focus()
    page.keyboard.press("Tab")
    expect(dark).to_be_focused()
    page.keyboard.press("Enter")
    expect(dark).to_have_attribute("aria-current", "true")
    expect(page.frame_locator("iframe.msg__frame").locator("h1")).to_have_text("Sale")
    assert paper().startswith("invert")
    # What was chosen for the pictures stays, and the other way round.
    page.get_by_role("link", name="Load pictures").click()
    service.wait_for(lambda: "images=" in address(), 20, "the frame is the same")
    assert "sheet=dark" in address()
    assert page.evaluate("history.length") == steps
    page.reload()
    expect(dark).to_have_attribute("aria-current", "true")
    assert "sheet=dark" in address()
    watched.check_accessibility()
    page.emulate_media(color_scheme="light")
    service.wait_for(lambda: "sheet=light" in address(), 20, "the frame is the same")
    expect(dark).to_be_hidden()
    # Without script each is a link into the frame.
    with opened(
        chromium, watched.base, theme="dark", as_whom=ALICE, java_script_enabled=False
    ) as plain:
        plain.go(path)
        plain.page.click("[data-sheet=dark]")
        expect(plain.page.frame_locator("iframe.msg__frame").locator("html")).to_have_css(
            "filter", "invert(0.9) hue-rotate(180deg)"
        )


# Of everything that a hand can reach above and beside a message: what lies under a pointer there.
COVERED = """() => {
  const meant = [...document.querySelectorAll(
    '.mail__read > .bar :is(button, a, summary), .mail__top :is(button, a, summary, input),'
    + '.mail__side a, .conv')];
  const frames = [...document.querySelectorAll('iframe')];
  return meant.filter(one => {
    const at = one.getBoundingClientRect();
    const x = at.left + at.width / 2, y = at.top + at.height / 2;
    if (!one.checkVisibility()) return false;
    if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return false;
    return frames.includes(document.elementFromPoint(x, y));
  }).map(one => one.outerHTML).concat(frames.filter(frame => {
    // Clipped by the pane that scrolls, whatever the mail says of its own size.
    const at = frame.getBoundingClientRect();
    const pane = frame.closest('.thread').getBoundingClientRect();
    return at.left < pane.left || at.right > pane.right + 1 || frame.height > 20000;
  }).map(frame => frame.outerHTML));
}"""
TRICKS = (
    *OVERLAYS,
    "<div style='margin:-9999px;padding:9999px;background:red'>over</div>",
    "<div style='transform:scale(99) translate(-50%,-90%);will-change:transform'>over</div>",
    "<style>html, body {{ height: 900000px; margin-top: -90000px; zoom: 9 }}</style>over",
    "<div popover id=p>over</div><dialog open style='inset:0;width:100vw'>over</dialog>",
)


@pytest.mark.long
def test_no_message_lies_over_the_buttons(service: Installation, watched: Watched) -> None:
    """Section F, 77: whatever its styles say, a body stays in its frame, and that in its pane."""
    head = "From: M <m@evil.invalid>\r\nSubject: Over\r\nMessage-ID: <o{}@evil.invalid>\r\n"
    with service.imap(ALICE) as imap:
        for number, trick in enumerate(TRICKS):
            html = "Content-Type: text/html\r\n\r\n" + trick.replace("{{", "{").replace("}}", "}")
            imap.append("INBOX", (head.format(number) + html).encode())
        imap.select_folder("INBOX", readonly=True)
        uids = imap.search()[-len(TRICKS) :]
    page = watched.page
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for uid in uids:
            watched.go(f"/mail/inbox/{uid}/")
            frame = page.locator("iframe.msg__frame").first
            expect(frame).to_have_attribute("height", re.compile("^[1-9]"))
            assert page.evaluate(COVERED) == [], uid
            page.evaluate("document.querySelector('.thread').scrollTo(0, 99999)")
            assert page.evaluate(COVERED) == [], uid
            page.locator(".mail__read > .bar summary[aria-label=More]").click(timeout=5_000)
            expect(page.locator(".mail__read > .bar [data-why]")).to_be_in_viewport()
            page.keyboard.press("Escape")
    watched.check()


@pytest.mark.long
def test_header_and_print_pages_are_whole(watched: Watched, conversation: str) -> None:
    for address in ("headers/", "print/?whole=1"):
        watched.go(conversation + address)
        watched.look()


def test_it_reads_without_script(
    service: Installation, watched: Watched, chromium: Browser, conversation: str
) -> None:
    watched.go(conversation)
    with opened(chromium, watched.base, as_whom=ALICE, java_script_enabled=False) as plain:
        page = plain.page
        plain.go(conversation)
        page.locator("a.msg--fold").first.click()
        expect(page.locator("article.msg").first).to_contain_text("The first words.")
        page.locator(".quote-btn").first.click()
        expect(page.locator("blockquote").first).to_be_visible()


@pytest.mark.long
def test_a_sender_is_blocked_and_let_in_again(
    service: Installation, watched: Watched, conversation: str
) -> None:
    """The last one: what comes back has another address."""
    page = watched.page

    def blocked() -> str:
        return service.manage("spam", "list", "show", "--user", ALICE)

    watched.go("/mail/inbox/")
    page.locator("article.conv .conv__subj", has_text="Planting plan").click()
    more = page.locator("article.msg summary[aria-label='More on this message']").last
    more.click()
    page.locator("form[data-block] button:visible").click()
    told = page.locator(".toast", has_text="Mail from dora@evil.invalid is refused")
    expect(told).to_be_visible()
    expect(more).to_be_focused()
    assert "dora@evil.invalid" in blocked()
    page.keyboard.press("z")
    expect(page.locator(".toast", has_text="Nothing is said of dora@evil.invalid")).to_be_visible()
    assert "dora@evil.invalid" not in blocked()
    # From the panel, with what moves to Junk; both come back.
    rows = page.locator("article.conv").count()
    page.click(".mail__read > .bar summary[aria-label=More]")
    page.click(".mail__read > .bar [data-why]")
    page.check("#why input[name=junk]")
    page.click("#why form[data-block] [value=address]")
    told = page.locator(".toast", has_text="goes to Junk").last
    told.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast", has_text="Undone: the message is as it was.")).to_be_visible()
    expect(page.locator("article.conv")).to_have_count(rows)
    expect(page.locator("#why")).to_have_count(0)
    assert "dora@evil.invalid" not in blocked()
    assert page.evaluate("!document.querySelector('[inert]')")
    watched.check()
